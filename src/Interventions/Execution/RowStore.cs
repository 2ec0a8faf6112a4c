using System.Collections.Immutable;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>The rows of a node that were computed together.</summary>
internal sealed class RowTable(Tensor rows, ImmutableArray<RowSet> sets)
{
    /// <summary><c>[row, …]</c>: the value's axes without batch and positions.</summary>
    public Tensor Rows { get; } = rows;

    /// <summary>Which rows they are.</summary>
    public ImmutableArray<RowSet> Sets { get; } = sets;

    public int Count { get; } = sets.Sum(set => set.Size);
}

/// <summary>Where a group's rows of a node lie.</summary>
/// <param name="Table">The table.</param>
/// <param name="Set">The set in it.</param>
/// <param name="First">The set's variant that is the group's first.</param>
internal sealed record RowLocation(RowTable Table, RowSet Set, int First);

/// <summary>The tables of all nodes that are still needed, and who owns which row.</summary>
internal sealed class RowStore(Expansion plan)
{
    private readonly Dictionary<(int Group, int Class), RowLocation>?[] _before = new Dictionary<(int, int), RowLocation>?[plan.Nodes.All.Length];
    private readonly Dictionary<(int Group, int Class), RowLocation>?[] _after = new Dictionary<(int, int), RowLocation>?[plan.Nodes.All.Length];
    private readonly HashSet<RowTable> _retained = [];
    private readonly List<RowTable>[] _tables = [.. Enumerable.Range(0, plan.Nodes.All.Length).Select(_ => new List<RowTable>())];

    /// <summary>The tables of a node.</summary>
    public IReadOnlyList<RowTable> Tables(NodeId node) => _tables[node.Index];

    /// <summary>The tables of a node that this pass made.</summary>
    public IReadOnlyList<RowTable> Fresh(NodeId node) => [.. _tables[node.Index].Where(table => !_retained.Contains(table))];

    /// <summary>Adds rows that a node's definition gave; they are also what the node's readers find unless the group writes there.</summary>
    public void Add(NodeId node, RowTable table, Func<VariantGroup, bool> isWritten)
    {
        Register(ref _before[node.Index], table, _ => true);
        Register(ref _after[node.Index], table, group => !isWritten(group));
        _tables[node.Index].Add(table);
    }

    /// <summary>Adds rows after their writes.</summary>
    public void AddWritten(NodeId node, RowTable table)
    {
        Register(ref _after[node.Index], table, _ => true);
        _tables[node.Index].Add(table);
    }

    /// <summary>Keeps the tables that are there now until the store is disposed of: later passes read them.</summary>
    public void Retain()
    {
        foreach (List<RowTable> tables in _tables)
            _retained.UnionWith(tables);
    }

    /// <summary>Frees a node's tables, but for those that are retained.</summary>
    public void Free(NodeId node)
    {
        foreach (RowTable table in _tables[node.Index].Where(table => !_retained.Contains(table)).ToArray())
        {
            table.Rows.Dispose();
            _tables[node.Index].Remove(table);
            foreach (var locations in new[] { _before[node.Index], _after[node.Index] })
                foreach ((int, int) key in locations?.Where(pair => ReferenceEquals(pair.Value.Table, table)).Select(pair => pair.Key).ToArray() ?? [])
                    locations!.Remove(key);
        }
    }

    /// <summary>Frees what is left of a pass.</summary>
    public void EndPass()
    {
        foreach (NodeId node in plan.Nodes.All)
            Free(node);
    }

    /// <summary>Exchanges the tensor of a table.</summary>
    public void Replace(NodeId node, RowTable table, Tensor rows)
    {
        RowTable replaced = new RowTable(rows, table.Sets);
        _tables[node.Index][_tables[node.Index].IndexOf(table)] = replaced;
        foreach (var locations in new[] { _before[node.Index], _after[node.Index] })
            foreach (((int, int) key, RowLocation location) in locations?.ToArray() ?? [])
                if (ReferenceEquals(location.Table, table))
                    locations![key] = location with { Table = replaced };
    }

    /// <summary>Tables laid out as this store's, of some nodes.</summary>
    public RowStore Like(IEnumerable<NodeId> nodes, Func<RowTable, Tensor> rows)
    {
        RowStore like = new(plan);
        foreach (NodeId node in nodes)
        {
            like._before[node.Index] = _before[node.Index] is { } before ? new(before) : null;
            like._after[node.Index] = _after[node.Index] is { } after ? new(after) : null;
            like._tables[node.Index].AddRange(_tables[node.Index]);
            foreach (RowTable table in _tables[node.Index])
                like.Replace(node, table, rows(table));
        }
        return like;
    }

    /// <summary>A group's own rows, or null if it has none.</summary>
    public RowLocation? Find(NodeId node, int group, int promptClass, bool beforeWrites = false) =>
        (beforeWrites ? _before : _after)[node.Index]?.GetValueOrDefault((group, promptClass));

    /// <summary>Where a position of a group is: among its own rows, or its parent's.</summary>
    public RowPlace Locate(NodeId node, VariantGroup group, int promptClass, int position, bool beforeWrites = false)
    {
        for (VariantGroup at = group; ; at = plan.Groups[at.Parent!.Value])
        {
            if (Find(node, at.Index, promptClass, beforeWrites && ReferenceEquals(at, group)) is { } location
                && location.Set.Positions.BinarySearch(position) is >= 0 and int index)
                return new RowPlace(location, index, at.Index != group.Index);
            if (at.Parent is null)
                throw new InvalidOperationException($"Position {position} of '{plan.Name(node)}' was not planned for group {group.Index} of {plan.Intervention.Name}.");
        }
    }

    private static void Register(ref Dictionary<(int, int), RowLocation>? locations, RowTable table, Func<VariantGroup, bool> isMeant)
    {
        locations ??= [];
        foreach (RowSet set in table.Sets)
            foreach ((VariantGroup group, int first, _) in set.Groups)
                if (isMeant(group))
                    locations[(group.Index, set.Class)] = new RowLocation(table, set, first);
    }
}

/// <summary>One position of a group.</summary>
/// <param name="Location">Where the rows are.</param>
/// <param name="Position">Which of the set's positions.</param>
/// <param name="IsInherited">Whether they are the parent's: one variant, shared by all of the group.</param>
internal readonly record struct RowPlace(RowLocation Location, int Position, bool IsInherited)
{
    public RowTable Table => Location.Table;

    /// <summary>The row of a variant (counted in its group) and a prompt (counted in its class).</summary>
    public int Row(int variant, int prompt) => Location.Set.Row(Location.First + (IsInherited ? 0 : variant), prompt, Position);
}
