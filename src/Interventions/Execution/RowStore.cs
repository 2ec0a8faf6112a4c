using System.Collections.Immutable;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>The rows of a node that were computed together.</summary>
internal sealed class RowTable(Tensor rows, ImmutableArray<RowSet> groups)
{
    /// <summary><c>[row, …]</c>: the value's axes without batch and positions.</summary>
    public Tensor Rows { get; } = rows;

    /// <summary>Which rows they are.</summary>
    public ImmutableArray<RowSet> Groups { get; } = groups;

    public int Count { get; } = groups.Sum(group => group.Size);
}

/// <summary>Where a family's rows of a node lie.</summary>
/// <param name="Table">The table.</param>
/// <param name="Group">The group in it.</param>
/// <param name="First">The group's member that is the family's first.</param>
internal sealed record RowLocation(RowTable Table, RowSet Group, int First);

/// <summary>The tables of all nodes that are still needed, and who owns which row.</summary>
internal sealed class RowStore(PlanContext plan)
{
    private readonly Dictionary<(int VariantGroup, int Class), RowLocation>?[] _before = new Dictionary<(int, int), RowLocation>?[plan.NodeCount];
    private readonly Dictionary<(int VariantGroup, int Class), RowLocation>?[] _after = new Dictionary<(int, int), RowLocation>?[plan.NodeCount];
    private readonly HashSet<RowTable> _retained = [];
    private readonly List<RowTable>[] _tables = [.. Enumerable.Range(0, plan.NodeCount).Select(_ => new List<RowTable>())];

    /// <summary>The tables of a node.</summary>
    public IReadOnlyList<RowTable> Tables(int node) => _tables[node];

    /// <summary>The tables of a node that this pass made.</summary>
    public IReadOnlyList<RowTable> Fresh(int node) => [.. _tables[node].Where(table => !_retained.Contains(table))];

    /// <summary>Adds rows that a node's definition gave; they are also what the node's readers find unless the family writes there.</summary>
    public void Add(int node, RowTable table, Func<VariantGroup, bool> isWritten)
    {
        Register(ref _before[node], table, _ => true);
        Register(ref _after[node], table, family => !isWritten(family));
        _tables[node].Add(table);
    }

    /// <summary>Adds rows after their writes.</summary>
    public void AddWritten(int node, RowTable table)
    {
        Register(ref _after[node], table, _ => true);
        _tables[node].Add(table);
    }

    /// <summary>Keeps the tables that are there now until the store is disposed of: later passes read them.</summary>
    public void Retain()
    {
        foreach (List<RowTable> tables in _tables)
            _retained.UnionWith(tables);
    }

    /// <summary>Frees a node's tables, but for those that are retained.</summary>
    public void Free(int node)
    {
        foreach (RowTable table in _tables[node].Where(table => !_retained.Contains(table)).ToArray())
        {
            table.Rows.Dispose();
            _tables[node].Remove(table);
            foreach (var locations in new[] { _before[node], _after[node] })
                foreach ((int, int) key in locations?.Where(pair => ReferenceEquals(pair.Value.Table, table)).Select(pair => pair.Key).ToArray() ?? [])
                    locations!.Remove(key);
        }
    }

    /// <summary>Frees what is left of a pass.</summary>
    public void EndPass()
    {
        for (int node = 0; node < _tables.Length; node++)
            Free(node);
    }

    /// <summary>Exchanges the tensor of a table.</summary>
    public void Replace(int node, RowTable table, Tensor rows)
    {
        RowTable replaced = new RowTable(rows, table.Groups);
        _tables[node][_tables[node].IndexOf(table)] = replaced;
        foreach (var locations in new[] { _before[node], _after[node] })
            foreach (((int, int) key, RowLocation location) in locations?.ToArray() ?? [])
                if (ReferenceEquals(location.Table, table))
                    locations![key] = location with { Table = replaced };
    }

    /// <summary>Tables laid out as this store's, of some nodes.</summary>
    public RowStore Like(IEnumerable<int> nodes, Func<RowTable, Tensor> rows)
    {
        RowStore like = new(plan);
        foreach (int node in nodes)
        {
            like._before[node] = _before[node] is { } before ? new(before) : null;
            like._after[node] = _after[node] is { } after ? new(after) : null;
            like._tables[node].AddRange(_tables[node]);
            foreach (RowTable table in _tables[node])
                like.Replace(node, table, rows(table));
        }
        return like;
    }

    /// <summary>A family's own rows, or null if it has none.</summary>
    public RowLocation? Find(int node, int family, int promptClass, bool beforeWrites = false) =>
        (beforeWrites ? _before : _after)[node]?.GetValueOrDefault((family, promptClass));

    /// <summary>Where a position of a family is: among its own rows, or its parent's.</summary>
    public RowPlace Locate(int node, VariantGroup family, int promptClass, int position, bool beforeWrites = false)
    {
        for (VariantGroup at = family; ; at = plan.Families[at.Parent!.Value])
        {
            if (Find(node, at.Index, promptClass, beforeWrites && ReferenceEquals(at, family)) is { } location
                && location.Group.Positions.BinarySearch(position) is >= 0 and int index)
                return new RowPlace(location, index, at.Index != family.Index);
            if (at.Parent is null)
                throw new InvalidOperationException($"Position {position} of '{plan.Name(node)}' was not planned for family {family.Index} of {plan.Intervention.Name}.");
        }
    }

    private static void Register(ref Dictionary<(int, int), RowLocation>? locations, RowTable table, Func<VariantGroup, bool> isMeant)
    {
        locations ??= [];
        foreach (RowSet group in table.Groups)
            foreach ((VariantGroup family, int first, _) in group.Families)
                if (isMeant(family))
                    locations[(family.Index, group.Class)] = new RowLocation(table, group, first);
    }
}

/// <summary>One position of a family.</summary>
/// <param name="Location">Where the rows are.</param>
/// <param name="Position">Which of the group's positions.</param>
/// <param name="IsInherited">Whether they are the parent's: one member, shared by all of the family.</param>
internal readonly record struct RowPlace(RowLocation Location, int Position, bool IsInherited)
{
    public RowTable Table => Location.Table;

    /// <summary>The row of a member (counted in its family) and a prompt (counted in its class).</summary>
    public int Row(int member, int prompt) => Location.Group.Row(Location.First + (IsInherited ? 0 : member), prompt, Position);
}
