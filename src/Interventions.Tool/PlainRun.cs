using System.Text.Json.Nodes;
using Interventions.Binding;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Tool;

/// <summary>What the plan of a run says that the run needs: one prompt without an intervention, whose last logits are read.</summary>
/// <param name="Tokens">How many tokens the prompt has.</param>
/// <param name="WeightBytes">The weights in float32.</param>
/// <param name="RowBytes">
/// What is alive beside them at most, by estimate; <see langword="null"/> without libtorch, whose shapes a plan is made of.
/// </param>
internal sealed record PlainRun(int Tokens, long WeightBytes, long? RowBytes)
{
    private const int UsualTokens = 1024;

    /// <summary>Plans the run. Nothing of the model is allocated.</summary>
    public static PlainRun Of(DecoderConfig config)
    {
        int tokens = Math.Min(config.ContextLength, UsualTokens);
        long weights = sizeof(float) * DecoderWeights.Shapes(config)
            .Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size));
        return new PlainRun(tokens, weights, TorchLoader.Lack() is null ? Planned(config, tokens) : null);
    }

    /// <summary>The sentence for people.</summary>
    public string Sentence =>
        $"a plain run of one prompt of {ShortText.Number(Tokens)} tokens: {ShortText.Bytes(WeightBytes)} of weights, and "
        + (RowBytes is { } bytes ? $"about {ShortText.Bytes(bytes)} of values at once" : "values, which are planned where libtorch is");

    /// <summary>The same as a document.</summary>
    public JsonObject Json() => new() { ["tokens"] = Tokens, ["weightBytes"] = WeightBytes, ["valueBytes"] = RowBytes };

    private static long Planned(DecoderConfig config, int tokens)
    {
        using DecoderModel model = DecoderModel.WithoutWeights(config);
        InterventionGraph graph = Intervention.On(model).Capture("Logits", "logits[pos=end]").Graph;
        return InterventionRunner.Plans(graph, model, new TokenPrompts([new long[tokens]]), new() { MemoryBudget = long.MaxValue })
            .Max(plan => plan.PeakBytes);
    }
}
