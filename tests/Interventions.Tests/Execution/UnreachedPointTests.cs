using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Points of a sweep at which a path patch measures nothing, because no receiver is downstream of its sender.</summary>
public sealed class UnreachedPointTests : IDisposable
{
    private static readonly MetricNode s_correct = new("Correct", [new Read.Logit("correct", "end")], x => x[0]);

    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ToyPrompts _prompts = ToyPrompts.Random(4, 4, 3, 4);

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData(
        "blocks.{layer}.z[head={head}]", "blocks.0.resid",
        "at 3 of 6 points of the sweep (layer=1): what reads its run is not downstream of 'blocks.{layer}.z[head={head}]' there, so "
            + "nothing changes.")]
    // Positions decide too: what is later reaches nothing before it.
    [InlineData("embed[pos={p=0..2}]", "blocks.0.z[pos=1]", "at 1 of 3 points of the sweep (p=2): ")]
    // Only both axes together say which points are meant.
    [InlineData(
        "embed[pos={p=0..2}]", "blocks.0.z[pos={q=0..2}]",
        "at 3 of 9 points of the sweep (p=1 q=0; p=2 q=0; p=2 q=1): ")]
    [InlineData(
        "blocks.{layer}.z[pos={p=0..2}]", "blocks.0.resid[pos=0]",
        "at 5 of 6 points of the sweep (layer=0 p=1; layer=0 p=2; layer=1 p=0; …): ")]
    public void Points_that_reach_no_receiver_are_named_and_strictly_refused(string sender, string receiver, string said)
    {
        InterventionGraph graph = Path(sender, receiver);
        using (RunResult run = Run(graph))
            Assert.StartsWith($"X.PathPatch reaches nothing that is kept {said}", Assert.Single(run.Warnings), StringComparison.Ordinal);
        InterventionException refusal = Assert.Throws<InterventionException>(() => Run(graph, new() { Strict = true }));
        Assert.Contains(said, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blocks.{layer}.z[head={head}]", "blocks.1.resid")]
    [InlineData("embed[pos={p=0..2}]", "blocks.0.z[pos=2]")]
    [InlineData("blocks.0.z[head={head}; pos={p=0..2}]", "blocks.1.resid")]
    public void Points_that_reach_a_receiver_are_silent(string sender, string receiver)
    {
        using RunResult run = Run(Path(sender, receiver), new() { Strict = true });
        Assert.Empty(run.Warnings);
    }

    /// <summary>Where the naive run finds zeros, and only there, a point is reported.</summary>
    [Fact]
    public void The_points_are_those_at_which_the_naive_run_changes_nothing()
    {
        InterventionGraph graph = Path("blocks.{layer}.z[pos={p=0..2}]", "blocks.0.resid[pos=1]");
        using RunResult naive = Run(graph, new() { Naive = true });
        using RunResult run = Run(graph);
        int[] zeros = [.. naive.Changed("Correct").Points().Index().Where(point => point.Item.Change == 0).Select(point => point.Index)];
        Assert.Equal([0, 2, 3, 4, 5], zeros);
        WriteEffect sender = run.Effects.Single(effect => effect.Site.Contains("{layer}", StringComparison.Ordinal));
        Assert.Equal(zeros, sender.Points.Unread.AsEnumerable());
    }

    /// <summary>Batches in which both runs have the same tokens so far say nothing about a point; one that reads it decides.</summary>
    [Theory]
    [InlineData(new[] { 1, 3 }, new[] { 0 }, new int[] { }, new[] { 0, 1, 2, 3 }, new[] { 1, 3 }, new[] { 0 })]
    [InlineData(new[] { 1, 3 }, new int[] { }, new[] { 3 }, new int[] { }, new[] { 3 }, new int[] { })]
    [InlineData(new[] { 1 }, new int[] { }, new int[] { }, new int[] { }, new int[] { }, new int[] { })]
    public void Batches_are_joined_point_by_point(int[] left, int[] leftUndue, int[] right, int[] rightUndue, int[] unread, int[] undue)
    {
        UnreadPoints joined = new UnreadPoints([.. left], [.. leftUndue]).And(new([.. right], [.. rightUndue]));
        Assert.Equal(unread, joined.Unread.ToArray());
        Assert.Equal(undue, joined.Undue.ToArray());
    }

    [Fact]
    public void A_file_says_the_same()
    {
        using TemporaryFolder folder = new();
        string path = folder["result.safetensors"];
        using RunResult run = InterventionRunner.RunTo(
            Path("blocks.{layer}.z", "blocks.0.resid"), _model, _prompts, path, new RunOptions { BatchSize = 2 });
        using RunResult loaded = RunResult.Load(path);
        Assert.Contains("(layer=1)", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal(run.Warnings.AsEnumerable(), loaded.Warnings.AsEnumerable());
    }

    private static InterventionGraph Path(string sender, string receiver) =>
        new InterventionGraph { Name = "X", Metrics = [s_correct] }
            .PathPatch([sender], [receiver], "corrupted", freeze: ["blocks.0.z[head=0; pos=0]"]);

    private RunResult Run(InterventionGraph graph, RunOptions? options = null) =>
        InterventionRunner.Run(graph, _model, _prompts, options ?? new RunOptions { BatchSize = 2 });
}
