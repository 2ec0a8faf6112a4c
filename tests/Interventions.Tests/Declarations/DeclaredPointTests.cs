using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Heads that the declaration lists.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Sweep("layer, head", "1.2", "0.0")]
public sealed partial class ListedHeads
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Metric]
    static Tensor LogitDifference([Logit("right", At = "end")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

/// <summary>Edges that are chosen when it runs: a donor of any layer, a place and a strength.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class ChosenEdges
{
    [Sweep("source, head, target")]
    public required IReadOnlyList<(int Source, int Head, int Target)> Edges { get; init; }

    [Sweep("place")]
    public string[] Places { get; init; } = ["subject", "end"];

    [Sweep("strength")]
    public IEnumerable<int> Strengths { get; init; } = [2];

    [Patch("blocks.{target}.mlp_out[pos={place}]")]
    static Tensor Edge(
        Tensor x, [From("corrupted", "blocks.{source}.attn.z[head={head}; pos=end]")] Tensor z, [Swept("strength")] double strength) =>
        x + (z.sum([2L, 3L]).unsqueeze(-1) * strength);

    [Metric]
    static Tensor Right([Logit("right")] Tensor right) => right;
}

/// <summary>Heads and feed-forward blocks outside a circuit have their mean.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class Circuit
{
    [Mix("blocks.*.attn.z", "layer", "head", Ablation = Ablation.Mean, From = "corrupted", AcrossTemplates = true)]
    public required Tensor Heads { get; init; }

    [Mix("blocks.*.mlp_out", "layer", Ablation = Ablation.Resample, Seed = 5)]
    public required Tensor Mlps { get; init; }

    [Mix("embed", Ablation = Ablation.Zero)]
    public required Tensor Embedding { get; init; }

    [Metric]
    static Tensor Right([Logit("right")] Tensor right) => right;
}

/// <summary>The same by hand: a derived run in which everything is ablated, and a mixture with it.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Run("ablated"), Mean("blocks.*.attn.z", From = "corrupted", AcrossTemplates = true, In = "ablated")]
[Resample("blocks.*.mlp_out", Seed = 5, In = "ablated"), Zero("embed", In = "ablated")]
public sealed partial class CircuitByHand
{
    [Mix("blocks.*.attn.z", "layer", "head", From = "ablated")]
    public required Tensor Heads { get; init; }

    [Mix("blocks.*.mlp_out", "layer", From = "ablated")]
    public required Tensor Mlps { get; init; }

    [Mix("embed", From = "ablated")]
    public required Tensor Embedding { get; init; }

    [Metric]
    static Tensor Right([Logit("right")] Tensor right) => right;
}

public sealed class DeclaredPointTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TinyGpt2 _model = TinyGpt2.Random();
    private readonly TinyPrompts _prompts = DeclarationTests.Prompts(6, 6, 6);
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        _model.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Listed_points_are_those_of_the_whole_sweep()
    {
        using ListedHeads.Result listed = new ListedHeads().Run(_model, _prompts);
        using HeadSweep.Result all = new HeadSweep().Run(_model, _prompts);
        Assert.Equal([2, 3], listed.LogitDifference.Values.shape);
        Close(all.LogitDifference[layer: 1, head: 2], listed.LogitDifference[layer: 1, head: 2]);
        Close(all.LogitDifference[layer: 0, head: 0], listed.LogitDifference[layer: 0, head: 0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => listed.LogitDifference[layer: 1, head: 0]);
        string path = _folder["listed.safetensors"];
        listed.Save(path);
        using ListedHeads.Result loaded = ListedHeads.Load(path);
        Close(listed.LogitDifference[1, 2], loaded.LogitDifference[layer: 1, head: 2]);
        Assert.Equal(
            listed.LogitDifference.Points().Select(point => $"{point}"), loaded.LogitDifference.Points().Select(point => $"{point}"));
        Assert.Equal(2, loaded.LogitDifference.Top(2).Count);
    }

    [Fact]
    public void Points_are_chosen_when_it_runs()
    {
        ChosenEdges edges = new() { Edges = [(1, 2, 0), (0, 0, 0), (1, 1, 1)] };
        using ChosenEdges.Result run = edges.Run(_model, _prompts);
        using ChosenEdges.Result naive = edges.Run(_model, _prompts, new() { Naive = true });
        Assert.Equal([3, 2, 1, 3], run.Right.Values.shape);
        Close(naive.Right.Values, run.Right.Values);
        using ChosenEdges.Result one = new ChosenEdges { Edges = [(1, 1, 1)], Places = ["end"], Strengths = [2, 3] }.Run(_model, _prompts);
        Close(
            one.Right[place: "end", source: 1, head: 1, target: 1, strength: 2],
            run.Right[place: "end", source: 1, head: 1, target: 1, strength: 2]);
        SweptPoint point = run.Right.Points()[0];
        Assert.Equal((1, 2, 0, "subject"), (point["source"], point["head"], point["target"], point.Coordinate("place").Name));
        using RunResult again = InterventionRunner.Run(
            InterventionGraph.FromJson(edges.Graph.ToJson(), edges.Members), _model, _prompts);
        Close(run.Right.Values, again.Changed("Right").Values);
        Assert.Contains("source, head, target: 1.2.0, 0.0.0, 1.1.1", edges.Graph.ToText(), StringComparison.Ordinal);
        using ChosenEdges.Generation text = edges.Generate(_model, _prompts, new() { MaxNewTokens = 2 });
        Assert.Equal(3, text[place: "subject", source: 0, head: 0, target: 0, strength: 2].Tokens.Count);
    }

    [Fact]
    public void Points_that_cannot_be_are_refused_before_the_first_pass()
    {
        Says("ChosenEdges: 'source, head, target' cannot go through 2.0.0: layer 2 of '{source}' is out of range", [(2, 0, 0)]);
        Says("ChosenEdges.Edges is empty, so 'source, head, target' goes through no values", []);
        Says("ChosenEdges.Edges is null; it must list what 'source, head, target' goes through", null!);
        Says("'place' cannot go through verb: TinyPrompts has no position 'verb'", [(0, 0, 0)], "verb");
        Says("ChosenEdges.Places holds a name that is null", [(0, 0, 0)], null!);

        void Says(string text, (int, int, int)[] edges, string place = "end") => Assert.Contains(
            text,
            Assert.Throws<InterventionException>(
                () => new ChosenEdges { Edges = edges, Places = [place] }.Run(_model, _prompts)).Message);
    }

    [Fact]
    public void A_run_into_a_file_goes_on_with_the_same_points_only()
    {
        string path = _folder["edges.safetensors"];
        using ChosenEdges.Result run = new ChosenEdges { Edges = [(1, 2, 0)] }.RunTo(_model, _prompts, path, new() { BatchSize = 2 });
        using ChosenEdges.Result again = new ChosenEdges { Edges = [(1, 2, 0)] }.RunTo(_model, _prompts, path, new() { BatchSize = 2 });
        Close(run.Right.Values, again.Right.Values);
        Assert.Throws<InterventionException>(
            () => new ChosenEdges { Edges = [(1, 2, 1)] }.RunTo(_model, _prompts, path, new() { BatchSize = 2 }));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_circuit_is_kept_as_by_hand(bool isBool)
    {
        Tensor heads = tensor(new[,] { { 1.0, 0, 0.25 }, { 0, 1, 0 } }), mlps = tensor([0.0, 1]), embedding = tensor(0.5);
        if (isBool)
            (heads, mlps) = (heads.gt(0.2), mlps.gt(0.2));
        Circuit circuit = new() { Heads = heads, Mlps = mlps, Embedding = embedding };
        using Circuit.Result run = circuit.Run(_model, _prompts);
        using Circuit.Result naive = circuit.Run(_model, _prompts, new() { Naive = true });
        using CircuitByHand.Result hand = new CircuitByHand { Heads = heads, Mlps = mlps, Embedding = embedding }.Run(_model, _prompts);
        Close(naive.Right, run.Right);
        Close(hand.Right, run.Right);
        Assert.True((run.Right - run.Clean.Right).abs().min().item<double>() > 1e-6);
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }
}
