namespace Interventions.Planning;

/// <summary>A set of positions for every variant group, node and prompt class.</summary>
internal sealed class RowMap
{
    private readonly PositionSet[] _sets;
    private readonly int _nodes, _classes;

    private RowMap(int groups, int nodes, int classes)
    {
        _sets = new PositionSet[groups * nodes * classes];
        _nodes = nodes;
        _classes = classes;
    }

    public PositionSet this[VariantGroup group, NodeId node, int promptClass] => _sets[First(group, node) + promptClass];

    /// <summary>Whether a group has rows of a node in any class.</summary>
    public bool Any(VariantGroup group, NodeId node)
    {
        foreach (PositionSet positions in Of(group, node))
            if (!positions.IsEmpty)
                return true;
        return false;
    }

    /// <summary>The positions of a group at a node, one set a class.</summary>
    public ReadOnlySpan<PositionSet> Of(VariantGroup group, NodeId node) => _sets.AsSpan(First(group, node), _classes);

    private int First(VariantGroup group, NodeId node) => ((group.Index * _nodes) + node.Index) * _classes;

    /// <summary>A map that one step of planning fills in; the other steps read <see cref="Rows"/>.</summary>
    public sealed class Builder(Expansion plan)
    {
        /// <summary>The map.</summary>
        public RowMap Rows { get; } = new(plan.Groups.Length, plan.Nodes.All.Length, plan.Classes.Length);

        public ref PositionSet this[VariantGroup group, NodeId node, int promptClass] =>
            ref Rows._sets[Rows.First(group, node) + promptClass];
    }
}
