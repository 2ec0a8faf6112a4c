using static TorchSharp.torch;

namespace Interventions.Tests.Results;

/// <summary>A result by its coordinates, and how long it lives.</summary>
public sealed class RunResultTests : ToyTest
{
    [Fact]
    public void The_result_outlives_scopes_and_reports_the_sweep()
    {
        ToyPrompts prompts = ToyPrompts.Random(8, 4, 4);
        RunResult output;
        using (NewDisposeScope())
            output = Run(
                new() { Name = "Sweep", Writes = [Patch("blocks.{layer=1}.z[head={head=0,2}]")], Metrics = [LogitDifference] }, prompts);
        SweptTensor swept = output.Changed("LogitDifference");
        Assert.Equal(["layer", "head"], swept.Sweep.Select(axis => axis.Name));
        Assert.Equal([1, 2, 2], swept.Values.shape);
        Assert.Contains("head 1", Assert.Throws<ArgumentOutOfRangeException>(() => swept.At(1, 1)).Message);
        SweptPoint top = swept.Top(1).Single();
        Assert.Equal(swept.Points().Max(point => Math.Abs(point.Change)), Math.Abs(top.Change));
        Assert.Equal(swept.At(1, top["head"]).mean().item<double>(), top.Value, 12);
        output.Dispose();
        Assert.True(swept.Values.IsInvalid);
    }

    [Fact]
    public void A_batch_has_at_least_one_prompt() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new RunOptions { BatchSize = 0 });
}
