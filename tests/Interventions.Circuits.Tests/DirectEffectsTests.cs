using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>With everything frozen, logits are linear in what is written.</summary>
public sealed class DirectEffectsTests
{
    private const double Tolerance = 1e-9;

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    /// <summary>Those above and others whose norms stand elsewhere.</summary>
    public static TheoryData<string> Families => [.. ClosedFormTests.Families, "gemma3_text", "olmo2"];

    [Theory]
    [MemberData(nameof(Families))]
    public void Logits_are_linear_in_what_is_written(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        string embed = family == "bloom" ? "embed_norm" : "embed"; // what enters the stream
        foreach (string site in (string[])["blocks.0.attn.z[head=1]", embed, "blocks.1.resid_post[pos=mid]"])
        {
            Tensor frozen = Logits(site, DirectEffects.Frozen(model)), free = Logits(site, null);
            Assert.InRange(SecondDifference(frozen), 0, 1e-12);
            Assert.True(family == "toy" || SecondDifference(free) > 1e-4, $"{family} {site}");
        }

        Tensor Logits(string site, InterventionGraph? held)
        {
            Intervention on = Intervention.On(model);
            if (held is not null)
                on = on.Include("held", held);
            InterventionGraph graph = on.Capture("Logits", "logits[pos=end]").Graph with
            {
                Sweeps = [SweepAxis.OfNumbers("strength", 0, 1, 2)],
            };
            graph = graph.Then(new WriteNode(
                "Moved", site, [new Read.Value(), new Read.Swept("strength"), new Read.From("corrupted")],
                x => x[0] + (x[1] * (x[2] - x[0]))));
            using RunResult run = graph.Run(model, s_prompts);
            return run["Logits"].Values.clone();
        }

        static double SecondDifference(Tensor at)
        {
            double moved = (at[2] - at[0]).abs().max().item<double>();
            Assert.True(moved > 1e-3);
            return ((at[2] - (at[1] * 2) + at[0]).abs().max() / Math.Max(1, at.abs().max().item<double>())).item<double>();
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void An_edge_is_the_sum_of_its_heads_and_the_bypass(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Component[] sources =
        [
            Component.Embed, Component.OfHead(0, 1), Component.OfHead(2, 3),
            .. model.Config.HasMlp ? [Component.OfMlp(0)] : (Component[])[],
        ];
        foreach (Component source in sources)
        {
            DirectPaths paths = DirectEffects.Paths(model, s_prompts, Support.Column, source);
            for (int prompt = 0; prompt < s_prompts.Prompts.Count; prompt++)
                Assert.Equal(
                    paths.Total.OfPrompt(prompt)[0], paths.Bypass.OfPrompt(prompt)[0] + paths.Heads.OfPrompt(prompt).Sum(), Tolerance);
            Assert.True(paths.Total.Magnitudes[0] > 1e-6);
            Assert.True(source.Layer == 2 || paths.Heads.Magnitudes.Max() > 1e-6);
            Assert.Contains($"{source} to the logits", $"{paths}", StringComparison.Ordinal);
        }
    }

    /// <summary>All of them are what a sweep measures, one head after the other; and the naive run says so too.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void The_sweep_is_of_single_heads(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        NodeScores sweep = DirectEffects.Of(model, s_prompts, Support.Column, at: "end");
        Support.Same(sweep, DirectEffects.Of(model, s_prompts, Support.Column, "end", new() { Run = new() { Naive = true } }));
        DirectPaths one = DirectEffects.Paths(model, s_prompts, Support.Column, Component.OfHead(1, 2), at: "end");
        Assert.Equal(one.Total.Means[0], sweep[("layer", 1), ("head", 2)], Tolerance);
        // At the last position of the last layer nothing is between a head and the logits but the frozen norm.
        Assert.Contains(sweep.Magnitudes, change => change > 1e-3);
    }

    [Theory]
    [InlineData("gemma2")]
    [InlineData("olmo")]
    public void What_bends_beyond_freezing_is_refused(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Assert.Contains("not linear in what is written", Assert.Throws<InterventionException>(() => DirectEffects.Frozen(model)).Message);
        using DecoderModel plain = SmallDecoders.Model("gpt2");
        Assert.Contains(
            "'logits' writes nothing", Assert.Throws<InterventionException>(() =>
                DirectEffects.Paths(plain, s_prompts, Support.Column, Component.Logits)).Message);
    }
}
