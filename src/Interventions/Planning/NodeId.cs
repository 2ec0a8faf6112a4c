namespace Interventions.Planning;

/// <summary>
/// A node's number in a plan, in the order of computation: tokens, positions, then the model graph's nodes. Tables of a plan have one entry for each, at <see cref="Index"/>.
/// </summary>
/// <param name="Index">Its place in that order.</param>
internal readonly record struct NodeId(int Index)
{
    private const int Inputs = 2;

    /// <summary>The input of token ids.</summary>
    public static NodeId Tokens => new(0);

    /// <summary>The input of positions.</summary>
    public static NodeId Positions => new(1);

    /// <summary>Later than every node and every gradient: when values that depend on gradients are kept.</summary>
    public static NodeId AfterAll => new(int.MaxValue);

    /// <summary>Earlier than every node: when a value is needed that no node needs.</summary>
    public static NodeId BeforeAll => new(-1);

    /// <summary>Whether it is an input of the model graph, which has no definition.</summary>
    public bool IsInput => Index < Inputs;

    /// <summary>Its place among <see cref="ModelGraphs.ModelGraph.Nodes"/>.</summary>
    public int ModelIndex => Index - Inputs;

    /// <summary>The node at a place among <see cref="ModelGraphs.ModelGraph.Nodes"/>.</summary>
    public static NodeId OfModel(int modelIndex) => new(modelIndex + Inputs);

    /// <summary>The later of two nodes.</summary>
    public static NodeId Max(NodeId left, NodeId right) => left.Index >= right.Index ? left : right;

    public static bool operator <(NodeId left, NodeId right) => left.Index < right.Index;

    public static bool operator >(NodeId left, NodeId right) => left.Index > right.Index;

    public static bool operator <=(NodeId left, NodeId right) => left.Index <= right.Index;

    public static bool operator >=(NodeId left, NodeId right) => left.Index >= right.Index;
}
