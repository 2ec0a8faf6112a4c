namespace Interventions.Circuits.Tests;

/// <summary>Circuits of nodes, and published circuits, as data: no model is needed.</summary>
public sealed class NodeCircuitTests
{
    private static readonly CircuitGraph s_graph = new(2, 3);

    private static readonly NodeCircuit s_circuit = Of("a1.h2:late@end", "a0.h1:early", "a1.h0:late@1,3,end");

    [Fact]
    public void Nodes_are_in_the_order_of_computation()
    {
        Assert.Equal(["a0.h1", "a1.h0@1,3,end", "a1.h2@end"], s_circuit.Nodes.Select(node => $"{node}"));
        Assert.Equal("early: a0.h1\nlate: a1.h0@1,3,end, a1.h2@end", $"{s_circuit}");
        Assert.Equal("no nodes", $"{Of()}");
        Assert.Equal(Of("a1.h0:late@1,3,end", "a1.h2:late@end"), s_circuit.OfClass("late"));
        Assert.StartsWith(
            "There is no class 'lat'; there are early, late.",
            Assert.Throws<ArgumentException>(() => s_circuit.OfClass("lat")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Circuits_of_nodes_are_sets()
    {
        NodeCircuit other = Of("a0.h1:early", "a1.h1:late", "a1.h2:late");
        Assert.Equal(Of("a0.h1:early"), s_circuit & other);
        Assert.Equal(Of("a1.h0:late@1,3,end"), s_circuit - other);
        Assert.Equal(Of("a0.h1:early", "a1.h0:late@1,3,end", "a1.h1:late", "a1.h2:late@end"), s_circuit | (other - s_circuit));
        Assert.Contains("is there twice", Assert.Throws<ArgumentException>(() => s_circuit | other).Message);
        Assert.Contains(
            "different models", Assert.Throws<ArgumentException>(() => s_circuit | new NodeCircuit(new CircuitGraph(3, 3), [])).Message);
    }

    [Fact]
    public void A_circuit_of_nodes_comes_back_from_its_json()
    {
        NodeCircuit mlps = new(s_graph, [new(Component.OfMlp(1), "block", "end"), new(Component.OfHead(0, 0))], knocksOutMlps: true);
        foreach (NodeCircuit circuit in (NodeCircuit[])[s_circuit, mlps, Of(), PublishedCircuits.Ioi])
            Assert.Equal(circuit, NodeCircuit.FromJson(circuit.ToJson()));
        Assert.NotEqual(s_circuit, Of("a0.h1:early", "a1.h0:late@1,3,end", "a1.h2:late"));
    }

    [Theory]
    [InlineData("{\"layers\":2}", "'heads' is missing")]
    [InlineData("{\"layers\":2,\"heads\":2,\"nodes\":[{\"component\":\"a2.h0\",\"class\":\"x\"}]}", "'a2.h0' is not in the graph")]
    [InlineData("{\"layers\":2,\"heads\":2,\"nodes\":[{\"component\":\"a2\",\"class\":\"x\"}]}", "'a2' is no component")]
    [InlineData("{\"layers\":2,\"heads\":2,\"nodes\":[{\"component\":\"a1.h0\"}]}", "'class' is missing")]
    public void Json_of_no_circuit_of_nodes_is_refused(string json, string message) =>
        Assert.Contains(message, Assert.Throws<InterventionException>(() => NodeCircuit.FromJson(json)).Message);

    [Theory]
    [InlineData("embed", "is there in every circuit of nodes")]
    [InlineData("logits", "is there in every circuit of nodes")]
    [InlineData("a0.h3", "is not in the graph, which has 2 layers of 3 heads")]
    [InlineData("m0", "runs in any case unless knocksOutMlps is true")]
    public void A_node_that_cannot_be_one_is_refused(string component, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => Of($"{component}:x")).Message);

    [Fact]
    public void The_circuit_of_indirect_objects_has_26_heads_in_seven_classes()
    {
        Assert.Equal(
            [
                ("duplicate token", "S2", 3), ("previous token", "S1+1", 2), ("induction", "S2", 4), ("S-inhibition", "end", 4),
                ("backup name mover", "end", 8), ("name mover", "end", 3), ("negative name mover", "end", 2),
            ],
            PublishedCircuits.Ioi.Nodes.GroupBy(node => (node.Class, node.At))
                .Select(nodes => (nodes.Key.Class, nodes.Key.At!, nodes.Count())));
        Assert.Equal(26, PublishedCircuits.Ioi.Nodes.Length);
        Assert.Equal(13, PublishedCircuits.NaiveIoi.Nodes.Length);
        Assert.Equal(PublishedCircuits.NaiveIoi, PublishedCircuits.NaiveIoi & PublishedCircuits.Ioi);
        Assert.Equal(
            ["a9.h6", "a9.h9", "a10.h0"], PublishedCircuits.Ioi.OfClass("name mover").Nodes.Select(node => $"{node.Component}"));
        Assert.DoesNotContain(PublishedCircuits.NaiveIoi.Nodes, node => node.Class is "backup name mover" or "negative name mover");
    }

    [Fact]
    public void Its_edges_are_the_routes_between_the_classes()
    {
        Circuit edges = PublishedCircuits.IoiEdges;
        Assert.Equal(edges, edges.Pruned());
        Assert.True(edges.Components.ToHashSet().SetEquals(
        [
            Component.Embed, .. PublishedCircuits.Ioi.Nodes.Select(node => node.Component),
            .. Enumerable.Range(0, 12).Select(Component.OfMlp), Component.Logits,
        ]));
        string[] there =
        [
            "a9.h9->logits", "a7.h3->a9.h9.q", "a5.h5->a7.h3.v", "a3.h0->a8.h6.k", "a2.h2->a5.h5.k", "embed->a4.h11.q", "embed->a10.h7.v",
            "a9.h9->m9", "m11->logits", "a7.h3->m8", "m8->a9.h9.q", "m5->a7.h3.v", "m4->a5.h5.q", "embed->m3", "embed->logits",
        ];
        string[] missing =
        [
            "embed->a9.h9.q", "a7.h3->logits", "a5.h5->a9.h9.q", "a7.h3->a9.h9.k", "a2.h2->a5.h5.q", "embed->a5.h5.k",
            "a10.h7->a11.h2.q", "m4->a5.h4.q", "a5.h4->m7",
        ];
        Assert.All(there, edge => Assert.True(edges.Contains(Edge.Parse(edge)), edge));
        Assert.All(missing, edge => Assert.False(edges.Contains(Edge.Parse(edge)), edge));
        // The published count has one more for each query, key and value of the 26 heads.
        Assert.Equal(1041 - (3 * 26), edges.Count);
        Assert.Equal(
            183, edges.Edges.Count(edge => edge.Source.Kind != ComponentKind.Mlp && edge.Target.Component.Kind != ComponentKind.Mlp));
    }

    private static NodeCircuit Of(params string[] nodes) => new(s_graph, nodes.Select(text =>
    {
        string[] parts = text.Split(':', '@');
        return new CircuitNode(Component.Parse(parts[0]), parts[1], parts.ElementAtOrDefault(2));
    }));
}
