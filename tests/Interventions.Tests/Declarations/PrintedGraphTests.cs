using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Graphs as text and as Mermaid flowcharts.</summary>
public sealed partial class PrintedGraphTests
{
    private static InterventionGraph Example { get; } = new InterventionGraph
    {
        Name = "Example",
        Changes = "clean",
        Writes =
        [
            WriteNode.Fuse(BuiltInWrites.Scale("embed[pos=end]", 0.5), new(
                "Steer", "embed[pos=end]", [new Read.Value(), new Read.From("corrupted", "embed[pos=S1+1]")], x => x[0])),
            BuiltInWrites.Add("Vector", "blocks.{layer}.mlp_out", ones(1), -2),
            BuiltInWrites.ProjectOut("Vector", "blocks.1.mlp_out", ones(1)),
            BuiltInWrites.ProjectOnto("Vector", "blocks.2.mlp_out", ones(1)),
            BuiltInWrites.Freeze("blocks.*.attn.pattern", null),
            BuiltInWrites.Resample("blocks.0.attn.z[head=1]", "corrupted", 3),
            BuiltInWrites.Mean("blocks.0.attn.z[head=2]", null, pooled: true),
            BuiltInWrites.Zero("blocks.0.attn.z[head=3]"),
        ],
        Captures = [new("Attention", "blocks.*.attn.pattern[query=end]", [new Read.Value()], x => x[0]), new(
            "Before", "embed[pos=end]", [new Read.Value()], x => x[0], true)],
        Gradients = [new("Attribution", "blocks.*.attn.z", [new Read.Gradient(), new Read.Value(), new Read.From("corrupted")], x => x[0])],
        Metrics =
        [
            new("LogitDifference", [new Read.Logit("IO", "end"), new Read.Logit("S", "end", "corrupted")], x => x[0]),
            new("Loss", [new Read.Logits("S1"), new Read.AnswerIds("IO"), new Read.Of("embed[pos=end]")], x => x[0]),
        ],
        Parameters = [new("Vector", ones(1), "Loss")],
    }.PathPatch("blocks.0.attn.z[head={head}; pos=end]", ["blocks.1.attn.q_input[head=2]", "logits"], "corrupted", freezeMlps: true);

    [Fact]
    public void A_graph_is_printed_line_by_line() => Snapshot.Verify(Example.ToText());

    [Fact]
    public void A_graph_is_drawn_as_a_flowchart() => Snapshot.Verify(Example.ToMermaid());

    [Fact]
    public void A_path_patch_of_a_derived_run_has_its_tokens()
    {
        InterventionGraph graph = new() { Name = "Path", Runs = [new("other", "corrupted")] };
        graph = graph.PathPatch("blocks.0.attn.z[head=1]", ["blocks.1.mlp_in"], "clean", run: "other");
        Assert.Equal([new("other", "corrupted"), new DerivedRun("path1", "corrupted")], graph.Runs.AsEnumerable());
        Assert.Equal(
            [
                ("blocks.*.attn.z", "path1", new WriteKind.Freeze("corrupted")),
                ("blocks.0.attn.z[head=1]", "path1", new WriteKind.Copy("clean")),
                ("blocks.1.mlp_in", "other", new WriteKind.Copy("path1")),
            ],
            graph.Writes.Select(write => (write.Site, write.Run!, write.Kind!)));
    }

    [Fact]
    public void A_graphs_text_is_what_it_prints() => Assert.Equal(Example.ToText(), Example.ToString());

    [Fact]
    public void Every_flowchart_is_well_formed() =>
        Prop.ForAll(RandomGraphs.Graph.ToArbitrary(), graph => WellFormed(graph.ToMermaid())).QuickCheckThrowOnFailure();

    [Fact]
    public void What_is_not_well_formed_is_seen()
    {
        Assert.ThrowsAny<Exception>(() => WellFormed("flowchart LR\n    subgraph n0[\"a\"]\n"));
        Assert.ThrowsAny<Exception>(() => WellFormed("flowchart LR\n    n0[\"a\"b\"]\n"));
        Assert.ThrowsAny<Exception>(() => WellFormed("flowchart LR\n    n0 --> n1\n"));
    }

    /// <summary>
    /// The part of Mermaid's grammar that is used: every line is a node, an edge, or the start or end of a subgraph, and edges join what
    /// exists.
    /// </summary>
    private static void WellFormed(string text)
    {
        string[] lines = text.TrimEnd('\n').Split('\n');
        Assert.Equal("flowchart LR", lines[0]);
        HashSet<string> known = [];
        int depth = 0;
        foreach (string line in lines.Skip(1).Select(line => line.Trim()))
        {
            if (line == "end")
                Assert.True(--depth >= 0);
            else if (Subgraph().Match(line) is { Success: true } subgraph && ++depth == 1)
                Assert.True(known.Add(subgraph.Groups[1].Value));
            else if (Edge().Match(line) is { Success: true } edge)
                Assert.True(known.Contains(edge.Groups[1].Value) && known.Contains(edge.Groups[2].Value), line);
            else
                Assert.True(Node().Match(line) is { Success: true } node && known.Add(node.Groups[1].Value), line);
        }
        Assert.Equal(0, depth);
    }

    private const string Quoted = "\"[^\"<>&`\\\\]*\"";

    [GeneratedRegex($"^subgraph (n\\d+)\\[{Quoted}\\]$")]
    private static partial Regex Subgraph();

    [GeneratedRegex($"^(n\\d+) (?:-->|-- {Quoted} -->|-\\. {Quoted} \\.->) (n\\d+)$")]
    private static partial Regex Edge();

    [GeneratedRegex(
        $"^(n\\d+)(?:\\[{Quoted}\\]|\\[\\({Quoted}\\)\\]|\\(\\[{Quoted}\\]\\)|\\[/{Quoted}/\\]|\\[\\\\{Quoted}\\\\\\]|\\{{\\{{{Quoted}\\}}\\}})$")]
    private static partial Regex Node();
}
