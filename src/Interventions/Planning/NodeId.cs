using System.Collections.Immutable;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>A node's number in a plan, in the order of computation: tokens, positions, then the nodes of the model graph.</summary>
/// <param name="Index">Its place in that order, and in every array that has one entry a node.</param>
internal readonly record struct NodeId(int Index)
{
    private const int Inputs = 2;

    /// <summary>The input of token ids.</summary>
    public static NodeId Tokens => new(0);

    /// <summary>The input of positions.</summary>
    public static NodeId Positions => new(1);

    /// <summary>Later than every node and every gradient: the time at which gradients are kept.</summary>
    public static NodeId AfterAll => new(int.MaxValue);

    /// <summary>Earlier than every node: the last use of a value that is never used.</summary>
    public static NodeId BeforeAll => new(-1);

    /// <summary>Whether it is an input of the model graph, which has no definition.</summary>
    public bool IsInput => Index < Inputs;

    /// <summary>Its place among <see cref="ModelGraph.Nodes"/>.</summary>
    public int ModelIndex => Index - Inputs;

    /// <summary>The node at a place among <see cref="ModelGraph.Nodes"/>.</summary>
    public static NodeId OfModel(int modelIndex) => new(modelIndex + Inputs);

    /// <summary>The later of two nodes.</summary>
    public static NodeId Max(NodeId left, NodeId right) => left.Index >= right.Index ? left : right;

    public static bool operator <(NodeId left, NodeId right) => left.Index < right.Index;

    public static bool operator >(NodeId left, NodeId right) => left.Index > right.Index;

    public static bool operator <=(NodeId left, NodeId right) => left.Index <= right.Index;

    public static bool operator >=(NodeId left, NodeId right) => left.Index >= right.Index;
}

/// <summary>The numbers of a model graph's nodes.</summary>
internal sealed class NodeNumbers
{
    private readonly ModelGraph _graph;
    private readonly Dictionary<string, NodeId> _ids;

    public NodeNumbers(ModelGraph graph)
    {
        _graph = graph;
        All = [.. Enumerable.Range(0, NodeId.OfModel(graph.Nodes.Length).Index).Select(index => new NodeId(index))];
        Computed = [.. All.Where(node => !node.IsInput)];
        _ids = All.ToDictionary(Name);
    }

    /// <summary>All nodes, in the order of computation.</summary>
    public ImmutableArray<NodeId> All { get; }

    /// <summary>The nodes of the model graph, in the order of computation.</summary>
    public ImmutableArray<NodeId> Computed { get; }

    /// <summary>The number of a node.</summary>
    public NodeId this[string name] => _ids[name];

    /// <summary>A node of the model graph; not an input.</summary>
    public ModelNode Node(NodeId node) => _graph.Nodes[node.ModelIndex];

    /// <summary>The name of a node.</summary>
    public string Name(NodeId node) =>
        node == NodeId.Tokens ? ModelGraph.Tokens
        : node == NodeId.Positions ? ModelGraph.Positions
        : Node(node).Name;
}
