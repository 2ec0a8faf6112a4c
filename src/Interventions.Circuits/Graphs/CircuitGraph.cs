using System.Collections.Immutable;
using Interventions.Files;
using Interventions.ModelGraphs;

namespace Interventions.Circuits;

/// <summary>
/// All components, ports and edges of a model: what circuits are parts of. An edge goes from every component to every port that is
/// computed after it. Biases and position embeddings are on no edge. Graphs of equal sizes are equal.
/// </summary>
public sealed record CircuitGraph
{
    private readonly ImmutableArray<(Port Port, int First, int Upstream)> _ports;

    /// <summary>The graph of a model of some sizes.</summary>
    /// <param name="layers">The number of layers, at least 1.</param>
    /// <param name="heads">
    /// The number of query heads of a layer, at least 1. Each has ports of its own, also where heads share keys.
    /// </param>
    /// <param name="hasMlps">Whether layers have feed-forward blocks.</param>
    /// <param name="isParallel">Whether a layer's feed-forward block does not see the layer's own heads.</param>
    /// <exception cref="ArgumentException">There is no layer or no head, or parallel blocks lack one of the two.</exception>
    public CircuitGraph(int layers, int heads, bool hasMlps = true, bool isParallel = false)
    {
        if (layers < 1 || heads < 1)
            throw new ArgumentException($"A model has at least one layer of at least one head, not {layers} of {heads}.");
        if (isParallel && !hasMlps)
            throw new ArgumentException("Without feed-forward blocks nothing is parallel.", nameof(isParallel));
        (Layers, Heads, HasMlps, IsParallel) = (layers, heads, hasMlps, isParallel);
        Sources = Ordered();
        _ports = Placed();
    }

    /// <summary>The number of layers.</summary>
    public int Layers { get; }

    /// <summary>The number of query heads of a layer.</summary>
    public int Heads { get; }

    /// <summary>Whether layers have feed-forward blocks.</summary>
    public bool HasMlps { get; }

    /// <summary>Whether a layer's feed-forward block does not see the layer's own heads.</summary>
    public bool IsParallel { get; }

    /// <summary>The components that write: embedding, then layer by layer the heads and the feed-forward block.</summary>
    public ImmutableArray<Component> Sources { get; }

    /// <summary>The ports, in the order of computation; of a head its queries, keys, values.</summary>
    public IEnumerable<Port> Ports => _ports.Select(port => port.Port);

    /// <summary>The number of edges.</summary>
    public int EdgeCount => _ports[^1].First + _ports[^1].Upstream;

    /// <summary>
    /// The number of edges as the published ACDC program counts them, with one more from each port of a head to its projection: 32,923 of
    /// GPT-2 small. Taking that one away is taking all edges into the port.
    /// </summary>
    public int EdgeCountWithProjections => EdgeCount + (3 * Layers * Heads);

    /// <summary>The edges: port by port, and of a port in the order of <see cref="Sources"/>.</summary>
    public IEnumerable<Edge> Edges =>
        _ports.SelectMany(port => Sources.Take(port.Upstream).Select(source => new Edge(source, port.Port)));

    /// <summary>The graph of a model.</summary>
    /// <param name="model">A decoder, or a model of one's own with the sites of one.</param>
    /// <exception cref="InterventionException">
    /// It lacks a site that edges need, or what its heads write is not simply added to the residual stream.
    /// </exception>
    public static CircuitGraph Of(HookedModel model) => CircuitSites.Of(model).Graph;

    /// <summary>How many edges a part of all edges is, rounded down: 32 for 0.001 of GPT-2 small's 32,491.</summary>
    /// <param name="fraction">From 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public int CountOf(double fraction) => fraction is >= 0 and <= 1
        ? (int)Math.Floor(fraction * EdgeCount)
        : throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "A part of all edges is a number from 0 to 1.");

    /// <summary>The place of an edge in <see cref="Edges"/>.</summary>
    /// <exception cref="ArgumentException">The graph has no such edge.</exception>
    public int IndexOf(Edge edge)
    {
        int port = PlaceOf(edge.Target), source = PlaceOf(edge.Source);
        if (port < 0 || source < 0)
            throw new ArgumentException(
                $"There is no {(port < 0 ? $"port '{edge.Target}'" : $"source '{edge.Source}'")}: the graph has {this}.", nameof(edge));
        (_, int first, int upstream) = _ports[port];
        return source < upstream
            ? first + source
            : throw new ArgumentException($"There is no edge '{edge}': '{edge.Target}' is computed before '{edge.Source}'.", nameof(edge));
    }

    /// <summary>Sizes in words.</summary>
    public override string ToString() =>
        $"{Layers} layers of {Heads} heads{(!HasMlps ? "" : IsParallel ? " beside feed-forward blocks" : " and feed-forward blocks")}";

    /// <inheritdoc/>
    public bool Equals(CircuitGraph? other) => other is not null
        && (Layers, Heads, HasMlps, IsParallel) == (other.Layers, other.Heads, other.HasMlps, other.IsParallel);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Layers, Heads, HasMlps, IsParallel);

    /// <summary>The sizes as fields of a JSON object.</summary>
    /// <exception cref="ArgumentException">What is read is no graph.</exception>
    internal static CircuitGraph Fields(JsonFields fields, CircuitGraph? graph)
    {
        CircuitGraph read = new(
            fields.Integer("layers", graph?.Layers), fields.Integer("heads", graph?.Heads),
            fields.Truth("mlps", graph?.HasMlps), fields.Truth("parallel", graph?.IsParallel));
        return graph ?? read;
    }

    /// <summary>The place of the first edge into a port.</summary>
    internal int FirstInto(Port port) => _ports[PlaceOf(port)].First;

    /// <summary>How many sources a port sees: the first ones.</summary>
    internal int Upstream(Port port) => _ports[PlaceOf(port)].Upstream;

    /// <summary>Whether a port sees a source: whether there is an edge.</summary>
    internal bool Sees(Port port, Component source) => PlaceOf(source) is >= 0 and int place && place < Upstream(port);

    private int PerLayer => Heads + (HasMlps ? 1 : 0);

    private int PlaceOf(Component source) => source.Kind switch
    {
        ComponentKind.Embed => 0,
        ComponentKind.Head when Has(source) => 1 + (source.Layer * PerLayer) + source.Head,
        ComponentKind.Mlp when Has(source) => 1 + (source.Layer * PerLayer) + Heads,
        _ => -1,
    };

    private int PlaceOf(Port port) => port.Component.Kind switch
    {
        ComponentKind.Head when Has(port.Component) && port.Input != PortInput.All =>
            (port.Component.Layer * ((3 * Heads) + (HasMlps ? 1 : 0))) + (3 * port.Component.Head) + (port.Input - PortInput.Query),
        ComponentKind.Mlp when Has(port.Component) && port.Input == PortInput.All =>
            (port.Component.Layer * ((3 * Heads) + 1)) + (3 * Heads),
        ComponentKind.Logits when port.Input == PortInput.All => _ports.Length - 1,
        _ => -1,
    };

    private bool Has(Component component) => component.Layer >= 0 && component.Layer < Layers
        && (component.Kind == ComponentKind.Mlp ? HasMlps : component.Head >= 0 && component.Head < Heads);

    private ImmutableArray<Component> Ordered()
    {
        List<Component> sources = [Component.Embed];
        for (int layer = 0; layer < Layers; layer++)
        {
            sources.AddRange(Enumerable.Range(0, Heads).Select(head => Component.OfHead(layer, head)));
            if (HasMlps)
                sources.Add(Component.OfMlp(layer));
        }
        return [.. sources];
    }

    private ImmutableArray<(Port Port, int First, int Upstream)> Placed()
    {
        List<(Port, int, int)> ports = [];
        int first = 0, before = 1;
        for (int layer = 0; layer < Layers; layer++)
        {
            for (int head = 0; head < Heads; head++)
                foreach (PortInput input in (PortInput[])[PortInput.Query, PortInput.Key, PortInput.Value])
                    Add(new Port(Component.OfHead(layer, head), input), before);
            if (HasMlps)
                Add(new Port(Component.OfMlp(layer)), IsParallel ? before : before + Heads);
            before += PerLayer;
        }
        Add(new Port(Component.Logits), before);
        return [.. ports];

        void Add(Port port, int upstream)
        {
            ports.Add((port, first, upstream));
            first += upstream;
        }
    }
}
