using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>A declaration with something of everything that is kept, on prompts of mixed lengths.</summary>
internal static class LongStudy
{
    public static MetricNode LogitDifference { get; } =
        new("LogitDifference", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    /// <param name="direction">Added, and a parameter.</param>
    /// <param name="patch">What is done to a head.</param>
    public static InterventionGraph Graph(Tensor direction, MethodBody? patch = null) => new()
    {
        Name = "Long",
        Sweeps = [SweepAxis.OfNumbers("alpha", 0.5, double.PositiveInfinity)],
        Writes =
        [
            BuiltInWrites.Add("Direction", "blocks.0.resid[pos=end]", direction, 1),
            BuiltInWrites.Mean("blocks.0.out[pos=0]", "corrupted", pooled: false),
            new WriteNode(
                "Patch", "blocks.{layer}.z[head=1; pos={p=mid,end}]",
                [new Read.Value(), new Read.From("corrupted"), new Read.Swept("alpha")], patch ?? (x => x[0] + (x[1] / x[2]))),
        ],
        Captures =
        [
            new CaptureNode("Residual", "blocks.*.resid", [new Read.Value()], x => x[0]),
            new CaptureNode("Head", "blocks.{layer}.z[pos=end]", [new Read.Value()], x => x[0]),
        ],
        Gradients = [new GradientNode("Attribution", "blocks.1.z", [new Read.Gradient()], x => x[0].sum([-1L]))],
        Metrics = [LogitDifference],
        Parameters = [new ParameterNode("Direction", direction)],
    };

    public static Tensor Direction(double scale = 1)
    {
        using DisposeScope scope = NewDisposeScope();
        return (arange(ToyModel.Width, dtype: float64) * scale).requires_grad_().MoveToOuterDisposeScope();
    }

    public static ToyPrompts Prompts(int count = 7) => ToyPrompts.Random(5, [.. Enumerable.Range(0, count).Select(i => 3 + (i * 5 % 4))]);

    /// <summary>Every tensor of a result, and its layout.</summary>
    public static void Same(RunResult expected, RunResult actual)
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal(expected.Layout.ToJson(), actual.Layout.ToJson());
        foreach (string name in expected.Layout.Tensors)
        {
            Tensor left = expected.Saved(name), right = actual.Saved(name);
            Assert.Equal(left.dtype, right.dtype);
            Assert.Equal(left.shape, right.shape);
            // A naive run adds a parameter's gradients point by point, and batches are added as wholes.
            bool isSum = expected.Layout.Parameters.Select(ResultLayout.GradientOf).Contains(name);
            Assert.True(isSum ? left.allclose(right, rtol: 1e-12) : left.eq(right).all().item<bool>(), name);
        }
    }

    /// <summary>How many tensors are alive more than before an action.</summary>
    public static long Leaked(Action action)
    {
        action();
        long before = LiveTensors.Count();
        action();
        return Tensor.TotalCount - before;
    }
}
