using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Interventions.Binding;
using Interventions.Generation;
using TorchSharp;
using Xunit.Sdk;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Steered;

/// <summary>Every value of the steering reference.</summary>
public sealed class GoldenSteeringTests
{
    private const double Tolerance = 1e-9;

    [SharedTheory(GoldenCase.Folder)]
    [InlineData(0)]
    [InlineData(1)]
    public void The_difference_of_means_agrees(int layer)
    {
        using GoldenCase golden = new();
        using ContrastivePairs pairs = ContrastivePairs.Of(
            golden.Model, golden.Prompts("pairs.positive"), golden.Prompts("pairs.negative"), "blocks.*.resid_post");
        string site = $"blocks.{layer}.resid_post";
        using SteeringVector vector = pairs.DifferenceOfMeans(layer);
        Near(golden[$"{site}.vector"], vector.Value);
        Assert.Equal(site, vector.Site);
        Assert.Equal(layer, vector.Layer);
        Assert.Equal(golden.Json.GetProperty("pairs").GetInt32(), pairs.PositiveCount);
        Assert.Equal(golden.Json.GetProperty(site).GetProperty("norm").GetDouble(), vector.Norm, Tolerance);

        using ContrastivePairs ofPrompts = ContrastivePairs.Of(
            golden.Model, golden.Prompts("prompts"), golden.Prompts("prompts"), site, at: "1..");
        Near(golden[$"{site}.mean_without_position_0"], ofPrompts.PositiveMean());
        Tensor clean = golden[$"{site}.clean"];
        using RunResult run = Intervention.On(golden.Model).Capture("Clean", site).Run(golden.Prompts("prompts"));
        Near(clean, run["Clean"]);
        Assert.Equal(
            golden.Json.GetProperty(site).GetProperty("mean_activation_norm").GetDouble(), clean.norm(-1).mean().item<double>(), Tolerance);
    }

    [SharedTheory(GoldenCase.Folder)]
    [Edits]
    public void Logits_of_an_edit_agree(string site, string edit)
    {
        using GoldenCase golden = new();
        using SteeringVector vector = new(site, golden[$"{site}.vector"]);
        using SteeringVector unit = vector.Unit();
        Intervention edited = Edited(golden, vector, unit, edit);
        Tensor stored = golden[$"{site}.logits.{edit}"], clean = golden["logits.clean"];
        foreach (bool isNaive in new[] { false, true })
            Near(stored, golden.Logits(edited, golden.Prompts("prompts"), isNaive));
        Tensor log = clean.log_softmax(-1), divergence = (log.exp() * (log - stored.log_softmax(-1))).sum(-1);
        Assert.Equal(
            golden.Json.GetProperty(site).GetProperty("kl_from_clean").GetProperty(edit).GetDouble(), divergence.mean().item<double>(),
            Tolerance);
    }

    [SharedFact(GoldenCase.Folder)]
    public void Every_edit_of_the_reference_is_one_of_those()
    {
        using GoldenCase golden = new();
        Assert.Equal(
            EditsAttribute.All.Select(edit => $"{edit[0]}.logits.{edit[1]}").Order(StringComparer.Ordinal),
            golden.Names.Where(name => name.StartsWith("blocks.", StringComparison.Ordinal)
                && name.Contains(".logits.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [SharedFact(GoldenCase.Folder)]
    public void An_activation_addition_agrees()
    {
        using GoldenCase golden = new();
        JsonElement json = golden.Json.GetProperty("actadd");
        using ActivationAddition addition = ActivationAddition.Of(
            golden.Model, Longs(json, "positive"), Longs(json, "negative"), json.GetProperty("site").GetString()!,
            json.GetProperty("pad_token").GetInt64());
        Near(golden["actadd.difference"], addition.Vector.Value);
        Near(addition.Positive - addition.Negative, addition.Vector.Value);
        Assert.Equal(json.GetProperty("first_row_norm").GetDouble(), addition.Vector.Value[0].norm().item<double>(), Tolerance);
        Assert.Equal(json.GetProperty("p_max").GetInt32() + 1, addition.Vector.Positions);

        Steering steering = Steering.With(addition.Vector);
        foreach (JsonProperty strength in json.GetProperty("spliced_loss").EnumerateObject())
        {
            double c = double.Parse(strength.Name, CultureInfo.InvariantCulture);
            Near(
                golden[$"actadd.logits.{strength.Name}"],
                golden.Logits(steering.On(golden.Model, c), golden.Prompts("actadd.target"), isNaive: false));
        }
        Near(
            golden["actadd.logits.clean"],
            golden.Logits(Intervention.On(golden.Model), golden.Prompts("actadd.target"), isNaive: false));
    }

    [SharedFact(GoldenCase.Folder)]
    public void Spliced_losses_agree_in_one_sweep()
    {
        using GoldenCase golden = new();
        JsonElement json = golden.Json.GetProperty("actadd"), losses = json.GetProperty("spliced_loss");
        using SteeringVector vector = new(json.GetProperty("site").GetString()!, golden["actadd.difference"]);
        string[] strengths = [.. losses.EnumerateObject().Select(strength => strength.Name)];
        Intervention swept = Steering.With(vector)
            .On(golden.Model, [.. strengths.Select(strength => double.Parse(strength, CultureInfo.InvariantCulture))]);
        int first = SteeredPositions.FirstTarget(Steering.With(vector).Positions, 12);
        Assert.Equal(json.GetProperty("first_scored_target").GetInt32(), first);
        foreach (bool isNaive in new[] { false, true })
        {
            TextLoss loss = TextLoss.Of(swept, golden.Prompts("actadd.target"), first, new() { Naive = isNaive });
            for (int i = 0; i < strengths.Length; i++)
            {
                JsonElement stored = losses.GetProperty(strengths[i]);
                Assert.Equal(stored.GetProperty("steered").GetDouble(), loss.Changed[i], Tolerance);
                Assert.Equal(stored.GetProperty("clean").GetDouble(), loss.Unchanged, Tolerance);
                Assert.Equal(3 * stored.GetProperty("scored_targets_per_row").GetInt32(), loss.Targets);
            }
        }
    }

    [SharedTheory(GoldenCase.Folder)]
    [InlineData(true)]
    [InlineData(false)]
    public void Greedy_continuations_agree(bool isCached)
    {
        using GoldenCase golden = new();
        JsonElement json = golden.Json.GetProperty("actadd");
        using SteeringVector vector = new(json.GetProperty("site").GetString()!, golden["actadd.difference"]);
        JsonProperty[] stored =
            [.. json.GetProperty("greedy_continuation_of_first_L_tokens_of_row_0").EnumerateObject()];
        double[] strengths = [.. stored.Select(one => double.Parse(one.Name, CultureInfo.InvariantCulture))];
        long[] prompt = golden.Tokens("actadd.target")[0][..vector.Positions!.Value];
        using GenerationResult<GeneratedRun> run = Steering.With(vector).On(golden.Model, strengths).Generate(
            new TokenPrompts([prompt]), new() { MaxNewTokens = 8, UseCache = isCached });
        Assert.Equal(isCached, run.WhyUncached is null);
        foreach ((JsonProperty one, double strength) in stored.Zip(strengths))
            Assert.Equal(Longs(one.Value, "tokens"), run.Changed(strength).Tokens[0]);
    }

    [SharedFact(GoldenCase.Folder)]
    public void Sampling_agrees()
    {
        using GoldenCase golden = new();
        foreach (JsonElement json in golden.Json.GetProperty("sampling").EnumerateArray())
        {
            Sampler sampler = new(new()
            {
                Temperature = json.GetProperty("temperature").GetDouble(),
                FrequencyPenalty = json.GetProperty("frequency_penalty").GetDouble(),
                TopP = json.GetProperty("top_p").GetDouble(),
            });
            Draw draw = new(0, 0, 0, 0) { Tokens = Longs(json, "history") };
            Tensor scaled = golden["sampling.logits"].unsqueeze(0) / json.GetProperty("temperature").GetDouble();
            Tensor penalised = sampler.Penalised(scaled, [draw]);
            Near(Numbers(json, "full_probabilities_before_nucleus"), penalised.softmax(-1)[0]);
            (Tensor ids, Tensor probabilities) = sampler.Candidates(penalised);
            long[] kept = Longs(json, "kept_tokens");
            Assert.Equal(kept, ids[0].data<long>().ToArray()[..kept.Length]);
            Assert.Equal(kept.Length, probabilities.gt(0).sum().item<long>());
            Near(Numbers(json, "kept_probabilities"), (probabilities / probabilities.sum())[0].narrow(0, 0, kept.Length));
        }
    }

    [SharedFact(GoldenCase.Folder)]
    public void Success_agrees()
    {
        using GoldenCase golden = new();
        JsonElement json = golden.Json.GetProperty("success");
        WordList words = new(json.GetProperty("words").EnumerateArray().Select(word => word.GetString()!));
        bool[] hits = [.. json.GetProperty("texts").EnumerateArray().Select(text => words.IsIn(text.GetString()!))];
        Assert.Equal(json.GetProperty("hit").EnumerateArray().Select(hit => hit.GetBoolean()), hits);
        SuccessRate rate = SuccessRate.Of(hits);
        Assert.Equal(json.GetProperty("rate").GetDouble(), rate.Rate, Tolerance);
        Assert.Equal(json.GetProperty("wilson_95")[0].GetDouble(), rate.Low, Tolerance);
        Assert.Equal(json.GetProperty("wilson_95")[1].GetDouble(), rate.High, Tolerance);
    }

    private static Intervention Edited(GoldenCase golden, SteeringVector vector, SteeringVector unit, string edit)
    {
        string site = vector.Site;
        string[] parts = edit.Split('.', 2);
        double c = parts.Length > 1 ? double.Parse(parts[1], CultureInfo.InvariantCulture) : 0;
        Intervention bare = Intervention.On(golden.Model);
        return parts[0] switch
        {
            "add_all" => Steering.With(vector).On(golden.Model, c),
            "add_last" => (Steering.With(vector) with { At = "end" }).On(golden.Model, c),
            "add_all_keep_norm" => (Steering.With(vector) with { Rule = SteeringRule.AddKeepingNorm }).On(golden.Model, c),
            "add_unit_all" => Steering.With(unit).On(golden.Model, c),
            "add_skip_position_0" => (Steering.With(vector) with { At = "!=0" }).On(golden.Model, c),
            "project_out" => bare.RemoveDirections(site, vector.Value),
            "project_out_mean" => bare.RemoveDirections(site, vector.Value, golden[$"{site}.mean_without_position_0"]),
            "project_out_two" => bare.RemoveDirections(site, stack([vector.Value, golden[$"{site}.second_direction"]])),
            "set_projection" => bare.SetProjection(site, vector.Value, c),
            "reflect" => bare.Reflect(site, vector.Value),
            _ => throw new InvalidOperationException($"There is no edit '{edit}'."),
        };
    }

    private static long[] Longs(JsonElement of, string name) => [.. of.GetProperty(name).EnumerateArray().Select(one => one.GetInt64())];

    private static Tensor Numbers(JsonElement of, string name) =>
        tensor(of.GetProperty(name).EnumerateArray().Select(one => one.GetDouble()).ToArray());

    private static void Near(Tensor expected, Tensor ours)
    {
        Assert.Equal(expected.shape, ours.shape);
        Assert.InRange((expected - ours).abs().max().item<double>(), 0, Tolerance);
    }
}

/// <summary>The edits of the reference, at both sites.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class EditsAttribute : DataAttribute
{
    private static readonly string[] s_edits =
    [
        .. new[] { "add_all", "add_last", "add_all_keep_norm" }.SelectMany(edit => new[] { "1", "-1", "4" }.Select(c => $"{edit}.{c}")),
        "add_unit_all.2", "add_skip_position_0.4", "project_out", "project_out_mean", "project_out_two", "set_projection.3", "reflect",
    ];

    public static IEnumerable<object[]> All =>
        new[] { "blocks.0.resid_post", "blocks.1.resid_post" }.SelectMany(site => s_edits.Select(edit => new object[] { site, edit }));

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => All;
}
