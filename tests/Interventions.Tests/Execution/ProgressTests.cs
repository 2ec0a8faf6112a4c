using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Progress of a run, and its cancellation before the first node.</summary>
public sealed class ProgressTests : ToyTest
{
    [Fact]
    public void Progress_counts_steps_and_cancellation_stops()
    {
        ToyPrompts prompts = ToyPrompts.Random(12, 4, 4, 4);
        List<RunProgress> seen = [];
        InterventionGraph graph = new() { Name = "Slow", Writes = [Patch("blocks.{layer}.z")], Metrics = [LogitDifference] };
        Run(graph, prompts, new RunOptions { BatchSize = 2, Naive = true, Progress = new Reported(seen.Add) }).Dispose();
        Assert.Equal(Enumerable.Range(1, 6).Select(done => new RunProgress(done, 6)), seen);
        seen.Clear();
        Run(graph, prompts, new RunOptions { BatchSize = 2, Progress = new Reported(seen.Add) }).Dispose();
        Assert.Equal(Enumerable.Range(1, seen.Count).Select(done => new RunProgress(done, seen.Count)), seen);

        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        long handles = LiveTensors.Count();
        Assert.Throws<OperationCanceledException>(() => InterventionRunner.Run(graph, Model, prompts, null, cancelled.Token));
        Assert.Equal(handles, Tensor.TotalCount);
    }
}
