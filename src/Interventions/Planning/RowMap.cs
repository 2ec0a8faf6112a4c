namespace Interventions.Planning;

/// <summary>A set of positions for every family, node and prompt class.</summary>
internal sealed class RowMap(int families, int nodes, int classes)
{
    private readonly PositionSet[] _sets = new PositionSet[families * nodes * classes];

    public ref PositionSet this[int family, int node, int promptClass] => ref _sets[(((family * nodes) + node) * classes) + promptClass];

    /// <summary>Whether a family has rows of a node in any class.</summary>
    public bool Any(int family, int node)
    {
        for (int c = 0; c < classes; c++)
            if (!this[family, node, c].IsEmpty)
                return true;
        return false;
    }

    /// <summary>The sets of a family's node, one a class.</summary>
    public ReadOnlySpan<PositionSet> Of(int family, int node) => _sets.AsSpan(((family * nodes) + node) * classes, classes);
}
