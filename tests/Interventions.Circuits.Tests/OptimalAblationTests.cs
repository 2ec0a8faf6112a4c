using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

public sealed class OptimalAblationTests
{
    private const double Tolerance = 1e-9;

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6, 5, 6, 4);

    /// <summary>The square of what is missing to 1 and −2 in two columns.</summary>
    private static readonly InterventionGraph s_square = new()
    {
        Name = "Square",
        Metrics = [new("Square", [new Read.Logits("end")], x => (x[0].select(1, 7) - 1).pow(2) + (x[0].select(1, 9) + 2).pow(2))],
    };

    /// <summary>
    /// In a linear model the constant of a last layer's head only shifts both columns, so the best one makes their mean errors 0: what is
    /// left is the variance of the errors without the head.
    /// </summary>
    [Theory]
    [InlineData("a2.h1")]
    [InlineData("a2.h0, a2.h3")]
    [InlineData("a2.h1@end")]
    public void In_a_linear_model_the_best_constant_leaves_the_variance(string text)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("toy");
        Knockout knockout = Knockout.Parse(text);
        using RunResult zero = (Knockouts.ToIntervention(model, knockout, new() { Ablation = Ablation.Zero }) with
        {
            IsUnanalyzed = true,
            Metrics = [Column(7), Column(9)],
        }).Run(model, s_prompts);
        double expected = Variance(zero["7"].Values) + Variance(zero["9"].Values);
        OptimalAblation best = OptimalAblation.Of(model, s_prompts, s_square, knockout);
        Assert.True(best.IsConverged, $"{best}");
        Assert.Equal(expected, best.Value, Tolerance);
        using RunResult run = best.Run(model, s_prompts, s_square);
        Assert.Equal(expected, run["Square"].Values.mean().item<double>(), Tolerance);
        Assert.Equal(run.Run("clean")["Square"].mean().item<double>(), best.Clean, Tolerance);
        Assert.All(knockout.Components, component => Assert.Equal(8, best.ConstantOf(component).Count));

        static MetricNode Column(long token) => new($"{token}", [new Read.Logits("end")], x => x[0].select(1, token));

        static double Variance(Tensor values) => (values - values.mean()).pow(2).mean().item<double>();
    }

    [Fact]
    public void Half_of_the_digits_find_it_too()
    {
        using DecoderModel model = SmallDecoders.Model("toy"), single = SmallDecoders.Model("toy", ScalarType.Float32);
        Knockout knockout = Knockout.Parse("a2.h1, a1.h0");
        OptimalAblation best = OptimalAblation.Of(single, s_prompts, s_square, knockout);
        Assert.True(best.IsConverged);
        Assert.Equal(OptimalAblation.Of(model, s_prompts, s_square, knockout).Value, best.Value, 1e-3);
    }

    [Fact]
    public void What_was_found_is_saved()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Knockout knockout = Knockout.Parse("embed, a0.h2, a0.h1, m1@mid,end");
        OptimalAblation best = OptimalAblation.Of(model, s_prompts, s_square, knockout, new() { Iterations = 2 });
        OptimalAblation read = OptimalAblation.FromJson(best.ToJson());
        Assert.Equal(best.ToJson(), read.ToJson());
        Assert.Equal(
            (best.Knockout, best.Metric, best.Clean, best.Value, best.Iterations, best.IsConverged),
            (read.Knockout, read.Metric, read.Clean, read.Value, read.Iterations, read.IsConverged));
        Assert.All(knockout.Components, component => Assert.Equal(best.ConstantOf(component), read.ConstantOf(component)));
        using RunResult run = read.Run(model, s_prompts, s_square);
        Assert.Equal(best.Value, run["Square"].Values.mean().item<double>(), Tolerance);
        foreach (string wrong in (string[])["{", "{}", best.ToJson().Replace("a0.h1", "a0.x1", StringComparison.Ordinal)])
            Assert.Contains(
                "This is no optimal ablation", Assert.Throws<InterventionException>(() => OptimalAblation.FromJson(wrong)).Message);
    }

    /// <summary>No other constant does better: 0, means and random ones; and the negative is maximised by the same.</summary>
    [Theory]
    [InlineData("gpt2", "a0.h1, a1.h2, m1")]
    [InlineData("llama", "embed")]
    [InlineData("gpt_neox", "m0, a1.h0@end")]
    public void No_other_constant_is_better(string family, string text)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        Knockout knockout = Knockout.Parse(text);
        InterventionGraph loss = Intervention.On(model).Loss("correct").Graph;
        OptimalAblation best = OptimalAblation.Of(model, s_prompts, loss, knockout, new() { Iterations = 15 });
        InterventionGraph negative = new()
        {
            Name = "Negative",
            Metrics = [new("Negative", [.. loss.Metrics[0].Reads], x => -loss.Metrics[0].Body(x))],
        };
        OptimalAblation same = OptimalAblation.Of(
            model, s_prompts, negative, knockout, new() { Iterations = 15, Maximizes = true });
        Assert.Equal(-best.Value, same.Value, Tolerance);
        foreach (CircuitOptions options in (CircuitOptions[])
            [new() { Ablation = Ablation.Zero }, new() { Ablation = Ablation.Mean, From = "clean", Pooled = true }])
        {
            double other = Knockouts.Of(model, s_prompts, loss, [knockout], options).ValuesOfPrompts(knockout).Average();
            Assert.True(best.Value < other, $"{best.Value} is not below {other}");
        }
    }

    [Fact]
    public void What_has_no_largest_value_is_not_said_to_be_found()
    {
        using DecoderModel model = SmallDecoders.Model("toy");
        InterventionGraph metric = Intervention.On(model).LogitDifference("correct", "wrong").Graph;
        OptimalAblation run = OptimalAblation.Of(
            model, s_prompts, metric, Component.OfHead(2, 0), new() { Iterations = 3, Maximizes = true });
        Assert.False(run.IsConverged);
        Assert.Contains("could be better still", $"{run}");
        Assert.Contains(
            "'a1.h0' is not one of a2.h0", Assert.Throws<ArgumentException>(() => run.ConstantOf(Component.OfHead(1, 0))).Message);
    }

    [Fact]
    public void Steps_are_reported_and_no_tensor_is_left()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        List<RunProgress> progress = [];
        OptimalAblation.Of(model, s_prompts, s_square, Component.OfMlp(1), new() { Iterations = 2 });
        long before = LiveTensors.Count();
        OptimalAblation.Of(
            model, s_prompts, s_square, Component.OfMlp(1), new() { Iterations = 2, Run = new() { Progress = new Listed(progress) } });
        Assert.Equal(before, LiveTensors.Count());
        Assert.Equal([new(1, 2), new(2, 2)], progress);
    }

    /// <summary>A valley that is bent, and a parabola.</summary>
    [Fact]
    public void A_minimum_is_found()
    {
        Minimum valley = Minimizer.Of(
            x => (
                Math.Pow(1 - x[0], 2) + (100 * Math.Pow(x[1] - (x[0] * x[0]), 2)),
                [(-2 * (1 - x[0])) - (400 * x[0] * (x[1] - (x[0] * x[0]))), 200 * (x[1] - (x[0] * x[0]))]),
            [-1.2, 1], 200, 1e-13, _ => { });
        Assert.True(valley.IsConverged);
        Assert.Equal(1, valley.Place[0], 1e-6);
        Assert.Equal(1, valley.Place[1], 1e-6);
        Minimum parabola = Minimizer.Of(x => (Math.Pow(x[0] - 3, 2), [2 * (x[0] - 3)]), [1000], 50, 1e-13, _ => { });
        Assert.Equal(3, parabola.Place[0], 1e-9);
        Minimum already = Minimizer.Of(x => (0, [0.0]), [5], 50, 1e-13, _ => { });
        Assert.Equal((0, 5.0, true), (already.Iterations, already.Place[0], already.IsConverged));
    }

    private sealed class Listed(List<RunProgress> progress) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => progress.Add(value);
    }
}
