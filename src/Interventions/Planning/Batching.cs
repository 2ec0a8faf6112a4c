using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>
/// The fourth step of planning, batch: the rows of all groups at a node that have one definition become one table and are computed
/// together. A node that only one other node reads is computed on the way to it.
/// </summary>
internal static class Batching
{
    /// <summary>
    /// How many bytes of a value are computed at once: more would leave the processor's cache, fewer would make matrix products small.
    /// </summary>
    public const long BlockBytes = 12 << 20;

    private const long SmallestBlock = 64;

    /// <summary>The tables of one pass.</summary>
    /// <param name="plan">The groups and prompts.</param>
    /// <param name="slices">The rows to compute.</param>
    /// <param name="variants">By group, the variants that the pass computes.</param>
    /// <param name="isRetained">Whether later passes read rows of this one.</param>
    public static PassTables Of(Expansion plan, Slices slices, ImmutableArray<ImmutableArray<int>> variants, bool isRetained)
    {
        VariantGroup[] groups = [.. plan.Groups.Where(group => !variants[group.Index].IsEmpty)];
        PlanTable[][] tables = [.. plan.Nodes.All.Select(node => Tables(plan, slices, variants, groups, node).ToArray())];
        Readers readers = Readers.Of(plan, slices, groups);
        NodeId[] computedAt = [.. plan.Nodes.All];
        foreach (NodeId node in plan.Nodes.Computed)
        {
            if (readers.OnlyReader(node) is not NodeId reader || IsReadLater(node)
                || tables[node.Index] is not [PlanTable one] || tables[reader.Index] is not [PlanTable next]
                || !CanFollow(plan, node, one, next))
                continue;
            tables[reader.Index] = [next with { Chain = [.. one.Chain, (plan.Node(node), one.Definition!)] }];
            tables[node.Index] = [];
            for (int earlier = 0; earlier <= node.Index; earlier++)
                if (computedAt[earlier] == node)
                    computedAt[earlier] = reader;
        }
        ILookup<NodeId, NodeId> freed =
            plan.Nodes.All.Where(node => !IsReadLater(node)).ToLookup(node => readers.LastUse(node, computedAt));
        return new PassTables(groups, [.. tables.Select(ofNode => ofNode.ToImmutableArray())], freed);

        // Rows that a later pass reads stay.
        bool IsReadLater(NodeId node) => isRetained && groups.Any(group => slices.ReadByVariants.Contains((group.Index, node)));
    }

    /// <summary>How many rows of that many bytes are computed at once.</summary>
    public static long BlockRows(long rowBytes) => Math.Max(SmallestBlock, BlockBytes / Math.Max(1, rowBytes));

    /// <summary>The sets of one table: groups that have the same positions of the same prompts lie together.</summary>
    public static ImmutableArray<RowSet> Sets(Expansion plan, IEnumerable<RowSet.OfGroup> rows)
    {
        var sets = ImmutableArray.CreateBuilder<RowSet>();
        int offset = 0;
        foreach (var alike in rows.Where(ofGroup => !ofGroup.Positions.IsEmpty).GroupBy(ofGroup => (ofGroup.Class, ofGroup.Positions)))
        {
            var groups = ImmutableArray.CreateBuilder<(VariantGroup, int, int)>();
            int variants = 0;
            foreach (RowSet.OfGroup ofGroup in alike)
            {
                groups.Add((ofGroup.Group, variants, ofGroup.Variants));
                variants += ofGroup.Variants;
            }
            (int c, PositionSet positions) = alike.Key;
            RowSet set = new(c, plan.Classes[c].Rows.Length, [.. positions.ToArray()], groups.ToImmutable(), variants, offset);
            sets.Add(set);
            offset += set.Size;
        }
        return sets.ToImmutable();
    }

    private static IEnumerable<PlanTable> Tables(
        Expansion plan, Slices slices, ImmutableArray<ImmutableArray<int>> variants, VariantGroup[] groups, NodeId node)
    {
        ModelNode? model = node.IsInput ? null : plan.Node(node);
        foreach (var ofKind in groups.Where(group => slices.Before.Any(group, node)).GroupBy(group => plan.IsConstant(group, node)))
        {
            foreach (var alike in ofKind.GroupBy(
                group => model is null ? null : group.DefinitionOf(model), ReferenceEqualityComparer.Instance))
            {
                Definition? definition = (Definition?)alike.Key;
                // A row with an axis of keys is as long as its prompt, so that prompts of different lengths cannot lie in one table.
                bool byLength = model is not null
                    && definition!.Inputs.Select(input => input.Node).Append(model.Name).Any(name => plan.Shapes[name].IsPair);
                IEnumerable<RowSet.OfGroup> rows = alike.SelectMany(group => Enumerable.Range(0, plan.Classes.Length)
                    .Select(c => new RowSet.OfGroup(group, variants[group.Index].Length, c, slices.Before[group, node, c])));
                foreach (var ofLength in rows.GroupBy(ofGroup => byLength ? plan.Classes[ofGroup.Class].Length : 0))
                    if (Sets(plan, ofLength) is { IsEmpty: false } sets)
                        yield return new PlanTable(definition, sets, []) { IsConstant = ofKind.Key };
            }
        }
    }

    /// <summary>Whether a node's only reader can compute it on the way: both have the same rows and compute each row alone.</summary>
    private static bool CanFollow(Expansion plan, NodeId node, PlanTable table, PlanTable reader) =>
        !table.Definition!.LooksBeyond && !reader.Definition!.LooksBeyond && !plan.Shapes[plan.Name(node)].IsPair
        && reader.Chain.IsEmpty && RowSet.AreSame(table.Sets, reader.Sets);
}

/// <summary>The tables of one pass.</summary>
/// <param name="Groups">The groups that have variants in the pass.</param>
/// <param name="Tables">By node, its tables; none for a node that is computed on the way to its reader.</param>
/// <param name="Freed">By node, the nodes whose rows are not read any more after it.</param>
internal sealed record PassTables(
    IReadOnlyList<VariantGroup> Groups, ImmutableArray<ImmutableArray<PlanTable>> Tables, ILookup<NodeId, NodeId> Freed);

/// <summary>One table of rows that have one definition.</summary>
/// <param name="Definition">The definition; null for tokens and positions.</param>
/// <param name="Sets">The rows.</param>
/// <param name="Chain">
/// The nodes that are computed on the way, in order, some rows at a time: the neurons of a feed-forward block never exist for all
/// variants at once.
/// </param>
internal sealed record PlanTable(
    Definition? Definition, ImmutableArray<RowSet> Sets, ImmutableArray<(ModelNode Node, Definition Definition)> Chain)
{
    /// <summary>Whether its rows are constants of every gradient, so that nothing is remembered for a backward pass.</summary>
    public bool IsConstant { get; init; }

    /// <summary>How many rows it has.</summary>
    public long RowCount => Sets.Sum(set => (long)set.Size);
}

/// <summary>
/// The readers of every node in a pass. A definition of another node can read its rows block by block; writes, captures, gradients and
/// metrics need all of them at once.
/// </summary>
internal sealed class Readers
{
    private readonly HashSet<NodeId>[] _nodes;
    private readonly NodeId[] _lastWhole;

    private Readers(int nodes)
    {
        _nodes = [.. Enumerable.Range(0, nodes).Select(_ => new HashSet<NodeId>())];
        _lastWhole = [.. Enumerable.Repeat(NodeId.BeforeAll, nodes)];
    }

    /// <summary>The readers in some groups.</summary>
    public static Readers Of(Expansion plan, Slices slices, IReadOnlyList<VariantGroup> groups)
    {
        Readers readers = new(plan.Nodes.All.Length);
        foreach (VariantGroup group in groups)
        {
            foreach (NodeId node in plan.Nodes.Computed)
                if (slices.Before.Any(group, node))
                    readers.AddInputs(plan, group, node);
            foreach ((NodeId node, WrittenNode written) in slices.WritesOf(plan, group))
                readers.AddWrites(plan, group, node, written);
        }
        HashSet<int> some = [.. groups.Select(group => group.Index)];
        foreach (KeptItem item in plan.Kept.Where(item => some.Contains(item.Group.Index)))
            foreach (NodeId read in item.Nodes)
                readers.AddWhole(read, item.After);
        if (groups.Any(plan.IsDifferentiated))
            foreach (NodeId node in plan.Differentiated.Concat(plan.Segments.Keys)
                .Concat(plan.Pulled.Values.SelectMany(pulled => pulled.Inputs).Select(plan.Id)))
                readers.AddWhole(node, NodeId.AfterAll);
        return readers;
    }

    /// <summary>The only node that reads a node, if no other reader needs its value.</summary>
    public NodeId? OnlyReader(NodeId node) =>
        _lastWhole[node.Index] == NodeId.BeforeAll && _nodes[node.Index].Count == 1 ? _nodes[node.Index].Single() : null;

    /// <summary>The last node at which a node's rows are needed; the node itself if it has no reader.</summary>
    /// <param name="node">The node.</param>
    /// <param name="computedAt">By node, the node with which it is computed.</param>
    public NodeId LastUse(NodeId node, NodeId[] computedAt)
    {
        NodeId last = NodeId.Max(node, _lastWhole[node.Index]);
        foreach (NodeId reader in _nodes[node.Index])
            last = NodeId.Max(last, computedAt[reader.Index]);
        return last;
    }

    private void AddInputs(Expansion plan, VariantGroup group, NodeId node)
    {
        Definition definition = group.DefinitionOf(plan.Node(node));
        if (definition.Piecewise is { } piecewise)
            foreach (string input in piecewise.Own.Concat(piecewise.History.Select(read => read.Node)))
                _nodes[plan.Id(input).Index].Add(node);
        else
            foreach (NodeInput input in definition.Inputs)
                _nodes[plan.Id(input.Node).Index].Add(node);
    }

    private void AddWrites(Expansion plan, VariantGroup group, NodeId node, WrittenNode written)
    {
        AddWhole(node, node);
        foreach (WriteStep step in written.Steps)
            foreach (BoundSite donor in step.Write.Reads.OtherSites())
                AddWhole(plan.Id(donor.Names(group.Point).Single()), node);
    }

    private void AddWhole(NodeId node, NodeId at) => _lastWhole[node.Index] = NodeId.Max(_lastWhole[node.Index], at);
}

/// <summary>Prompts of a batch that have one shape, so that the same positions of all of them are computed.</summary>
/// <param name="Length">Their length in tokens.</param>
/// <param name="Rows">Their numbers in the batch, ascending.</param>
/// <param name="Differences">For each run of the prompt set, the positions at which its tokens are not those of the first run.</param>
internal sealed record PromptClass(int Length, ImmutableArray<int> Rows, EquatableArray<PositionSet> Differences)
{
    /// <summary>All positions.</summary>
    public PositionSet All => PositionSet.Range(0, Length);

    /// <summary>A prompt that stands for all of them.</summary>
    public int Representative => Rows[0];

    /// <summary>The classes of a batch.</summary>
    public static ImmutableArray<PromptClass> Of(PromptBatch batch, int runs) =>
    [
        .. batch.Rows.GroupBy(row => PromptShape.Of(batch, row, runs))
            .Select(alike => new PromptClass(alike.Key.Length, [.. alike], alike.Key.Differences)),
    ];
}

/// <summary>All that a plan depends on in a prompt.</summary>
/// <param name="Length">Its length in tokens.</param>
/// <param name="Named">For each run, its named positions.</param>
/// <param name="Differences">For each run, the positions at which its tokens are not those of the first run.</param>
internal sealed record PromptShape(int Length, EquatableArray<EquatableArray<int>> Named, EquatableArray<PositionSet> Differences)
{
    /// <summary>The shape of a prompt of a batch.</summary>
    public static PromptShape Of(PromptBatch batch, int row, int runs) => new(
        batch.Length(row),
        new(Enumerable.Range(0, runs).Select(run => new EquatableArray<int>(batch.Tokens(run, row).Positions))),
        new(Enumerable.Range(0, runs).Select(run => Different(batch, row, run))));

    private static PositionSet Different(PromptBatch batch, int row, int run)
    {
        IReadOnlyList<long> ids = batch.Tokens(run, row).Ids, first = batch.Tokens(0, row).Ids;
        return PositionSet.Of(Enumerable.Range(0, ids.Count).Where(position => ids[position] != first[position]));
    }
}

/// <summary>The shapes of a batch's prompts, in order. Batches of one shape have one plan.</summary>
internal sealed record BatchShape(EquatableArray<PromptShape> Prompts)
{
    /// <summary>The shape of a batch.</summary>
    public static BatchShape Of(PromptBatch batch, int runs) =>
        new(new EquatableArray<PromptShape>(batch.Rows.Select(row => PromptShape.Of(batch, row, runs))));
}
