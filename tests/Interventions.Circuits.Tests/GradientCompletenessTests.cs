using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>
/// Integrated gradients add up to the whole change along the edges of the embedding: what is left is the error of the rule. Along those
/// into the logits, or of another source, they do not.
/// </summary>
public sealed class GradientCompletenessTests
{
    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    private static readonly InterventionGraph s_column = new()
    {
        Name = "Logits",
        Metrics = [new("Column", [new Read.Logits("end")], x => x[0].select(1, 7))],
    };

    /// <summary>The midpoint rule is of second order: a quarter of the error with twice the steps.</summary>
    [Fact]
    public void The_error_of_the_embeddings_edges_falls_by_four_with_twice_the_steps()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        double total = Total(model, s_prompts, s_column);
        double[] errors = [.. ((int[])[100, 200, 400]).Select(steps => Math.Abs(
            Sum(EdgeAttribution.Of(model, s_prompts, s_column, steps), edge => edge.Source == Component.Embed) - total))];
        Assert.InRange(errors[0] / errors[1], 3.5, 4.5);
        Assert.InRange(errors[1] / errors[2], 3.9, 4.1);
        Assert.InRange(errors[2] / Math.Abs(total), 0, 1e-3);
        // So that what two of them say of the limit is right to more digits.
        EdgeScores scores = EdgeAttribution.Of(model, s_prompts, s_column, steps: 400);
        Assert.False(Math.Abs(Sum(scores, edge => edge.Target.Component == Component.Logits) - total) < 0.01 * Math.Abs(total));
        Assert.False(Math.Abs(Sum(scores, edge => edge.Source == Component.OfMlp(0)) - total) < 0.01 * Math.Abs(total));
    }

    /// <summary>Where attention is sharp, the way is steep, and five steps miss it.</summary>
    [Fact]
    public void Sharp_attention_needs_more_steps()
    {
        Assert.InRange(Error(strength: 10, steps: 5), 1e-4, 0.01);
        Assert.InRange(Error(strength: 10, steps: 20), 0, 2e-5);
        Assert.InRange(Error(strength: 100, steps: 5), 0.03, 0.3);
        Assert.InRange(Error(strength: 100, steps: 20), 1e-6, 1e-3);
        Assert.InRange(Error(strength: 100, steps: 100), 0, 1e-9);

        static double Error(double strength, int steps)
        {
            using CompiledProgram program = GroundTruth.Induction(strength: strength, dtype: ScalarType.Float64);
            double total = Total(program.Model, program.Prompts, program.Metric);
            EdgeScores scores = EdgeAttribution.Of(program.Model, program.Prompts, program.Metric, steps);
            return Math.Abs(Sum(scores, edge => edge.Source == Component.Embed) - total) / Math.Abs(total);
        }
    }

    private static double Total(DecoderModel model, IPromptSet prompts, InterventionGraph metric)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = metric.Run(model, prompts);
        string name = metric.Metrics[0].Name;
        return (run.Run("corrupted")[name] - run.Run("clean")[name]).mean().item<double>();
    }

    private static double Sum(EdgeScores scores, Func<Edge, bool> which) => scores.Graph.Edges.Where(which).Sum(edge => scores[edge]);
}
