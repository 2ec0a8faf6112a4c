using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>
/// The third step of planning, slice: of the rows that are a group's own, those on which a capture, gradient, metric or donor depends. The
/// other rows are not computed.
/// </summary>
internal sealed class Slicing
{
    private readonly Expansion _plan;
    private readonly OwnRows _own;
    private readonly RowMap.Builder _demand, _demandBefore, _before, _after, _pulled;
    private readonly Dictionary<(int Group, NodeId Node), WrittenNode> _writes = [];
    private readonly HashSet<(int Group, NodeId Node)> _readByVariants = [];

    private Slicing(Expansion plan, OwnRows own)
    {
        _plan = plan;
        _own = own;
        _demand = new RowMap.Builder(plan);
        _demandBefore = new RowMap.Builder(plan);
        _before = new RowMap.Builder(plan);
        _after = new RowMap.Builder(plan);
        _pulled = new RowMap.Builder(plan);
    }

    /// <summary>The rows to compute.</summary>
    public static Slices Of(Expansion plan, OwnRows own)
    {
        Slicing slicing = new(plan, own);
        slicing.DemandKept();
        // Groups read earlier ones only, and a donor may lie at any node of an earlier group.
        foreach (VariantGroup group in plan.Groups.Reverse())
            for (int i = plan.Nodes.All.Length - 1; i >= 0; i--)
                slicing.Slice(group, plan.Nodes.All[i]);
        return new Slices(slicing._before.Rows, slicing._after.Rows, slicing._pulled.Rows, slicing._writes, slicing._readByVariants);
    }

    private void DemandKept()
    {
        // The points of a group select the same nodes and positions, so that one of them stands for all.
        HashSet<SweepPoint> points = new(_plan.Groups.Select(group => group.Point), ReferenceEqualityComparer.Instance);
        foreach (KeptItem item in _plan.Kept.Where(item => points.Contains(item.SomePoint)))
        {
            (VariantGroup group, SweepPoint point) = (item.Group, item.SomePoint);
            if (item is { Keep: { } keep, Site: NodeId site })
            {
                Demand(keep is BoundCapture { Node.BeforeWrites: true } ? _demandBefore : _demand, group, keep.Site, site, point, group);
                foreach ((BoundSite of, NodeId differentiated) in item.Differentiated)
                    if (_plan.Pulled.TryGetValue(differentiated, out PulledSite? pulled))
                        DemandPulled(pulled, item, of, differentiated);
            }
            DemandReads(item.Reads, group, item.Keep?.Site, item.Site, point);
        }
    }

    private void DemandPulled(PulledSite pulled, KeptItem item, BoundSite site, NodeId node)
    {
        foreach (string read in pulled.Inputs.Append(pulled.Node))
            Demand(_demand, item.Group, site, _plan.Id(read), item.SomePoint, item.Group);
        if (_plan.IsDifferentiated(item.Group))
            Demand(_pulled, item.Group, site, node, item.SomePoint, item.Group);
    }

    /// <summary>Demands the values that a method reads. Its own site and node are null for a metric, which has none.</summary>
    private void DemandReads(ImmutableArray<BoundRead> reads, VariantGroup group, BoundSite? own, NodeId? node, SweepPoint point)
    {
        foreach (BoundRead read in reads)
        {
            bool isOwn = read is BoundRead.From { Site: null };
            if ((isOwn ? own : read.NamedSite) is not { } site)
                continue;
            VariantGroup donor = read switch
            {
                BoundRead.From from => _plan.RunOf(group, from.Run.At(point)),
                BoundRead.Logits { Run: int run } => _plan.Groups[run],
                _ => group,
            };
            Demand(_demand, donor, site, isOwn ? node!.Value : _plan.Id(site.Names(point).Single()), point, group);
        }
    }

    private void Demand(RowMap.Builder demand, VariantGroup group, BoundSite site, NodeId node, SweepPoint point, VariantGroup reader)
    {
        for (int c = 0; c < _plan.Classes.Length; c++)
            Demand(demand, group, node, c, PositionSet.Of(_plan.Positions(site, group.TokensOf, c, point)), reader);
    }

    private void Demand(RowMap.Builder demand, VariantGroup group, NodeId node, int c, PositionSet rows, VariantGroup reader)
    {
        demand[group, node, c] |= rows;
        if (reader.Index != group.Index && !reader.IsUnchanged && !rows.IsEmpty)
            _readByVariants.Add((group.Index, node));
    }

    /// <summary>
    /// Divides the demanded rows of a node: those that are the group's own are computed, and their inputs are demanded; the others are
    /// demanded of the parent.
    /// </summary>
    private void Slice(VariantGroup group, NodeId node)
    {
        int classes = _plan.Classes.Length;
        if (!_demand.Rows.Any(group, node) && !_demandBefore.Rows.Any(group, node))
            return;
        bool isWritten = group.Writes.TryGetValue(_plan.Name(node), out ImmutableArray<BoundWrite> writes);
        for (int c = 0; c < classes; c++)
        {
            PositionSet wanted = _demand[group, node, c], own = _own.After[group, node, c];
            _after[group, node, c] = wanted & own;
            if (group.Parent is int parent)
                Demand(_demand, _plan.Groups[parent], node, c, wanted.Except(own), group);
        }
        ReadOnlySpan<PositionSet> needed = isWritten ? BeforeWrites(group, node, writes) : _after.Rows.Of(group, node);
        for (int c = 0; c < classes; c++)
        {
            PositionSet wanted = needed[c] | _demandBefore[group, node, c], rows = wanted & _own.Before[group, node, c];
            _before[group, node, c] = rows;
            if (group.Parent is int parent)
                Demand(_demand, _plan.Groups[parent], node, c, wanted.Except(rows), group);
            if (!rows.IsEmpty && !node.IsInput)
                DemandInputs(group, _plan.Node(node), c, rows);
        }
    }

    private void DemandInputs(VariantGroup group, ModelNode node, int c, PositionSet rows)
    {
        PromptClass prompts = _plan.Classes[c];
        Definition definition = group.DefinitionOf(node);
        if (definition.Piecewise is { } piecewise)
        {
            foreach (string own in piecewise.Own)
                _demand[group, _plan.Id(own), c] |= rows;
            foreach (NodeInput input in piecewise.History)
                _demand[group, _plan.Id(input.Node), c] |= rows.Backward(input.Reach, prompts.Length);
            return;
        }
        bool isWhole = definition.LooksBeyond;
        foreach (NodeInput input in definition.Inputs)
            _demand[group, _plan.Id(input.Node), c] |= isWhole ? prompts.All : rows;
    }

    /// <summary>
    /// Narrows the writes to a node to the rows that are needed after them, from the last write to the first. Returns the rows that are
    /// needed before the first write, of the group or of its parent.
    /// </summary>
    private PositionSet[] BeforeWrites(VariantGroup group, NodeId node, ImmutableArray<BoundWrite> writes)
    {
        PositionSet[] needed = [.. _after.Rows.Of(group, node)], working = [.. needed];
        List<WriteStep> steps = [];
        for (int at = writes.Length - 1; at >= 0; at--)
        {
            if (Narrow(writes[at], group, needed) is not (BoundWrite write, bool widens))
                continue;
            var unseen = ImmutableArray.CreateBuilder<PositionSet>();
            bool isCompared = false;
            for (int c = 0; c < needed.Length; c++)
            {
                PositionSet rows = PositionSet.Of(_plan.Positions(write.Site, group.TokensOf, c, group.Point));
                PositionSet found = Found(write, rows, _own.AtWrites[(group.Index, node, c)][at]);
                needed[c] = needed[c].Except(rows) | found;
                working[c] |= rows | needed[c];
                unseen.Add(rows.Except(found));
                isCompared |= !write.Node.Uncompared && !(rows & found).IsEmpty;
            }
            DemandReads(write.Reads, group, write.Site, node, group.Point);
            steps.Add(new WriteStep(write, widens, unseen.ToImmutable(), isCompared));
        }
        steps.Reverse();
        _writes[(group.Index, node)] = new WrittenNode([.. steps], [.. needed], [.. working]);
        return needed;
    }

    /// <summary>
    /// A write to the positions that are needed after it, and whether it is a method that must be called with more; null if none is needed.
    /// </summary>
    private (BoundWrite Write, bool Widens)? Narrow(BoundWrite write, VariantGroup group, PositionSet[] needed)
    {
        IReadOnlyList<int>[] selected =
            [.. Enumerable.Range(0, needed.Length).Select(c => _plan.Positions(write.Site, group.TokensOf, c, group.Point))];
        if (!selected.Index().Any(ofClass => ofClass.Item.Any(needed[ofClass.Index].Contains)))
            return null;
        // A method sees every position that it selects, unless it promises to treat each alone.
        bool widens = !write.IsPointwise && selected.Index().Any(ofClass => !ofClass.Item.All(needed[ofClass.Index].Contains));
        IReadOnlyDictionary<int, int[]>? narrowing = write.IsPointwise && !_plan.Checks(write) ? Narrowing(selected, needed) : null;
        return (write with { Site = write.Site with { Narrowing = narrowing } }, widens);
    }

    /// <summary>
    /// Positions whose old value a write needs: those that the method reads, those that it partly keeps, and (only to measure the effect)
    /// those whose value the parent has anyway.
    /// </summary>
    private PositionSet Found(BoundWrite write, PositionSet rows, RowsAtWrite own) =>
        !write.Site.IsWholeAtAPosition || write.Reads.Any(read => read is BoundRead.Value) || _plan.FindsAll(write) ? rows
        : write.Node.Kind is WriteKind.Freeze ? PositionSet.Empty
        : rows.Except(own.Before);

    /// <summary>
    /// The places of the needed positions among the selected ones, by how many positions a prompt selects; null if all are needed. Of
    /// several places that are one token in some prompt, all stay: there, the last one's value is what is written.
    /// </summary>
    private static Dictionary<int, int[]>? Narrowing(IReadOnlyList<int>[] selected, PositionSet[] needed)
    {
        Dictionary<int, int[]> narrowing = [];
        foreach (IGrouping<int, int> alike in Enumerable.Range(0, selected.Length).GroupBy(c => selected[c].Count))
        {
            SortedSet<int> kept = [.. Enumerable.Range(0, alike.Key).Where(i => alike.Any(c => needed[c].Contains(selected[c][i])))];
            for (int before = 0; kept.Count > before && kept.Count < alike.Key;)
            {
                before = kept.Count;
                foreach (IReadOnlyList<int> positions in alike.Select(c => selected[c]))
                {
                    HashSet<int> tokens = [.. kept.Select(i => positions[i])];
                    kept.UnionWith(Enumerable.Range(0, alike.Key).Where(i => tokens.Contains(positions[i])));
                }
            }
            narrowing[alike.Key] = [.. kept];
        }
        return narrowing.All(pair => pair.Value.Length == pair.Key) ? null : narrowing;
    }
}

/// <summary>The rows to compute.</summary>
/// <param name="Before">Before a group's writes to a node.</param>
/// <param name="After">After them; the same if there are none.</param>
/// <param name="Pulled">Rows whose gradients are pulled back.</param>
/// <param name="Writes">The writes that are carried out, where a group writes a node.</param>
/// <param name="ReadByVariants">Groups and nodes whose rows are read by variants of other groups, as inherited rows or as donors.</param>
internal sealed record Slices(
    RowMap Before,
    RowMap After,
    RowMap Pulled,
    IReadOnlyDictionary<(int Group, NodeId Node), WrittenNode> Writes,
    IReadOnlySet<(int Group, NodeId Node)> ReadByVariants)
{
    /// <summary>The nodes that a group writes, and the writes to them that are carried out.</summary>
    public IEnumerable<(NodeId Node, WrittenNode Written)> WritesOf(Expansion plan, VariantGroup group)
    {
        foreach (string name in group.Writes.Keys)
            if (Writes.TryGetValue((group.Index, plan.Id(name)), out WrittenNode? written))
                yield return (plan.Id(name), written);
    }
}

/// <summary>The writes of a group to a node.</summary>
/// <param name="Steps">The writes, in order.</param>
/// <param name="Found">By class, the positions whose value is needed before the first write.</param>
/// <param name="Working">By class, the positions that any of the writes reads or writes.</param>
internal sealed record WrittenNode(ImmutableArray<WriteStep> Steps, ImmutableArray<PositionSet> Found, ImmutableArray<PositionSet> Working);

/// <summary>One write of a group.</summary>
/// <param name="Write">The write, with its site narrowed to the positions that are needed.</param>
/// <param name="Widens">Whether it is a method that must be called with more positions than are needed.</param>
/// <param name="Unseen">By class, the positions that are overwritten without computing their old value.</param>
/// <param name="IsCompared">Whether the old value is known at one position at least, so that the change can be measured there.</param>
internal sealed record WriteStep(BoundWrite Write, bool Widens, ImmutableArray<PositionSet> Unseen, bool IsCompared);

/// <summary>
/// The logits of the answers and words that metrics read, which are computed instead of those of the whole vocabulary. Writes that treat
/// each logit alone (copies, zeros and factors) are carried out on these columns.
/// </summary>
/// <param name="Node">The node of the logits.</param>
/// <param name="Columns">The columns: of an answer, each prompt has its own token there.</param>
internal sealed record AnswerColumns(NodeId Node, ImmutableArray<LogitColumn> Columns)
{
    /// <summary>The columns, or null if other logits are needed too.</summary>
    public static AnswerColumns? Of(PlanRequest request, NodeNumbers nodes)
    {
        BoundIntervention intervention = request.Intervention;
        BoundRead.Logits[] reads = [.. intervention.Reads.OfType<BoundRead.Logits>()];
        if (reads.Length == 0 || reads.Any(read => !read.Columns.Any()))
            return null;
        string name = reads[0].At.Names(SweepPoint.None).Single();
        ModelNode node = request.Graph[name];
        bool isReadOtherwise = request.Graph.Nodes.SelectMany(Inputs).Contains(name)
            || intervention.Kept.Select(keep => keep.Site).Concat(intervention.Reads.OtherSites()).Any(IsAtNode)
            || intervention.Writes.SelectMany(write => write.Declared).Any(write => IsAtNode(write.Site) && !IsByColumn(write));
        return node.Definition.Entries is null || !node.Detours.IsEmpty || isReadOtherwise
            ? null
            : new AnswerColumns(nodes[name], [.. reads.SelectMany(read => read.Columns).Distinct()]);

        bool IsAtNode(BoundSite site) => site.Definition.Path == name;

        static IEnumerable<string> Inputs(ModelNode node) => node.Detours.Select(detour => detour.Definition).Prepend(node.Definition)
            .SelectMany(definition => definition.Inputs).Select(input => input.Node);
    }

    private static bool IsByColumn(BoundWrite write) => write.Site.IsWholeAtAPosition
        && (write.Node.Kind is WriteKind.Zero or WriteKind.Scale or WriteKind.ScaleSwept
            || (write.IsCopy && write.Reads[0] is BoundRead.From { Site: null }));
}
