using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Runs leave no handle behind, and share graphs and models.</summary>
public sealed class LifetimeTests : ToyTest
{
    [Fact]
    public void A_thousand_runs_leave_nothing_behind_also_when_they_throw()
    {
        ToyPrompts prompts = ToyPrompts.Random(11, 4, 3);
        InterventionGraph good =
            new()
            {
                Name = "Good",
                Writes = [Patch("blocks.{layer}.z")],
                Captures = [Capture("Z", "blocks.*.z")],
                Metrics = [
                LogitDifference]
            };
        InterventionGraph bad = good with
        {
            Writes = [
            Patch("blocks.0.z"),
            new WriteNode("Throw", "blocks.1.z", [Value, Corrupted], _ => throw new InvalidOperationException("half-way"))]
        };
        long handles = 0;
        for (int i = 0; i < 1_000; i++)
        {
            Run(good, prompts).Dispose();
            Assert.Throws<InvalidOperationException>(() => Run(bad, prompts));
            if (i == 50)
                handles = LiveTensors.Count();
        }
        Assert.Equal(handles, Tensor.TotalCount);
    }

    [Theory]
    [InlineData("gradients")]
    [InlineData("before")]
    [InlineData("mean")]
    [InlineData("resample")]
    [InlineData("derived")]
    public void Runs_leave_no_handle_behind(string with)
    {
        ToyPrompts prompts = ToyPrompts.Random(11, 4, 3);
        InterventionGraph plain = new() { Name = "Plain", Writes = [BuiltInWrites.Zero("blocks.{layer}.z")], Metrics = [LogitDifference] };
        InterventionGraph graph = with switch
        {
            "gradients" => plain with { Gradients = [new("Gradient", "blocks.*.z", [new Read.Gradient()], x => x[0])] },
            "before" => plain with { Captures = [Capture("blocks.*.z") with { BeforeWrites = true }] },
            "mean" => plain with { Writes = [.. plain.Writes, BuiltInWrites.Mean("embed", null, false)] },
            "resample" => plain with { Writes = [.. plain.Writes, BuiltInWrites.Resample("embed[pos=0]", null, 1)] },
            _ => plain with
            {
                Runs = [new("derived")],
                Writes = [
                .. plain.Writes, BuiltInWrites.Zero("embed", "derived"), BuiltInWrites.Freeze("embed", "derived")]
            },
        };
        long handles = 0;
        for (int i = 0; i < 60; i++)
        {
            Run(graph, prompts).Dispose();
            if (i == 10)
                handles = LiveTensors.Count();
        }
        Assert.Equal(handles, Tensor.TotalCount);
    }

    [Fact]
    public void One_graph_and_model_serve_many_threads()
    {
        ToyPrompts prompts = ToyPrompts.Random(8, 4, 3);
        InterventionGraph graph = new()
        {
            Name = "Threads",
            Writes = [Zero("blocks.{layer}.z[head={head}]")],
            Metrics = [new MetricNode("Correct", [new Read.Logit("correct", "end")], x => x[0])],
        };
        using RunResult expected = Run(graph, prompts);
        double[] values = expected.Changed("Correct").Values.data<double>().ToArray();
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            using RunResult output = Run(graph, prompts);
            Assert.Equal(values, output.Changed("Correct").Values.data<double>().ToArray());
        });
    }

    private static WriteNode Zero(string site) => new("Zero", site, [], _ => zeros(1, dtype: float64));
}
