using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions.ModelGraphs;

/// <summary>
/// A model's forward pass as nodes in dependency order, from <see cref="Tokens"/> and <see cref="Positions"/> to <see cref="Output"/>.
/// </summary>
public sealed class ModelGraph
{
    private readonly Dictionary<string, int> _index;

    internal ModelGraph(ImmutableArray<ModelNode> nodes, string output, IReadOnlyDictionary<string, NodeCost> costs)
    {
        Costs = costs;
        Nodes = nodes;
        Output = output;
        LooksAhead = nodes.SelectMany(node => node.Detours.Select(detour => detour.Definition).Prepend(node.Definition))
            .Any(definition => definition.Inputs.Any(input => input.Reach.Kind == ReachKind.Full));
        _index = nodes.Select((node, i) => (node.Name, i)).ToDictionary(pair => pair.Name, pair => pair.i);
    }

    /// <summary>The input node of token ids, <c>[batch, pos]</c>, int64.</summary>
    public const string Tokens = "tokens";

    /// <summary>The input node of positions, <c>[batch, pos]</c>, int64, counted from the first real token.</summary>
    public const string Positions = "positions";

    /// <summary>The nodes, every one after its inputs (detours' inputs included). The two inputs are not among them.</summary>
    public ImmutableArray<ModelNode> Nodes { get; }

    /// <summary>The name of the node that holds the logits.</summary>
    public string Output { get; }

    /// <summary>The costs of nodes, as far as the model gives them; explanations add them up.</summary>
    public IReadOnlyDictionary<string, NodeCost> Costs { get; }

    /// <summary>Whether a position can depend on later ones, so that a real token would see the padding behind it.</summary>
    internal bool LooksAhead { get; }

    /// <summary>The node of that name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public ModelNode this[string name] =>
        _index.TryGetValue(name, out int i) ? Nodes[i] : throw new KeyNotFoundException($"The model graph has no node '{name}'.");

    /// <summary>Whether there is a node of that name.</summary>
    public bool Contains(string name) => _index.ContainsKey(name);
}

/// <summary>Floating-point operations of a node's matrix products.</summary>
/// <param name="PerPosition">The operations for one position of one prompt.</param>
/// <param name="PerPair">The operations for one position and one position that it looks at.</param>
public readonly record struct NodeCost(long PerPosition, long PerPair = 0);

/// <summary>Builds a <see cref="ModelGraph"/> node by node; every input must have been added before.</summary>
public sealed class ModelGraphBuilder
{
    private readonly List<ModelNode> _nodes = [];
    private readonly Dictionary<string, NodeCost> _costs = [];
    private readonly HashSet<string> _names = [ModelGraph.Tokens, ModelGraph.Positions];
    private readonly bool _holdsNumbers;

    /// <summary>An empty graph.</summary>
    public ModelGraphBuilder()
    {
    }

    /// <summary>
    /// An empty graph, whose functions need no protection, because they call <see cref="Interventions.Torch.GuardedTensors"/>.
    /// </summary>
    internal ModelGraphBuilder(bool holdsNumbers) => _holdsNumbers = holdsNumbers;

    /// <summary>The token ids, <c>[batch, pos]</c>, int64.</summary>
    public NodeInput Tokens { get; } = new(ModelGraph.Tokens, Reach.Pointwise);

    /// <summary>The positions, <c>[batch, pos]</c>, int64, counted from the first real token.</summary>
    public NodeInput Positions { get; } = new(ModelGraph.Positions, Reach.Pointwise);

    /// <summary>
    /// Adds a node and returns it as a pointwise input for later nodes; <c>with { Reach = … }</c> gives it another reach.
    /// </summary>
    /// <exception cref="ArgumentException">The name is taken, or an input does not exist yet.</exception>
    public NodeInput Add(string name, ImmutableArray<NodeInput> inputs, Compute compute, params ImmutableArray<Detour> detours) =>
        Add(name, new Definition(inputs, compute), detours);

    /// <summary>Adds a node with its definition.</summary>
    /// <exception cref="ArgumentException">The name is taken, or an input does not exist yet.</exception>
    public NodeInput Add(string name, Definition definition, params ImmutableArray<Detour> detours)
    {
        const string later = "which has not been added before it";
        foreach (NodeInput input in definition.Inputs.Concat(detours.SelectMany(detour => detour.Definition.Inputs)))
            if (!_names.Contains(input.Node))
                throw new ArgumentException($"Node '{name}' reads '{input.Node}', {later}.", nameof(definition));
        foreach (Detour detour in detours)
            if (!_names.Contains(detour.Through))
                throw new ArgumentException($"Node '{name}' has a detour through '{detour.Through}', {later}.", nameof(detours));
        if (!_names.Add(name))
            throw new ArgumentException($"The graph already has a node '{name}'.", nameof(name));
        _nodes.Add(_holdsNumbers
            ? new ModelNode(name, definition, detours)
            : new ModelNode(name, definition.Protected(), [.. detours.Select(detour => detour.Protected())]));
        return new NodeInput(name, Reach.Pointwise);
    }

    /// <summary>Adds a node of one input.</summary>
    public NodeInput Add(string name, NodeInput input, Func<Tensor, Tensor> compute, params ImmutableArray<Detour> detours) =>
        Add(name, [input], x => compute(x[0]), detours);

    /// <summary>Adds a node of two inputs.</summary>
    public NodeInput Add(
        string name, NodeInput first, NodeInput second, Func<Tensor, Tensor, Tensor> compute, params ImmutableArray<Detour> detours) =>
        Add(name, [first, second], x => compute(x[0], x[1]), detours);

    /// <summary>Sets the cost of a node, and returns the node.</summary>
    public NodeInput Costing(NodeInput node, NodeCost cost)
    {
        _costs[node.Node] = cost;
        return node;
    }

    /// <summary>The finished graph, whose logits are <paramref name="output"/>.</summary>
    public ModelGraph Build(NodeInput output) => new([.. _nodes], output.Node, _costs);
}
