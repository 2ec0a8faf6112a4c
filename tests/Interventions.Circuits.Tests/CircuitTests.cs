using FsCheck;
using FsCheck.Fluent;

namespace Interventions.Circuits.Tests;

/// <summary>Graphs, sets of edges, their texts and pictures: no model is needed.</summary>
public sealed class CircuitTests
{
    private static readonly CircuitGraph[] s_graphs =
    [
        new(1, 1), new(2, 2), new(3, 2, hasMlps: false), new(2, 3, isParallel: true), new(3, 1),
    ];

    private static readonly Gen<Circuit> s_circuits =
        from graph in Gen.Elements(s_graphs)
        from odds in Gen.Choose(0, 10)
        from kept in Gen.ListOf(Gen.Choose(0, 9), graph.EdgeCount)
        select new Circuit(graph, graph.Edges.Zip(kept).Where(edge => edge.Second < odds).Select(edge => edge.First));

    /// <summary>The published numbers, and those of the closed formula.</summary>
    [Theory]
    [InlineData(12, 12, true, false, 32_491, 32_923, 157, 445)]
    [InlineData(2, 2, true, false, 46, 58, 7, 15)]
    [InlineData(1, 1, true, false, 8, 11, 3, 5)]
    [InlineData(2, 8, false, false, 257, 305, 17, 49)]
    [InlineData(2, 3, true, true, 69, 87, 9, 21)]
    public void Edges_are_counted(int layers, int heads, bool mlps, bool isParallel, int edges, int withProjections, int sources, int ports)
    {
        CircuitGraph graph = new(layers, heads, mlps, isParallel);
        Assert.Equal(
            (edges, edges, withProjections, sources, ports),
            (graph.EdgeCount, graph.Edges.Count(), graph.EdgeCountWithProjections, graph.Sources.Length, graph.Ports.Count()));
        Assert.All(graph.Edges.Index(), edge => Assert.Equal(edge.Index, graph.IndexOf(edge.Item)));
        Assert.All(graph.Edges, edge => Assert.Equal(edge, Edge.Parse($"{edge}")));
    }

    [Fact]
    public void A_thousandth_of_gpt2_small_is_32_edges()
    {
        CircuitGraph gpt2 = new(12, 12);
        Assert.Equal((32, 0, 32_491), (gpt2.CountOf(0.001), gpt2.CountOf(0), gpt2.CountOf(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => gpt2.CountOf(1.5));
    }

    [Theory]
    [InlineData("a0.h1->a0.h0.q", "There is no edge 'a0.h1->a0.h0.q': 'a0.h0.q' is computed before 'a0.h1'.")]
    [InlineData("a0.h2->logits", "There is no source 'a0.h2': the graph has 2 layers of 2 heads and feed-forward blocks.")]
    [InlineData("embed->m2", "There is no port 'm2'")]
    [InlineData("logits->m1", "There is no source 'logits'")]
    public void An_edge_that_is_not_there_is_refused(string edge, string message)
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new Circuit(s_graphs[1], [Edge.Parse(edge)]));
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a0.h1", "'a0.h1' is no edge")]
    [InlineData("a0->m0", "'a0' is no component")]
    [InlineData("a0.h1->a1.h0", "'a1.h0' is no port")]
    [InlineData("a0.h1->embed", "'embed' is no port")]
    [InlineData("a0.h1->m1.q", "'m1.q' is no port")]
    public void A_text_that_is_no_edge_is_refused(string text, string message) =>
        Assert.StartsWith(message, Assert.Throws<FormatException>(() => Edge.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void An_edge_stands_once()
    {
        Edge edge = Edge.Parse("embed->logits");
        Assert.Contains("is there twice", Assert.Throws<ArgumentException>(() => new Circuit(s_graphs[1], [edge, edge])).Message);
    }

    [Fact]
    public void Circuits_are_sets() => Prop.ForAll(Pairs(), pair =>
    {
        (Circuit a, Circuit b) = pair;
        HashSet<Edge> left = [.. a.Edges], right = [.. b.Edges];
        return left.Union(right).ToHashSet().SetEquals((a | b).Edges) && left.Intersect(right).ToHashSet().SetEquals((a & b).Edges)
            && left.Except(right).ToHashSet().SetEquals((a - b).Edges) && (~a | a).Equals(Circuit.All(a.Graph))
            && (~a & a).Equals(Circuit.None(a.Graph)) && a.Contains(b) == right.IsSubsetOf(left) && a.Count == left.Count
            && a.Graph.Edges.All(edge => a.Contains(edge) == left.Contains(edge)) && a.Equals(b) == left.SetEquals(right);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pruning_leaves_what_a_fixpoint_leaves() => Prop.ForAll(Arb.From(s_circuits), circuit =>
    {
        // As the definition says it: components without an edge in, or without one out, lose their edges, again and again.
        List<Edge> edges = [.. circuit.Edges];
        while (edges.RemoveAll(edge => IsDead(edge.Source) || IsDead(edge.Target.Component)) > 0)
        {
        }
        return circuit.Pruned().Equals(new Circuit(circuit.Graph, edges)) && circuit.Pruned().Pruned().Equals(circuit.Pruned());

        bool IsDead(Component component) =>
            (component != Component.Embed && !edges.Any(edge => edge.Target.Component == component))
            || (component != Component.Logits && !edges.Any(edge => edge.Source == component));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_circuit_comes_back_from_its_json() => Prop.ForAll(
        Arb.From(s_circuits), circuit => Circuit.FromJson(circuit.ToJson()).Equals(circuit)).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("[", "This is no circuit: ")]
    [InlineData("{\"layers\":2,\"heads\":2}", "'edges' is missing")]
    [InlineData("{\"layers\":2,\"heads\":2,\"edges\":[\"embed->m0\"]}", "There is no port 'm0'")]
    [InlineData("{\"layers\":0,\"heads\":2,\"edges\":[]}", "at least one layer")]
    public void Json_of_no_circuit_is_refused(string json, string message) =>
        Assert.Contains(message, Assert.Throws<InterventionException>(() => Circuit.FromJson(json)).Message);

    [Fact]
    public void A_circuit_of_components_has_all_edges_between_them()
    {
        Circuit circuit = Circuit.Of(s_graphs[1], [Component.OfHead(0, 1), Component.OfMlp(1)]);
        Assert.Equal(
            [
                "embed->a0.h1.q", "embed->a0.h1.k", "embed->a0.h1.v", "embed->m1", "a0.h1->m1",
                "embed->logits", "a0.h1->logits", "m1->logits",
            ],
            circuit.Edges.Select(edge => $"{edge}"));
        Assert.Equal(["embed", "a0.h1", "m1", "logits"], circuit.Components.Select(component => $"{component}"));
        Assert.Throws<ArgumentException>(() => Circuit.Of(s_graphs[1], [Component.OfMlp(2)]));
    }

    [Fact]
    public void Circuits_of_different_models_do_not_meet() => Assert.Contains(
        "different models", Assert.Throws<ArgumentException>(() => Circuit.All(s_graphs[0]) | Circuit.All(s_graphs[1])).Message);

    [Fact]
    public void Pictures_are_in_the_order_of_layers()
    {
        Circuit circuit = new(
            s_graphs[1],
            ((string[])["embed->a0.h1.q", "embed->a0.h1.v", "embed->a0.h0.k", "a0.h1->m0", "m0->a1.h0.v", "a1.h0->logits", "m0->logits"])
                .Select(Edge.Parse));
        Assert.Equal(
            """
            digraph circuit {
                rankdir=BT;
                node [shape=box];
                { rank=same; "embed"; }
                { rank=same; "a0.h0"; "a0.h1"; }
                { rank=same; "m0"; }
                { rank=same; "a1.h0"; }
                { rank=same; "logits"; }
                "embed" -> "a0.h0" [label="k"];
                "embed" -> "a0.h1" [label="q,v"];
                "a0.h1" -> "m0";
                "m0" -> "a1.h0" [label="v"];
                "m0" -> "logits";
                "a1.h0" -> "logits";
            }

            """, circuit.ToDot());
        Assert.Equal(
            """
            flowchart BT
                embed["embed"]
                subgraph layer0["layer 0"]
                    a0_h0["a0.h0"]
                    a0_h1["a0.h1"]
                end
                m0["m0"]
                subgraph layer1["layer 1"]
                    a1_h0["a1.h0"]
                end
                logits["logits"]
                embed -->|k| a0_h0
                embed -->|q,v| a0_h1
                a0_h1 --> m0
                m0 -->|v| a1_h0
                m0 --> logits
                a1_h0 --> logits

            """, circuit.ToMermaid());
        Assert.Equal("7 of 46 edges, 6 components", circuit.ToString());
    }

    [Fact]
    public void Promises() => Snapshot.Verify(PublicApi.Of(typeof(Circuit).Assembly));

    private static Arbitrary<(Circuit, Circuit)> Pairs() => Arb.From(
        from a in s_circuits
        from b in s_circuits.Where(other => other.Graph == a.Graph)
        select (a, b));
}
