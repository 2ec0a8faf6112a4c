using System.Collections.Immutable;
using Interventions.Files;

namespace Interventions.Circuits;

/// <summary>A head or feed-forward block of a circuit, and where the circuit keeps it.</summary>
/// <param name="Component">The head or feed-forward block.</param>
/// <param name="Class">What kind of node it is, such as <c>name mover</c>: criteria take classes out as a whole.</param>
/// <param name="At">
/// The positions at which it is kept, as they stand behind <c>pos=</c> in a site path: <c>end</c>, <c>S1+1</c>, <c>1,3,end</c>.
/// <see langword="null"/>: everywhere.
/// </param>
public sealed record CircuitNode(Component Component, string Class = "node", string? At = null)
{
    /// <summary><c>a9.h6@end</c>.</summary>
    public override string ToString() => At is null ? $"{Component}" : $"{Component}@{At}";
}

/// <summary>
/// A circuit of nodes: heads, each kept everywhere or at some positions alone (Wang et al. 2022, arXiv:2211.00593). As an intervention, all
/// other heads, and these heads elsewhere, are knocked out. Feed-forward blocks run, unless it is one of them too.
/// </summary>
public sealed partial class NodeCircuit : IEquatable<NodeCircuit>
{
    /// <summary>A circuit of nodes.</summary>
    /// <param name="graph">The model's graph.</param>
    /// <param name="nodes">The nodes, each component once, in any order.</param>
    /// <param name="knocksOutMlps">
    /// Whether feed-forward blocks that it lacks are knocked out too. If not, all of them run, and none is a node.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The graph lacks a component, it is there twice, or it is one that no circuit of nodes can lack.
    /// </exception>
    public NodeCircuit(CircuitGraph graph, IEnumerable<CircuitNode> nodes, bool knocksOutMlps = false)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(nodes);
        Dictionary<Component, int> order = graph.Sources.Index().ToDictionary(source => source.Item, source => source.Index);
        HashSet<Component> seen = [];
        foreach (CircuitNode node in nodes = [.. nodes])
        {
            string? problem =
                node.Component.Kind is not (ComponentKind.Head or ComponentKind.Mlp) ? "is there in every circuit of nodes"
                : !order.ContainsKey(node.Component) ? $"is not in the graph, which has {graph}"
                : node.Component.Kind == ComponentKind.Mlp && !knocksOutMlps ? $"runs in any case unless {nameof(knocksOutMlps)} is true"
                : !seen.Add(node.Component) ? "is there twice"
                : null;
            if (problem is not null)
                throw new ArgumentException($"'{node.Component}' {problem}.", nameof(nodes));
        }
        (Graph, KnocksOutMlps) = (graph, knocksOutMlps);
        Nodes = [.. nodes.OrderBy(node => order[node.Component])];
    }

    /// <summary>The model's graph.</summary>
    public CircuitGraph Graph { get; }

    /// <summary>The nodes, in the order of computation.</summary>
    public ImmutableArray<CircuitNode> Nodes { get; }

    /// <summary>Whether feed-forward blocks that it lacks are knocked out too.</summary>
    public bool KnocksOutMlps { get; }

    /// <summary>The nodes of both. A component that both have must be kept at the same positions.</summary>
    public static NodeCircuit operator |(NodeCircuit left, NodeCircuit right) =>
        Joined(left, right, (a, b) => [.. a, .. b.Except(a)]);

    /// <summary>The nodes that both have, of the same class and at the same positions.</summary>
    public static NodeCircuit operator &(NodeCircuit left, NodeCircuit right) => Joined(left, right, (a, b) => a.Intersect(b));

    /// <summary>The nodes of the first whose components the second lacks.</summary>
    public static NodeCircuit operator -(NodeCircuit left, NodeCircuit right) =>
        Joined(left, right, (a, b) => a.ExceptBy(b.Select(node => node.Component), node => node.Component));

    /// <summary>Its nodes of some classes.</summary>
    /// <exception cref="ArgumentException">It has no such class.</exception>
    public NodeCircuit OfClass(params string[] classes)
    {
        ArgumentNullException.ThrowIfNull(classes);
        foreach (string wanted in classes)
            if (Nodes.All(node => node.Class != wanted))
                throw new ArgumentException(
                    $"There is no class '{wanted}'; there are {string.Join(", ", Nodes.Select(node => node.Class).Distinct())}.",
                    nameof(classes));
        return new NodeCircuit(Graph, Nodes.Where(node => classes.Contains(node.Class)), KnocksOutMlps);
    }

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="InterventionException">The text is no circuit.</exception>
    public static NodeCircuit FromJson(string json) => StoredJson.Read(json, "This is no circuit of nodes", fields => Fields(fields, null));

    /// <summary>Sizes of the graph, and of each node its component, class and positions.</summary>
    public string ToJson() => JsonFields.Write(fields => Fields(fields, this), isIndented: true);

    /// <inheritdoc/>
    public bool Equals(NodeCircuit? other) => other is not null
        && (Graph, KnocksOutMlps) == (other.Graph, other.KnocksOutMlps) && Nodes.SequenceEqual(other.Nodes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as NodeCircuit);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Graph, Nodes.Length, Nodes.FirstOrDefault());

    /// <summary>The nodes by class: <c>name mover: a9.h6@end, a9.h9@end</c>.</summary>
    public override string ToString() => Nodes.Length == 0 ? "no nodes" : string.Join(
        '\n', Nodes.GroupBy(node => node.Class).Select(nodes => Tables.TextTable.Wrap($"{nodes.Key}: {string.Join(", ", nodes)}", 4)));

    private static NodeCircuit Fields(JsonFields fields, NodeCircuit? circuit)
    {
        CircuitGraph graph = CircuitGraph.Fields(fields, circuit?.Graph);
        bool knocksOutMlps = fields.Truth("knocksOutMlps", circuit?.KnocksOutMlps);
        ImmutableArray<CircuitNode> nodes = fields.List("nodes", circuit?.Nodes ?? default, (item, node) => new CircuitNode(
            Component.Parse(item.Text("component", node?.Component.ToString())), item.Text("class", node?.Class),
            item.OptionalText("at", node?.At)));
        return circuit ?? new NodeCircuit(graph, nodes, knocksOutMlps);
    }

    private static NodeCircuit Joined(
        NodeCircuit left, NodeCircuit right, Func<IEnumerable<CircuitNode>, IEnumerable<CircuitNode>, IEnumerable<CircuitNode>> join)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        return (left.Graph, left.KnocksOutMlps) == (right.Graph, right.KnocksOutMlps)
            ? new NodeCircuit(left.Graph, join(left.Nodes, right.Nodes), left.KnocksOutMlps)
            : throw new ArgumentException("The circuits are of different models, or knock out feed-forward blocks or not.", nameof(right));
    }
}
