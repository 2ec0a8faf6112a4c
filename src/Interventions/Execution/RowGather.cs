using System.Collections.Immutable;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Puts rows of a node together in the order in which somebody reads them; where they lie so already, nothing is copied.</summary>
internal sealed class RowGather(RowStore store, Device device)
{
    /// <summary>The rows of groups, as they follow each other: <c>[row, …]</c>. A new handle; perhaps a view of a table, so nobody writes into it.</summary>
    public Tensor Rows(int node, ImmutableArray<RowSet> groups)
    {
        // Reading one's own layout needs no look at single rows.
        foreach (RowTable table in store.Tables(node))
            if (RowSet.AreSame(table.Groups, groups) && IsCurrent(node, table))
                return table.Rows.alias();
        List<Source> sources = [];
        foreach (RowSet group in groups)
            foreach ((VariantGroup family, _, int count) in group.Families)
                Add(sources, node, family, count, group.Class, group.Prompts, group.Positions, beforeWrites: false);
        return Read(sources);
    }

    /// <summary>Rows of a family: <c>[member · prompt · position, …]</c>.</summary>
    public Tensor Rows(int node, VariantGroup family, int members, int promptClass, int prompts, ImmutableArray<int> positions, bool beforeWrites = false)
    {
        List<Source> sources = [];
        Add(sources, node, family, members, promptClass, prompts, positions, beforeWrites);
        return Read(sources);
    }

    /// <summary>Single rows: <c>[row, …]</c>.</summary>
    public Tensor Rows(IReadOnlyList<(RowTable Table, int Row)> rows)
    {
        List<Source> sources = [];
        Add(sources, rows);
        return Read(sources);
    }

    /// <summary>Whether readers find a table's rows for all of its families, not what is written there.</summary>
    private bool IsCurrent(int node, RowTable table) => table.Groups.All(group => group.Families.All(member =>
        ReferenceEquals(store.Find(node, member.VariantGroup.Index, group.Class)?.Table, table)));

    private void Add(List<Source> sources, int node, VariantGroup family, int members, int promptClass, int prompts, ImmutableArray<int> positions, bool beforeWrites)
    {
        if (store.Find(node, family.Index, promptClass, beforeWrites) is { } own && own.Group.Positions.AsSpan().SequenceEqual(positions.AsSpan()))
        {
            Add(sources, new Source(own.Table, own.Group.Row(own.First, 0, 0), members * prompts * positions.Length, null));
            return;
        }
        RowPlace[] places = [.. positions.Select(position => store.Locate(node, family, promptClass, position, beforeWrites))];
        var rows = new (RowTable, int)[members * prompts * positions.Length];
        int at = 0;
        for (int member = 0; member < members; member++)
            for (int prompt = 0; prompt < prompts; prompt++)
                foreach (RowPlace place in places)
                    rows[at++] = (place.Table, place.Row(member, prompt));
        Add(sources, rows);
    }

    private static void Add(List<Source> sources, IReadOnlyList<(RowTable Table, int Row)> rows)
    {
        int start = 0;
        while (start < rows.Count)
        {
            RowTable table = rows[start].Table;
            int end = start;
            bool follows = true;
            for (; end < rows.Count && ReferenceEquals(rows[end].Table, table); end++)
                follows &= rows[end].Row == rows[start].Row + (end - start);
            Add(sources, follows
                ? new Source(table, rows[start].Row, end - start, null)
                : new Source(table, 0, end - start, [.. rows.Skip(start).Take(end - start).Select(row => (long)row.Row)]));
            start = end;
        }
    }

    private static void Add(List<Source> sources, Source source)
    {
        if (sources.Count > 0 && sources[^1] is { Index: null } last && source.Index is null && ReferenceEquals(last.Table, source.Table) && last.Start + last.Count == source.Start)
            sources[^1] = last with { Count = last.Count + source.Count };
        else if (sources.Count > 0 && ReferenceEquals(sources[^1].Table, source.Table))
            sources[^1] = new Source(source.Table, 0, sources[^1].Count + source.Count, [.. sources[^1].Indices(), .. source.Indices()]);
        else
            sources.Add(source);
    }

    private Tensor Read(List<Source> sources)
    {
        if (sources.Count == 1)
            return Read(sources[0]);
        // Rows of different tables that take turns are put in order at the end.
        RowTable[] tables = [.. sources.Select(source => source.Table).Distinct()];
        if (sources.Count <= tables.Length * 8)
            return cat([.. sources.Select(Read)]);
        long[] order = new long[sources.Sum(source => source.Count)];
        List<Source> sorted = [];
        long next = 0;
        foreach (RowTable table in tables)
        {
            List<long> index = [];
            int at = 0;
            foreach (Source source in sources)
            {
                if (ReferenceEquals(source.Table, table))
                {
                    for (int i = 0; i < source.Count; i++)
                        order[at + i] = next++;
                    index.AddRange(source.Indices());
                }
                at += source.Count;
            }
            sorted.Add(new Source(table, 0, index.Count, [.. index]));
        }
        return cat([.. sorted.Select(Read)]).Pick(0, tensor(order, device: device));
    }

    private Tensor Read(Source source) =>
        source.Index is not null ? source.Table.Rows.Pick(0, tensor(source.Index, device: device))
        : source.Start == 0 && source.Count == source.Table.Count ? source.Table.Rows.alias()
        : source.Table.Rows.narrow(0, source.Start, source.Count);

    /// <summary>Rows of one table: some that follow each other, or listed ones.</summary>
    private readonly record struct Source(RowTable Table, int Start, int Count, long[]? Index)
    {
        public IEnumerable<long> Indices()
        {
            int start = Start;
            return Index ?? Enumerable.Range(0, Count).Select(i => (long)(start + i));
        }
    }
}
