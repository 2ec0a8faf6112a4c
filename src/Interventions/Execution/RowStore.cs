using System.Collections.Immutable;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Rows of a node that were computed together.</summary>
internal sealed class RowTable(Tensor rows, ImmutableArray<RowSet> sets)
{
    /// <summary><c>[row, …]</c>: the value's axes without batch and positions.</summary>
    public Tensor Rows { get; } = rows;

    /// <summary>The rows, in their order.</summary>
    public ImmutableArray<RowSet> Sets { get; } = sets;

    public int Count { get; } = sets.Sum(set => set.Size);
}

/// <summary>
/// The tables of all nodes that are still needed. Finds a group's own or inherited rows in them, and puts rows together in a reader's
/// order; rows that lie in that order already are not copied.
/// </summary>
internal sealed class RowStore(Expansion plan, Device device)
{
    private readonly NodeTables?[] _nodes = new NodeTables?[plan.Nodes.All.Length];
    private readonly HashSet<RowTable> _retained = [];

    public Expansion Plan => plan;

    public Device Device => device;

    /// <summary>The tables of a node.</summary>
    public IReadOnlyList<RowTable> Tables(NodeId node) => At(node).Tables;

    /// <summary>The tables of a node that this pass made.</summary>
    public IReadOnlyList<RowTable> Fresh(NodeId node) => [.. At(node).Tables.Where(table => !_retained.Contains(table))];

    /// <summary>Adds rows that a node's definition gave. Readers of the node find them, but for groups that write there.</summary>
    public void Add(NodeId node, RowTable table, Func<VariantGroup, bool> isWritten)
    {
        Register(At(node).Before, table, _ => true);
        Register(At(node).After, table, group => !isWritten(group));
        At(node).Tables.Add(table);
    }

    /// <summary>Adds rows after their writes.</summary>
    public void AddWritten(NodeId node, RowTable table)
    {
        Register(At(node).After, table, _ => true);
        At(node).Tables.Add(table);
    }

    /// <summary>Keeps the tables that are there now until the end of the batch: later passes read them.</summary>
    public void Retain() => _retained.UnionWith(_nodes.OfType<NodeTables>().SelectMany(tables => tables.Tables));

    /// <summary>Frees a node's tables, but for those that are retained.</summary>
    public void Free(NodeId node)
    {
        NodeTables tables = At(node);
        foreach (RowTable table in Fresh(node))
        {
            table.Rows.Dispose();
            tables.Remove(table);
        }
    }

    /// <summary>Frees the tables that a pass made.</summary>
    public void EndPass()
    {
        foreach (NodeId node in plan.Nodes.All)
            if (_nodes[node.Index] is not null)
                Free(node);
    }

    /// <summary>Exchanges the tensor of a table; returns the new table.</summary>
    public RowTable Replace(NodeId node, RowTable table, Tensor rows)
    {
        RowTable replaced = new(rows, table.Sets);
        At(node).Replace(table, replaced);
        return replaced;
    }

    /// <summary>A store of other tensors, laid out as this store's tables of some nodes; without those that have none.</summary>
    public RowStore Like(IEnumerable<NodeId> nodes, Func<RowTable, Tensor?> rows)
    {
        RowStore like = new(plan, device);
        foreach (NodeId node in nodes)
        {
            like._nodes[node.Index] = At(node).Copy();
            foreach (RowTable table in Tables(node))
            {
                if (rows(table) is { } other)
                    like.Replace(node, table, other);
                else
                    like.At(node).Remove(table);
            }
        }
        return like;
    }

    /// <summary>The table with a group's own rows, or its nearest ancestor's; null if there is none.</summary>
    public RowTable? Nearest(NodeId node, VariantGroup group, int promptClass)
    {
        for (VariantGroup? at = group; at is not null; at = at.Parent is int parent ? plan.Groups[parent] : null)
            if (Find(node, at, promptClass, beforeWrites: false) is { } own)
                return own.Table;
        return null;
    }

    /// <summary>The place of a group's position: among its own rows, or its nearest ancestor's that has the position.</summary>
    public Place Locate(NodeId node, VariantGroup group, int promptClass, int position, bool beforeWrites = false)
    {
        for (VariantGroup at = group; ; at = plan.Groups[at.Parent!.Value])
        {
            if (Find(node, at, promptClass, beforeWrites && ReferenceEquals(at, group)) is { } location
                && location.Set.Positions.BinarySearch(position) is >= 0 and int index)
                return new Place(location, index, IsInherited: at.Index != group.Index);
            if (at.Parent is null)
                throw new InvalidOperationException(
                    $"Position {position} of '{plan.Name(node)}' was not planned for group {group.Index} of {plan.Intervention.Name}.");
        }
    }

    /// <summary>Rows of sets, one set after the other: <c>[row, …]</c>. Perhaps a view of a table, so not to be written into.</summary>
    public Tensor Rows(NodeId node, ImmutableArray<RowSet> sets)
    {
        // The layout of a table is recognised as a whole, without a look at single rows.
        foreach (RowTable table in Tables(node))
            if (RowSet.AreSame(table.Sets, sets) && IsCurrent(node, table))
                return table.Rows.alias();
        Gathering rows = new(device);
        foreach (RowSet set in sets)
            foreach ((VariantGroup group, _, int count) in set.Groups)
                Add(rows, node, group, set with { Variants = count }, beforeWrites: false);
        return rows.Read();
    }

    /// <summary>A group's rows before its writes, at the positions of a set: <c>[variant · prompt · position, …]</c>.</summary>
    public Tensor RowsBeforeWrites(NodeId node, VariantGroup group, RowSet set)
    {
        Gathering rows = new(device);
        Add(rows, node, group, set, beforeWrites: true);
        return rows.Read();
    }

    /// <summary>Single rows: <c>[row, …]</c>.</summary>
    public Tensor Rows(IEnumerable<(RowTable Table, int Row)> rows)
    {
        Gathering gathering = new(device);
        foreach ((RowTable table, int row) in rows)
            gathering.Add(table, row, 1);
        return gathering.Read();
    }

    private NodeTables At(NodeId node) => _nodes[node.Index] ??= new NodeTables();

    /// <summary>A group's own rows, or null if it has none.</summary>
    private Location? Find(NodeId node, VariantGroup group, int promptClass, bool beforeWrites) =>
        (beforeWrites ? At(node).Before : At(node).After).GetValueOrDefault((group.Index, promptClass));

    /// <summary>Whether readers find a table's rows for all of its groups, not rows that were written since.</summary>
    private bool IsCurrent(NodeId node, RowTable table) => table.Sets.All(set => set.Groups.All(member =>
        ReferenceEquals(Find(node, member.Group, set.Class, beforeWrites: false)?.Table, table)));

    /// <summary>Adds the rows of as many variants of a group as a set has, at the set's positions.</summary>
    private void Add(Gathering rows, NodeId node, VariantGroup group, RowSet set, bool beforeWrites)
    {
        if (Find(node, group, set.Class, beforeWrites) is { } own && own.Set.Positions.AsSpan().SequenceEqual(set.Positions.AsSpan()))
        {
            rows.Add(own.Table, own.Set.Row(own.First, 0, 0), set.Size);
            return;
        }
        Place[] places = [.. set.Positions.Select(position => Locate(node, group, set.Class, position, beforeWrites))];
        for (int variant = 0; variant < set.Variants; variant++)
            for (int prompt = 0; prompt < set.Prompts; prompt++)
                foreach (Place place in places)
                    rows.Add(place.Table, place.Row(variant, prompt), 1);
    }

    private static void Register(Dictionary<(int Group, int Class), Location> locations, RowTable table, Func<VariantGroup, bool> isMeant)
    {
        foreach (RowSet set in table.Sets)
            foreach ((VariantGroup group, int first, _) in set.Groups)
                if (isMeant(group))
                    locations[(group.Index, set.Class)] = new Location(table, set, first);
    }

    /// <summary>Where the rows of one token position of a group lie.</summary>
    /// <param name="Location">The table and the set.</param>
    /// <param name="Position">The index of the token position among those of the set.</param>
    /// <param name="IsInherited">Whether the rows are an ancestor's: one variant, shared by all of the group.</param>
    internal readonly record struct Place(Location Location, int Position, bool IsInherited)
    {
        public RowTable Table => Location.Table;

        /// <summary>The row of a variant (counted in its group) and a prompt (counted in its class).</summary>
        public int Row(int variant, int prompt) => Location.Set.Row(Location.First + (IsInherited ? 0 : variant), prompt, Position);
    }

    /// <summary>A group's own rows.</summary>
    /// <param name="Table">The table.</param>
    /// <param name="Set">The set in it.</param>
    /// <param name="First">The group's first variant, counted in the set.</param>
    internal sealed record Location(RowTable Table, RowSet Set, int First);

    /// <summary>The tables of one node; by group and prompt class the group's own rows before its writes, and after them.</summary>
    private sealed class NodeTables
    {
        public List<RowTable> Tables { get; } = [];

        public Dictionary<(int Group, int Class), Location> Before { get; } = [];

        public Dictionary<(int Group, int Class), Location> After { get; } = [];

        public IEnumerable<Dictionary<(int Group, int Class), Location>> Locations => [Before, After];

        public void Remove(RowTable table)
        {
            Tables.Remove(table);
            foreach (Dictionary<(int, int), Location> locations in Locations)
                foreach (((int, int) key, Location location) in locations)
                    if (ReferenceEquals(location.Table, table))
                        locations.Remove(key);
        }

        public NodeTables Copy()
        {
            NodeTables copy = new();
            copy.Tables.AddRange(Tables);
            foreach ((Dictionary<(int, int), Location> from, Dictionary<(int, int), Location> to) in Locations.Zip(copy.Locations))
                foreach (((int, int) key, Location location) in from)
                    to[key] = location;
            return copy;
        }

        public void Replace(RowTable table, RowTable by)
        {
            Tables[Tables.IndexOf(table)] = by;
            foreach (Dictionary<(int, int), Location> locations in Locations)
                foreach (((int, int) key, Location location) in locations.ToArray())
                    if (ReferenceEquals(location.Table, table))
                        locations[key] = location with { Table = by };
        }
    }

    /// <summary>Rows that are being put together: sources of one table each, as long as possible.</summary>
    private sealed class Gathering(Device device)
    {
        private readonly List<Source> _sources = [];

        /// <summary>Adds rows that follow each other.</summary>
        public void Add(RowTable table, int first, int count)
        {
            if (_sources.Count == 0 || !ReferenceEquals(_sources[^1].Table, table))
                _sources.Add(new Source(table, first));
            _sources[^1].Append(first, count);
        }

        /// <summary>All rows in their order: <c>[row, …]</c>.</summary>
        public Tensor Read()
        {
            if (_sources.Count == 1)
                return _sources[0].Read(device);
            RowTable[] tables = [.. _sources.Select(source => source.Table).Distinct()];
            return _sources.Count <= tables.Length * 8 ? cat([.. _sources.Select(source => source.Read(device))]) : ReadByTable(tables);
        }

        /// <summary>Rows of tables that take turns often are read table by table, and put in order at the end.</summary>
        private Tensor ReadByTable(RowTable[] tables)
        {
            long[] order = new long[_sources.Sum(source => source.Count)];
            List<Tensor> parts = [];
            long next = 0;
            foreach (RowTable table in tables)
            {
                List<long> index = [];
                int at = 0;
                foreach (Source source in _sources)
                {
                    if (ReferenceEquals(source.Table, table))
                    {
                        for (int i = 0; i < source.Count; i++)
                            order[at + i] = next++;
                        index.AddRange(source.Index());
                    }
                    at += source.Count;
                }
                parts.Add(table.Rows.Pick(0, tensor(index.ToArray(), device: device)));
            }
            return cat([.. parts]).Pick(0, tensor(order, device: device));
        }
    }

    /// <summary>Rows of one table: a range as long as they follow each other, else a list.</summary>
    private sealed class Source(RowTable table, int first)
    {
        private List<long>? _index;

        public RowTable Table => table;

        public int Count { get; private set; }

        public void Append(int next, int count)
        {
            if (_index is null && next != first + Count)
                _index = [.. Range(first, Count)];
            for (int i = 0; _index is not null && i < count; i++)
                _index.Add(next + i);
            Count += count;
        }

        public IEnumerable<long> Index() => _index ?? Range(first, Count);

        public Tensor Read(Device device) =>
            _index is not null ? table.Rows.Pick(0, tensor(_index.ToArray(), device: device))
            : first == 0 && Count == table.Count ? table.Rows.alias()
            : table.Rows.narrow(0, first, Count);

        private static IEnumerable<long> Range(int from, int count)
        {
            for (int i = 0; i < count; i++)
                yield return from + i;
        }
    }
}
