namespace Interventions.Planning;

/// <summary>A set of positions for every group, node and prompt class.</summary>
internal sealed class RowMap(int groups, int nodes, int classes)
{
    private readonly PositionSet[] _sets = new PositionSet[groups * nodes * classes];

    public ref PositionSet this[VariantGroup group, NodeId node, int promptClass] => ref _sets[(((group.Index * nodes) + node.Index) * classes) + promptClass];

    /// <summary>Whether a group has rows of a node in any class.</summary>
    public bool Any(VariantGroup group, NodeId node)
    {
        for (int c = 0; c < classes; c++)
            if (!this[group, node, c].IsEmpty)
                return true;
        return false;
    }

    /// <summary>The sets of a group's node, one a class.</summary>
    public ReadOnlySpan<PositionSet> Of(VariantGroup group, NodeId node) => _sets.AsSpan(((group.Index * nodes) + node.Index) * classes, classes);
}
