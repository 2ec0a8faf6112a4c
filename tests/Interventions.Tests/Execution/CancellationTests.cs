using System.Diagnostics;
using Interventions.Execution;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Progress, cancellation and tracing of runs.</summary>
public sealed class CancellationTests : IDisposable
{
    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ToyPrompts _prompts = LongStudy.Prompts();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_that_is_cancelled_at_any_step_leaves_nothing(bool naive)
    {
        InterventionGraph graph = LongStudy.Graph(LongStudy.Direction());
        int total = 0;
        InterventionRunner.Run(graph, _model, _prompts, Options(progress => total = progress.Total)).Dispose();
        long before = LiveTensors.Count();
        Random random = new(1);
        foreach (int at in Enumerable.Range(0, 40).Select(_ => random.Next(total - 1)).Prepend(0).Append(total - 2))
        {
            using CancellationTokenSource source = new();
            Assert.ThrowsAny<OperationCanceledException>(() => InterventionRunner.Run(graph, _model, _prompts, Options(progress =>
            {
                if (progress.Done > at)
                    source.Cancel();
            }), source.Token));
            Assert.Equal(before, Tensor.TotalCount);
        }

        RunOptions Options(Action<RunProgress> report) => new() { BatchSize = 2, Naive = naive, Progress = new Reported(report) };
    }

    [Fact]
    public void A_stream_of_200_batches_holds_no_more_at_its_end_than_at_its_beginning()
    {
        List<long> alive = [];
        ToyPrompts prompts = ToyPrompts.Random(7, [.. Enumerable.Repeat(4, 200)]);
        InterventionGraph graph = LongStudy.Graph(LongStudy.Direction());
        graph = graph with { Writes = [.. graph.Writes, BuiltInWrites.Resample("blocks.1.out[pos=0]", "corrupted", 3)] };
        BatchLoop run = InterventionRunner.Prepare(graph, _model, prompts, new RunOptions { BatchSize = 1 });
        // What earlier tests left to the collector would go in the middle.
        _ = LiveTensors.Count();
        run.Each(_ => true, (_, output) =>
        {
            output.Dispose();
            alive.Add(Tensor.TotalCount);
        }, CancellationToken.None);
        Assert.Equal(200, alive.Count);
        Assert.Single(alive.Distinct());
    }

    [Fact]
    public void A_resumed_run_tells_what_was_done_before()
    {
        using TemporaryFolder folder = new();
        InterventionGraph graph = LongStudy.Graph(LongStudy.Direction());
        List<RunProgress> first = [], second = [];
        using CancellationTokenSource source = new();
        Assert.ThrowsAny<OperationCanceledException>(
            () => InterventionRunner.RunTo(graph, _model, _prompts, folder["run"], Options(progress =>
        {
            first.Add(progress);
            if (progress.Done == progress.Total - 2)
                source.Cancel();
        }), source.Token));
        InterventionRunner.RunTo(graph, _model, _prompts, folder["run"], Options(second.Add)).Dispose();
        Assert.Equal(first[0].Total, second[0].Total);
        // All but the means and the last of four batches.
        Assert.InRange(second[0].Done, first[0].Total / 2, first[0].Total - 1);
        Assert.Equal(Enumerable.Range(second[0].Done, second[0].Total - second[0].Done + 1), second.Select(progress => progress.Done));

        static RunOptions Options(Action<RunProgress> report) => new() { BatchSize = 2, Progress = new Reported(report) };
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Progress_counts_every_step_up_to_a_total_that_is_known(bool naive)
    {
        List<RunProgress> reported = [];
        InterventionRunner.Run(
            LongStudy.Graph(LongStudy.Direction()), _model, _prompts,
            new RunOptions { BatchSize = 2, Naive = naive, Progress = new Reported(reported.Add) }).Dispose();
        Assert.Equal(Enumerable.Range(1, reported[0].Total), reported.Select(progress => progress.Done));
        Assert.Single(reported.Select(progress => progress.Total).Distinct());
    }

    [Fact]
    public void Runs_means_and_batches_are_activities()
    {
        List<Activity> ended = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == "Interventions",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = ended.Add,
        };
        ActivitySource.AddActivityListener(listener);
        InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), _model, _prompts, new RunOptions { BatchSize = 4 }).Dispose();
        Assert.Equal(["Means", "Batch", "Batch", "Run"], ended.Select(activity => activity.OperationName));
        Activity run = ended[^1];
        Assert.All(ended[..^1], inner => Assert.Equal(run.SpanId, inner.ParentSpanId));
        Assert.Equal(("Long", "ToyModel", 7, 8), (
            run.GetTagItem("interventions.declaration"), run.GetTagItem("interventions.model"), run.GetTagItem("interventions.prompts"),
            run.GetTagItem("interventions.points")));
        Assert.Equal([4, 3], ended[1..3].Select(batch => batch.GetTagItem("interventions.prompts")));

        ended.Clear();
        InterventionGraph failing = new()
        {
            Name = "Failing",
            Metrics = [
            new MetricNode("M", [new Read.Logit("correct", "end")], _ => throw new InvalidDataException("no"))]
        };
        Assert.Throws<InvalidDataException>(() => InterventionRunner.Run(failing, _model, _prompts));
        Assert.Equal((ActivityStatusCode.Error, "no"), (ended[^1].Status, ended[^1].StatusDescription));
    }
}
