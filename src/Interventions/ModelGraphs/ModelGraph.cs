using System.Collections.Immutable;

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
