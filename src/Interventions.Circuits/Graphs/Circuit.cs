using System.Collections.Immutable;
using Interventions.Files;

namespace Interventions.Circuits;

/// <summary>
/// An immutable set of edges of a model's graph. As an intervention, its edges carry what they carry, and all others what they carry in the
/// corrupted run.
/// </summary>
public sealed partial class Circuit : IEquatable<Circuit>
{
    private readonly ImmutableArray<bool> _contains;

    /// <summary>A circuit of the edges that are marked, in the graph's order.</summary>
    internal Circuit(CircuitGraph graph, ImmutableArray<bool> contains)
    {
        Graph = graph;
        _contains = contains;
        Count = contains.Count(contained => contained);
    }

    /// <summary>A circuit of edges.</summary>
    /// <param name="graph">The model's graph.</param>
    /// <param name="edges">Edges of it, each at most once, in any order.</param>
    /// <exception cref="ArgumentException">The graph lacks an edge.</exception>
    public Circuit(CircuitGraph graph, IEnumerable<Edge> edges)
        : this(graph, Marked(graph, edges))
    {
    }

    /// <summary>The model's graph.</summary>
    public CircuitGraph Graph { get; }

    /// <summary>The number of its edges.</summary>
    public int Count { get; }

    /// <summary>Its edges, in the graph's order.</summary>
    public IEnumerable<Edge> Edges => Graph.Edges.Where((_, i) => _contains[i]);

    /// <summary>The components that its edges join, in the order of computation.</summary>
    public IReadOnlyList<Component> Components
    {
        get
        {
            HashSet<Component> joined = [.. Edges.SelectMany(edge => (Component[])[edge.Source, edge.Target.Component])];
            return [.. Graph.Sources.Append(Component.Logits).Where(joined.Contains)];
        }
    }

    /// <summary>The heads and feed-forward blocks that its edges join, in the order of computation.</summary>
    internal IEnumerable<Component> Nodes =>
        Components.Where(component => component.Kind is ComponentKind.Head or ComponentKind.Mlp);

    /// <summary>The circuit of all edges: the model.</summary>
    public static Circuit All(CircuitGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new Circuit(graph, [.. Enumerable.Repeat(true, graph.EdgeCount)]);
    }

    /// <summary>The circuit without edges.</summary>
    public static Circuit None(CircuitGraph graph) => new(graph, Enumerable.Empty<Edge>());

    /// <summary>All edges between some components, the embedding and the logits.</summary>
    /// <param name="graph">The model's graph.</param>
    /// <param name="components">Heads and feed-forward blocks.</param>
    /// <exception cref="ArgumentException">The graph lacks a component.</exception>
    public static Circuit Of(CircuitGraph graph, IEnumerable<Component> components)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(components);
        HashSet<Component> known = [.. graph.Sources, Component.Logits], wanted = [Component.Embed, Component.Logits];
        foreach (Component component in components)
            wanted.Add(known.Contains(component)
                ? component
                : throw new ArgumentException($"There is no component '{component}': the graph has {graph}.", nameof(components)));
        return new Circuit(graph, graph.Edges.Where(edge => wanted.Contains(edge.Source) && wanted.Contains(edge.Target.Component)));
    }

    /// <summary>The edges of both together.</summary>
    public static Circuit operator |(Circuit left, Circuit right) => Joined(left, right, (a, b) => a || b);

    /// <summary>The edges that both have.</summary>
    public static Circuit operator &(Circuit left, Circuit right) => Joined(left, right, (a, b) => a && b);

    /// <summary>The edges of the first that the second has not.</summary>
    public static Circuit operator -(Circuit left, Circuit right) => Joined(left, right, (a, b) => a && !b);

    /// <summary>All edges that it has not.</summary>
    public static Circuit operator ~(Circuit circuit)
    {
        ArgumentNullException.ThrowIfNull(circuit);
        return new Circuit(circuit.Graph, [.. circuit._contains.Select(contained => !contained)]);
    }

    /// <summary>Whether both have the same edges of the same graph.</summary>
    public static bool operator ==(Circuit? left, Circuit? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether they differ.</summary>
    public static bool operator !=(Circuit? left, Circuit? right) => !(left == right);

    /// <summary>Whether it has an edge.</summary>
    /// <exception cref="ArgumentException">The graph lacks the edge.</exception>
    public bool Contains(Edge edge) => _contains[Graph.IndexOf(edge)];

    /// <summary>Whether it has all edges of another circuit.</summary>
    public bool Contains(Circuit other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return (other - this).Count == 0;
    }

    /// <summary>
    /// Its edges that lie on a path from the embedding to the logits; a head is on a path through any of its ports. Where other edges carry
    /// values of a corrupted run, the output stays the same; where they carry zero or a mean, it may not.
    /// </summary>
    public Circuit Pruned()
    {
        Edge[] edges = [.. Edges];
        HashSet<Component> reached = [Component.Embed], leading = [Component.Logits];
        foreach (Edge edge in edges) // into later and later ports
            if (reached.Contains(edge.Source))
                reached.Add(edge.Target.Component);
        foreach (Edge edge in edges.Reverse())
            if (IsOnPath(edge))
                leading.Add(edge.Source);
        return new Circuit(Graph, edges.Where(IsOnPath));

        bool IsOnPath(Edge edge) => reached.Contains(edge.Source) && leading.Contains(edge.Target.Component);
    }

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="InterventionException">The text is no circuit.</exception>
    public static Circuit FromJson(string json) => StoredJson.Read(json, "This is no circuit", fields => Fields(fields, null));

    /// <summary>Sizes of the graph, and the edges as texts: <c>a0.h2-&gt;a3.h1.q</c>.</summary>
    public string ToJson() => JsonFields.Write(fields => Fields(fields, this), isIndented: true);

    /// <inheritdoc/>
    public bool Equals(Circuit? other) => other is not null && Graph == other.Graph && _contains.SequenceEqual(other._contains);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Circuit);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Graph, Count, _contains.IndexOf(true));

    /// <summary>How many edges and components it has.</summary>
    public override string ToString() => $"{Count} of {Graph.EdgeCount} edges, {Components.Count} components";

    /// <summary>Which sources' edges into a port it has, in the order of sources: those that the port sees.</summary>
    internal ReadOnlySpan<bool> Into(Port port) => _contains.AsSpan(Graph.FirstInto(port), Graph.Upstream(port));

    private static Circuit Fields(JsonFields fields, Circuit? circuit)
    {
        CircuitGraph graph = CircuitGraph.Fields(fields, circuit?.Graph);
        ImmutableArray<string> edges = fields.Texts("edges", circuit is null ? default : [.. circuit.Edges.Select(edge => $"{edge}")]);
        return circuit ?? new Circuit(graph, edges.Select(Edge.Parse));
    }

    private static ImmutableArray<bool> Marked(CircuitGraph graph, IEnumerable<Edge> edges)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(edges);
        bool[] marked = new bool[graph.EdgeCount];
        foreach (Edge edge in edges)
        {
            int place = graph.IndexOf(edge);
            marked[place] = !marked[place] ? true : throw new ArgumentException($"The edge '{edge}' is there twice.", nameof(edges));
        }
        return [.. marked];
    }

    private static Circuit Joined(Circuit left, Circuit right, Func<bool, bool, bool> join)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        return left.Graph == right.Graph
            ? new Circuit(left.Graph, [.. left._contains.Zip(right._contains, join)])
            : throw new ArgumentException(
                $"The circuits are of different models: {left.Graph}; {right.Graph}.", nameof(right));
    }
}
