using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Direct against total effects of knockouts.</summary>
public sealed class SelfRepairTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    private static readonly LogitDirection s_difference = ("correct", "wrong");

    private static readonly CircuitOptions s_zero = new() { Ablation = Ablation.Zero }, s_mean = new() { Ablation = Ablation.Mean };

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    /// <summary>
    /// The total effect is that of a knockout, head by head; the direct one is the head's own term; of the last layer's heads in blocks
    /// side by side nothing can repair, so that total and rescaled are one; and without a last norm rescaled and direct are.
    /// </summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("gpt_neox")]
    [InlineData("toy")]
    [InlineData("toy-norm_free")]
    public void Scores_are_those_of_single_knockouts(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        bool isParallel = family is "gpt_neox" or "toy";
        foreach (CircuitOptions options in (CircuitOptions[])[new(), s_zero, s_mean])
        {
            HeadScores scores = SelfRepair.Of(model, s_prompts, s_difference, options: options);
            LogitTerms terms = DirectAttribution.Of(model, s_prompts, s_difference);
            foreach (Component head in CircuitGraph.Of(model).Sources.Where(source => source.Kind == ComponentKind.Head))
            {
                double[] direct = Of(SelfRepair.Direct), rescaled = Of(SelfRepair.DirectRescaled), total = Of(SelfRepair.Total);
                double[] knockout = Knockout(model, head, options);
                for (int prompt = 0; prompt < total.Length; prompt++)
                {
                    Assert.Equal(knockout[prompt], total[prompt], Tolerance);
                    Assert.Equal(total[prompt] - direct[prompt], Of(SelfRepair.Repair)[prompt], Tolerance);
                    if (options.Ablation == Ablation.Zero)
                        Assert.Equal(-terms.OfPrompts($"{head}")[prompt], direct[prompt], Tolerance);
                    if (head.Layer == 2 && isParallel)
                        Assert.Equal(total[prompt], rescaled[prompt], Tolerance);
                    if (family.StartsWith("toy", StringComparison.Ordinal))
                        Assert.Equal(direct[prompt], rescaled[prompt], Tolerance);
                }

                double[] Of(string kind) => [.. scores.OfPrompts(kind, head.Layer, head.Head)];
            }
        }
    }

    /// <summary>
    /// A block that undoes half of what the head in front of it writes: the direct effect is the head's own, the total one half of it.
    /// </summary>
    [Fact]
    public void A_later_block_that_makes_up_for_half_is_seen()
    {
        using DecoderModel model = Repairing();
        ToyPrompts prompts = new([new PromptTokens([new([0, 1], [0, 1]), new([1, 1], [0, 1])], [2, 3])]);
        HeadScores scores = SelfRepair.Of(model, prompts, s_difference, options: s_zero);
        Assert.Equal(-1, scores[SelfRepair.Direct, 0, 0], Tolerance);
        Assert.Equal(-0.5, scores[SelfRepair.Total, 0, 0], Tolerance);
        Assert.Equal(0.5, scores[SelfRepair.Repair, 0, 0], Tolerance);
        LogitTerms responses = SelfRepair.Responses(model, prompts, s_difference, Component.OfHead(0, 0), options: s_zero);
        Assert.Equal(-1, responses["a0.h0"], Tolerance);
        Assert.Equal(0.5, responses["a1.h0"], Tolerance);
        Assert.Equal(0, responses["embed"], Tolerance);
        Assert.Equal(-0.5, responses.Measured[0], Tolerance);
    }

    /// <summary>What all components answer adds up to the total effect.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void Responses_add_up_to_the_total_effect(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        foreach (CircuitOptions options in (CircuitOptions[])[new(), s_zero])
        {
            LogitTerms responses = SelfRepair.Responses(model, s_prompts, s_difference, Component.OfHead(1, 2), options: options);
            double total = SelfRepair.Of(model, s_prompts, s_difference, options: options)[SelfRepair.Total, 1, 2];
            Assert.Equal(total, responses.Names.Sum(name => responses[name]), Tolerance);
            Assert.Equal(total, responses.Measured.Average(), Tolerance);
        }
        Assert.Throws<ArgumentException>(() => SelfRepair.Responses(model, s_prompts, s_difference, Component.OfMlp(1)));
    }

    private static double[] Knockout(DecoderModel model, Component head, CircuitOptions options)
    {
        if (options.Ablation == Ablation.Mean)
        {
            Knockout alone = new([head], "end");
            KnockoutEffects effects = Knockouts.Of(model, s_prompts, Golden.LogitDifference, [alone], options);
            return [.. effects.OfPrompts(alone)];
        }
        string site = $"blocks.{head.Layer}.attn.z[head={head.Head}; pos=end]";
        Intervention measured = Intervention.On(model).LogitDifference("correct", "wrong");
        using RunResult run = (options.Ablation == Ablation.Zero ? measured.Zero(site) : measured.Patch(site, "corrupted"))
            .Run(s_prompts, new() { Naive = true });
        return [.. run["LogitDifference"].Change.data<double>()];
    }

    /// <summary>
    /// Two layers of one head, without norms: the first one writes the direction of token 2 by its bias of values, at every position; the
    /// second one, which attends everywhere alike to equal streams, takes away half of it.
    /// </summary>
    private static DecoderModel Repairing()
    {
        DecoderModel model = DecoderModel.Random(
            Models.AttentionOnlyModel.Configure(layers: 2, heads: 1, d_model: 4, vocabularySize: 4, contextLength: 8),
            dtype: ScalarType.Float64);
        using IDisposable mode = no_grad();
        foreach (Tensor weight in model.Weights.Values)
            weight.zero_();
        model.Weights["unembed.weight"].copy_(eye(4, dtype: ScalarType.Float64));
        model.Weights["blocks.0.attn.b_V"][0, 2] = 1;
        model.Weights["blocks.0.attn.W_O"][0, 2, 2] = 1;
        model.Weights["blocks.1.attn.W_V"][0, 2, 2] = -0.5;
        model.Weights["blocks.1.attn.W_O"][0, 2, 2] = 1;
        // The second head looks at its own position alone: its queries and keys are positions.
        for (int position = 0; position < 2; position++)
            model.Weights["pos_embed.weight"][position, position] = 1;
        model.Weights["blocks.1.attn.W_Q"][0, 0, 0] = 400;
        model.Weights["blocks.1.attn.W_Q"][0, 1, 1] = 400;
        model.Weights["blocks.1.attn.W_K"][0, 0, 0] = 1;
        model.Weights["blocks.1.attn.W_K"][0, 1, 1] = 1;
        return model;
    }
}
