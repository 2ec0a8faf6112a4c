using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Logits of parts of the stream: they add up to what the model says.</summary>
public sealed class AttributionTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    private static readonly LogitDirection s_difference = ("correct", "wrong");

    private readonly DisposeScope _scope = NewDisposeScope();

    /// <summary>With norms and without, with blocks side by side, shared keys, experts, and without feed-forward blocks.</summary>
    public static TheoryData<string> Families =>
    [
        "gpt2", "llama", "gpt_neox", "stablelm-parallel", "toy", "toy-norm_free", "mixtral", "bloom", "gemma", "opt", "phi", "qwen3",
        "gptj",
    ];

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void Terms_add_up_to_the_logit_difference(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        double[] measured = Measured(model, Intervention.On(model));
        foreach (RunOptions options in (RunOptions[])[new(), new() { BatchSize = 1 }, new() { Naive = true }])
        {
            LogitTerms terms = DirectAttribution.Of(model, s_prompts, s_difference, options: options);
            for (int prompt = 0; prompt < measured.Length; prompt++)
            {
                Assert.Equal(measured[prompt], terms.Measured[prompt], Tolerance);
                Assert.Equal(measured[prompt], terms.Names.Sum(name => terms.OfPrompts(name)[prompt]), Tolerance);
            }
            Assert.Contains(terms.Names, name => name != "embed" && Math.Abs(terms[name]) > 1e-3);
        }
    }

    /// <summary>Of a changed run, the terms are its own.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void Terms_add_up_under_an_intervention_too(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Intervention knockout = Intervention.On(model).Zero("blocks.1.attn.z[head=2]").Scale("blocks.2.attn.z[head=0; pos=end]", 2);
        double[] measured = Measured(model, knockout);
        LogitTerms terms = DirectAttribution.Of(model, s_prompts, s_difference, under: knockout.Graph);
        for (int prompt = 0; prompt < measured.Length; prompt++)
            Assert.Equal(measured[prompt], terms.Names.Sum(name => terms.OfPrompts(name)[prompt]), Tolerance);
        Assert.Equal(0, terms[Component.OfHead(1, 2)]);
    }

    /// <summary>
    /// The last depth of the lens is the model; of the cumulative attribution it lacks the two biases, and steps are terms.
    /// </summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void The_lens_ends_at_the_model(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        double[] measured = Measured(model, Intervention.On(model));
        LogitTerms lens = LogitLens.Of(model, s_prompts, s_difference), sums = LogitLens.Cumulative(model, s_prompts, s_difference);
        LogitTerms terms = DirectAttribution.Of(model, s_prompts, s_difference);
        string last = lens.Names[^1];
        Assert.Equal(model.Config.Layers + 1, lens.Names.Count);
        foreach ((int prompt, double difference) in measured.Index())
        {
            Assert.Equal(difference, lens.OfPrompts(last)[prompt], Tolerance);
            double biases = terms.Names.Where(name => name is "ln_final.bias" or "unembed.bias")
                .Sum(name => terms.OfPrompts(name)[prompt]);
            Assert.Equal(difference - biases, sums.OfPrompts(last)[prompt], Tolerance);
            double ofLayer = terms.Names.Where(name => name.StartsWith("a1.", StringComparison.Ordinal) || name == "m1"
                || name.StartsWith("blocks.1.", StringComparison.Ordinal)).Sum(name => terms.OfPrompts(name)[prompt]);
            Assert.Equal(
                ofLayer, sums.OfPrompts("blocks.2.resid_pre")[prompt] - sums.OfPrompts("blocks.1.resid_pre")[prompt], Tolerance);
        }
        using Tensor logits = LogitLens.Logits(model, s_prompts);
        using RunResult run = Intervention.On(model).Capture("Logits", "logits[pos=end]").Run(s_prompts);
        Assert.InRange(Distance.Largest(logits[-1], run["Logits"].Values.squeeze(1)), 0, Tolerance);
    }

    /// <summary>The soft cap of Gemma 2 is in the lens, and forbids attribution.</summary>
    [Fact]
    public void A_soft_cap_is_in_the_lens_alone()
    {
        using DecoderModel model = SmallDecoders.Model("gemma2");
        double[] measured = Measured(model, Intervention.On(model));
        Assert.All(LogitLens.Of(model, s_prompts, s_difference).OfPrompts("blocks.2.resid_post").Zip(measured), pair =>
            Assert.Equal(pair.Second, pair.First, Tolerance));
        Assert.Contains(
            "soft cap", Assert.Throws<InterventionException>(() => LogitLens.Cumulative(model, s_prompts, s_difference)).Message);
        Assert.Throws<InterventionException>(() => DirectAttribution.Of(model, s_prompts, s_difference));
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Attribution_and_lenses_agree_with_the_reference(string name)
    {
        using CircuitCase circuit = new(name);
        using DecoderModel model = CircuitDecoder.Of(name);
        LogitTerms terms = DirectAttribution.Of(model, circuit, s_difference);
        CircuitGraph graph = CircuitGraph.Of(model);
        Agree("dla.source", [.. graph.Sources.Select(source => $"{source}")]);
        Agree("dla.b_O", [.. Enumerable.Range(0, graph.Layers).Select(layer => $"blocks.{layer}.attn.b_O")]);
        Agree("dla.positional", "pos_embed");
        Agree("dla.final_norm_bias", "ln_final.bias");
        Agree("dla.unembed_bias", "unembed.bias");
        Golden.Close(tensor(terms.Measured.ToArray()), circuit["metrics", "ld_clean"], "difference");
        Stacked("lens.ld", LogitLens.Of(model, circuit, s_difference));
        Stacked("cumulative_dla", LogitLens.Cumulative(model, circuit, s_difference));
        Golden.Close(LogitLens.Logits(model, circuit), circuit["logit_attribution", "lens.logits"], "logits");

        // What a model lacks is 0 in the reference, and no term here.
        void Agree(string file, params string[] names)
        {
            Tensor expected = circuit["logit_attribution", file].reshape([names.Length, -1]);
            foreach ((int i, string term) in names.Index())
                Golden.Close(
                    terms.Names.Contains(term) ? tensor(terms.OfPrompts(term).ToArray()) : zeros_like(expected[i]), expected[i], term);
        }

        void Stacked(string file, LogitTerms depths) => Golden.Close(
            stack(depths.Names.Select(depth => tensor(depths.OfPrompts(depth).ToArray()))), circuit["logit_attribution", file], file);
    }

    /// <summary>What raises all logits alike counts in no difference; centred over labels, the terms of all labels add up to 0.</summary>
    [Fact]
    public void Centred_logits_of_all_labels_add_up_to_nothing()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        string[] labels = ["correct", "wrong"];
        LogitTerms correct = DirectAttribution.Of(model, s_prompts, LogitDirection.Centred("correct", labels));
        LogitTerms wrong = DirectAttribution.Of(model, s_prompts, LogitDirection.Centred("wrong", labels));
        LogitTerms difference = DirectAttribution.Of(model, s_prompts, s_difference);
        foreach (string name in difference.Names)
        {
            Assert.Equal(0, correct[name] + wrong[name], Tolerance);
            Assert.Equal(difference[name] / 2, correct[name], Tolerance);
        }
        Assert.Equal("correct - 0.5 correct - 0.5 wrong", $"{LogitDirection.Centred("correct", labels)}");
        Assert.Equal("correct - wrong", $"{s_difference}");
    }

    [Fact]
    public void Terms_are_found_by_name_printed_and_saved()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        LogitTerms terms = DirectAttribution.Of(model, s_prompts, s_difference);
        Assert.Equal(terms["a1.h3"], terms[Component.OfHead(1, 3)]);
        Assert.Contains("did you mean 'pos_embed'", Assert.Throws<ArgumentException>(() => terms["pos_embd"]).Message);
        string[] lines = $"{terms}".Split('\n');
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 80));
        Assert.StartsWith(terms.Ranked()[0], lines[1]);
        Assert.StartsWith("others", lines[11]);
        Assert.StartsWith("model", lines[12]);
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "terms.csv");
        terms.SaveCsv(path);
        Assert.Equal(1 + (terms.Names.Count * 3), File.ReadAllLines(path).Length);
        Assert.Equal(6, $"{LogitLens.Of(model, s_prompts, s_difference)}".TrimEnd().Split('\n').Length); // header, 4 depths, the model
        Assert.All(terms.Minus(terms).Names, name => Assert.Equal(0, terms.Minus(terms)[name]));
    }

    [Fact]
    public void What_cannot_be_attributed_is_refused()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Refused("did you mean 'correct'", () => DirectAttribution.Of(model, s_prompts, ("corect", "wrong")));
        Refused("did you mean 'end'", () => LogitLens.Of(model, s_prompts, s_difference, at: "ende"));
        Refused("is swept", () => DirectAttribution.Of(
            model, s_prompts, s_difference, under: Intervention.On(model).Zero("blocks.{layer}.attn.z").Graph));

        static void Refused(string message, Func<object> call) =>
            Assert.Contains(message, Assert.Throws<InterventionException>(() => call()).Message);
    }

    [Fact]
    public void No_tensor_is_left()
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        Everything();
        long before = LiveTensors.Count();
        Everything();
        Assert.Equal(before, LiveTensors.Count());

        void Everything()
        {
            _ = $"{DirectAttribution.Of(model, s_prompts, s_difference)}{LogitLens.Of(model, s_prompts, s_difference)}";
            _ = $"{LogitLens.Cumulative(model, s_prompts, s_difference)}{SelfRepair.Of(model, s_prompts, s_difference)}";
            LogitLens.Logits(model, s_prompts).Dispose();
        }
    }

    private static double[] Measured(DecoderModel model, Intervention intervention)
    {
        using RunResult run = intervention.LogitDifference("correct", "wrong").Run(s_prompts, new() { Naive = true });
        return [.. run["LogitDifference"].Values.data<double>()];
    }
}
