using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Points that several placeholders go through together, and donors that are swept, against one declaration a point.</summary>
public sealed class PointSweepTests : ToyTest
{
    private readonly ToyPrompts _prompts = ToyPrompts.Random(31, 4, 4, 5);

    public static TheoryData<bool> Executors => [true, false];

    [Theory]
    [MemberData(nameof(Executors))]
    public void Listed_points_are_one_axis(bool naive)
    {
        InterventionGraph graph = Graph(Patch("blocks.{layer}.z[head={head}; pos=end]")) with
        {
            Sweeps = [SweepAxis.OfPoints("layer, head", "1.2", "0.0", "-1.0")],
        };
        using RunResult run = Run(graph, _prompts, new() { Naive = naive });
        SweptTensor swept = run.Changed("LogitDifference");
        Assert.Equal([3, 3], swept.Values.shape);
        Assert.Equal("layer, head", Assert.Single(swept.Sweep).Name);
        foreach ((int layer, int head) in new[] { (1, 2), (0, 0), (1, 0) })
            Close(Alone(Patch($"blocks.{layer}.z[head={head}; pos=end]")), swept.At(layer, head));
        Assert.Equal(["layer=1 head=2", "layer=0 head=0", "layer=1 head=0"], swept.Points().Select(point => $"{point.Point}"));
        Assert.Equal((1, 2), (swept.Points()[0]["layer"], swept.Points()[0]["head"]));
        SweptPoint top = swept.Top(1)[0];
        Close(swept.At(top["layer"], top["head"]), swept.At($"{top["layer"]}.{top["head"]}"));
        Assert.Contains(
            "did not run through layer, head 0.1, only through 1.2, 0.0, 1.0",
            Assert.Throws<ArgumentOutOfRangeException>(() => swept.At(0, 1)).Message);
        Assert.Contains("2 placeholders (layer, head); 3", Assert.Throws<ArgumentException>(() => swept.At(0, 1, 2)).Message);
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Points_may_have_positions_strengths_and_runs_and_stand_beside_other_sweeps(bool naive)
    {
        InterventionGraph graph = Graph(
            BuiltInWrites.Scale("blocks.{layer}.out[pos={pos}]", "{factor}"),
            BuiltInWrites.Freeze("blocks.1.z[head={head}]", "{donor}")) with
        {
            Sweeps =
            [
                SweepAxis.OfPoints("layer, pos, factor, donor", "0, mid, 0.5, corrupted", "1, end, 2, clean", "0, -1, 3, corrupted"),
                new SweepAxis("head", [2, 0]),
            ],
        };
        using RunResult run = Run(graph, _prompts, new() { Naive = naive });
        SweptTensor swept = run.Changed("LogitDifference");
        Assert.Equal([3, 2, 3], swept.Values.shape);
        foreach ((int layer, string pos, double factor, string donor) in new[] { (0, "mid", 0.5, "corrupted"), (1, "end", 2, "clean") })
            foreach (int head in new[] { 0, 2 })
                Close(
                    Alone(
                        BuiltInWrites.Scale($"blocks.{layer}.out[pos={pos}]", factor),
                        BuiltInWrites.Freeze($"blocks.1.z[head={head}]", donor)),
                    swept.At(layer, pos, factor, donor, head));
        Assert.Equal("layer=0 pos=mid factor=0.5 donor=corrupted head=2", swept.Points()[0].Point.ToString());
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Donors_are_swept_on_their_own(bool naive)
    {
        WriteNode Write(string source, string head, string place) => new(
            "FromAnyHead", "blocks.1.z[head=0; pos=end]",
            [Value, new Read.From("corrupted", $"blocks.{source}.z[head={head}; pos={place}]")], x => (x[0] * 0.5) + x[1]);
        using RunResult run = Run(Graph(Write("{source}", "{h}", "{p=mid,0}")), _prompts, new() { Naive = naive });
        SweptTensor swept = run.Changed("LogitDifference");
        Assert.Equal([2, 3, 2, 3], swept.Values.shape);
        foreach (int source in new[] { 0, 1 })
            foreach (int head in new[] { 0, 1, 2 })
                foreach (string place in new[] { "mid", "0" })
                    Close(Alone(Write($"{source}", $"{head}", place)), swept.At(source, head, place));
    }

    [Theory]
    [MemberData(nameof(Executors))]
    public void Values_of_the_same_run_are_swept_and_are_there_before(bool naive)
    {
        WriteNode Write(string target, string source) => new(
            "Shortcut", $"blocks.{target}.out", [Value, new Read.Of($"blocks.{source}.z")],
            x => x[0] + x[1].sum([2L, 3L]).unsqueeze(-1));
        InterventionGraph graph = Graph(Write("{target}", "{source}"));
        using RunResult run = Run(
            graph with { Sweeps = [SweepAxis.OfPoints("source, target", "0.1", "0.0", "1.1")] }, _prompts, new() { Naive = naive });
        foreach ((int source, int target) in new[] { (0, 1), (0, 0), (1, 1) })
            Close(Alone(Write($"{target}", $"{source}")), run.Changed("LogitDifference").At(source, target));
        // Of all combinations, one reads a later layer.
        Says("is written before 'blocks.{source}.z', which it reads", () => Run(graph, _prompts));
    }

    [Fact]
    public void A_list_of_one_placeholder_cuts_its_range()
    {
        InterventionGraph graph = Graph(Patch("blocks.0.z[head={head}; pos={pos}]")) with
        {
            Sweeps = [new SweepAxis("head", [2, -3]), new SweepAxis("pos", ["mid", "end-1", 0])],
        };
        using RunResult run = Run(graph, _prompts);
        Assert.Equal(["head: 2, 0", "pos: mid, end-1, 0"], run.Changed("LogitDifference").Sweep.Select(
            axis => $"{axis.Name}: {string.Join(", ", axis.Coordinates)}"));
        Close(Alone(Patch("blocks.0.z[head=0; pos=end-1]")), run.Changed("LogitDifference").At(0, "end-1"));
    }

    [Fact]
    public void Points_that_are_not_there_are_refused()
    {
        WriteNode head = Patch("blocks.{layer}.z[head={head}; pos=end]");
        Refused("cannot go through 2.0: layer 2 of '{layer}' is out of range: ToyModel has 2 layers (0 to 1)", "layer, head", ["2.0"], head);
        Refused("cannot go through 0.end: 'end' is no number of a head", "layer, head", ["0.end"], head);
        Refused(
            "cannot go through 0.2: head 2 is not among those that '{head}' goes through", "layer, head", ["0.2"],
            Patch("blocks.{layer}.z[head={head=0..1}]"));
        Refused(
            "cannot go through 0.S1: ToyPrompts has no position 'S1'", "layer, pos", ["0.S1"], Patch("blocks.{layer}.z[pos={pos}]"));
        Refused(
            "cannot go through 0.0: pos 0 is not among those", "layer, pos", ["0.0"], Patch("blocks.{layer}.z[pos={pos=1..}]"));
        Refused("goes through 0.1 twice", "layer, head", ["0.1", "-2.1"], head);
        Refused("placeholder '{head}' is listed, but no write uses it", "layer, head", ["0.1"], Patch("blocks.{layer}.out"));
        Refused("goes through no values", "layer, head", [], head);
        Refused("no run 'cleam'", "layer, run", ["0.cleam"], BuiltInWrites.Freeze("blocks.{layer}.out", "{run}"));
        Refused("'{factor}' goes through runs", "layer, factor", ["0.end"], BuiltInWrites.Scale("blocks.{layer}.out", "{factor}"));
        Says(
            "swept twice, through different values",
            () => Run(
                Graph(head) with { Sweeps = [SweepAxis.OfPoints("layer, head", "0.1"), SweepAxis.OfPoints("head, layer", "1.0")] },
                _prompts));
        Says("'0.1' is a text: see OfPoints", () => Run(Graph(head) with { Sweeps = [SweepAxis.OfRuns("layer, head", "0.1")] }, _prompts));
        Says("'3' is no point of layer, head", () => Run(Graph(head) with { Sweeps = [SweepAxis.OfNumbers("layer, head", 3)] }, _prompts));
        Says(
            "selects position 4 of prompt 0",
            () => Run(Graph(Patch("blocks.0.z[pos={pos}]")) with { Sweeps = [new SweepAxis("pos", [4])] }, _prompts));

        void Refused(string text, string placeholders, string[] points, params WriteNode[] writes) => Says(
            text, () => Run(Graph(writes) with { Sweeps = [SweepAxis.OfPoints(placeholders, points)] }, _prompts));
    }

    [Fact]
    public void Every_position_but_some_is_what_is_left()
    {
        ToyPrompts alike = ToyPrompts.Random(33, 4, 4);
        Close(Alone(alike, Patch("blocks.0.z[head=0,2; pos=1..3]")), Alone(alike, Patch("blocks.0.z[head!=1; pos!=0]")));
        Close(Alone(alike, Patch("blocks.1.out[pos=1..2]")), Alone(alike, Patch("blocks.[!=0].out[pos!=0,end]")));
        Close(Alone(Patch("embed[pos=mid,end]")), Alone(Patch("embed[pos=named]")));
        using RunResult swept = Run(Graph(Patch("embed[pos={pos=named}]")), _prompts);
        Assert.Equal(["mid", "end"], swept.Changed("LogitDifference").Sweep[0].Coordinates.Select(place => place.Name));
        ToyPrompts twice = new(new PromptTokens([new([1, 2, 3], [2, 2]), new([1, 2, 3], [2, 2])], [0, 1]));
        Says("leaves out one token of prompt 0 of ToyPrompts, run 'clean' twice", () => Run(Graph(Patch("embed[pos!=mid,end]")), twice));
        Says("leaves out all of prompt 0 of ToyPrompts, run 'clean', which has 3 tokens", () => Run(Graph(Patch("embed[pos!=0..]")), twice));
        Says("leaves out position 3", () => Run(Graph(Patch("embed[pos!=3]")), twice));
        Says("'blocks.0.z[head!=0..2]' leaves out every head: ToyModel has 3", () => Run(Graph(Patch("blocks.0.z[head!=0..2]")), twice));
    }

    private static InterventionGraph Graph(params WriteNode[] writes) =>
        new() { Name = "Points", Writes = [.. writes], Metrics = [LogitDifference] };

    private Tensor Alone(params WriteNode[] writes) => Alone(_prompts, writes);

    private Tensor Alone(ToyPrompts prompts, params WriteNode[] writes)
    {
        using RunResult run = Run(Graph(writes), prompts, new() { Naive = true });
        return run.Changed("LogitDifference").Values.clone();
    }
}
