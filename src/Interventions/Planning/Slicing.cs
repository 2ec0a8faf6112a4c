using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>
/// The third and fourth step, slice and prune: of the rows that are a variant's own, those that some capture, gradient, metric or donor reaches. What is left of a node may be some positions
/// of it, or nothing.
/// </summary>
internal sealed class Slicing
{
    private readonly Expansion _plan;
    private readonly OwnRows _own;
    private readonly RowMap _demand, _demandBefore;
    private readonly Slices _slices;

    private Slicing(Expansion plan, OwnRows own)
    {
        _plan = plan;
        _own = own;
        RowMap Map() => new(plan.Groups.Length, plan.NodeCount, plan.Classes.Length);
        _demand = Map();
        _demandBefore = Map();
        _slices = new Slices(Map(), Map(), Map(), [], []);
    }

    /// <summary>The rows to compute.</summary>
    public static Slices Of(Expansion plan, OwnRows own)
    {
        Slicing slicing = new(plan, own);
        slicing.DemandKept();
        // Groups read earlier ones only; a donor may lie at any node of an earlier group.
        foreach (VariantGroup group in plan.Groups.Reverse())
            for (int i = plan.NodeCount - 1; i >= 0; i--)
                slicing.Pass(group, plan.NodeIds[i]);
        return slicing._slices;
    }

    private void DemandKept()
    {
        foreach (VariantGroup group in _plan.Groups)
        {
            if (!group.IsMeasured)
                continue;
            foreach (BoundKeep keep in _plan.Intervention.Kept)
            {
                foreach (SweepPoint point in PointsOf(group, keep.IsSwept))
                {
                    foreach (string node in keep.Site.Names(point))
                    {
                        bool before = keep is BoundCapture { Node.BeforeWrites: true };
                        Demand(before ? _demandBefore : _demand, group, keep.Site, node, point, group);
                        if (keep is BoundGradient && _plan.Pulled.TryGetValue(_plan.Id(node), out PulledSite? pulled))
                            DemandPulled(pulled, group, keep.Site, node, point);
                        DemandReads(keep.Reads, group, keep.Site, node, point);
                    }
                }
            }
            foreach (BoundMetric metric in _plan.Intervention.Metrics)
                foreach (SweepPoint point in PointsOf(group, metric.IsSwept))
                    DemandReads(metric.Reads, group, null, null, point);
        }
    }

    private void DemandPulled(PulledSite pulled, VariantGroup group, BoundSite site, string node, SweepPoint point)
    {
        foreach (string read in pulled.Inputs.Append(pulled.Node))
            Demand(_demand, group, site, read, point, group);
        if (_plan.IsDifferentiated(group))
            Demand(_slices.Pulled, group, site, node, point, group);
    }

    /// <summary>A run of the prompt set has no point of its own: what depends on the point is kept there at every point.</summary>
    private IEnumerable<SweepPoint> PointsOf(VariantGroup group, bool isSwept) =>
        !group.IsUnchanged ? [group.Point]
        : isSwept ? _plan.Groups.Where(other => other.Run is null).Select(other => other.Point)
        : [SweepPoint.None];

    private void DemandReads(ImmutableArray<BoundRead> reads, VariantGroup group, BoundSite? own, string? node, SweepPoint point)
    {
        foreach (BoundRead read in reads)
        {
            switch (read)
            {
                case BoundRead.From { Site: null } from:
                    Demand(_demand, _plan.RunOf(group, from.Run.At(point)), own!, node!, point, group);
                    break;
                case BoundRead.From { Site: BoundSite other } from:
                    Demand(_demand, _plan.RunOf(group, from.Run.At(point)), other, other.Names(point).Single(), point, group);
                    break;
                case BoundRead.Of of:
                    Demand(_demand, group, of.Site, of.Site.Names(point).Single(), point, group);
                    break;
                case BoundRead.Logits logits:
                    Demand(_demand, logits.Run is int run ? _plan.Groups[run] : group, logits.At, logits.At.Names(point).Single(), point, group);
                    break;
            }
        }
    }

    private void Demand(RowMap demand, VariantGroup group, BoundSite site, string node, SweepPoint point, VariantGroup reader)
    {
        NodeId index = _plan.Id(node);
        for (int c = 0; c < _plan.Classes.Length; c++)
            Demand(demand, group, index, c, PositionSet.Of(_plan.Positions(site, group.TokensOf, c, point)), reader);
    }

    private void Demand(RowMap demand, VariantGroup group, NodeId node, int c, PositionSet rows, VariantGroup reader)
    {
        demand[group, node, c] |= rows;
        if (reader.Index != group.Index && !reader.IsUnchanged && !rows.IsEmpty)
            _slices.ReadByVariants.Add((group.Index, node));
    }

    private void Pass(VariantGroup group, NodeId node)
    {
        int classes = _plan.Classes.Length;
        if (!_demand.Any(group, node) && !_demandBefore.Any(group, node))
            return;
        bool isWritten = group.Writes.TryGetValue(_plan.Name(node), out ImmutableArray<BoundWrite> writes);
        for (int c = 0; c < classes; c++)
        {
            PositionSet wanted = _demand[group, node, c];
            _slices.After[group, node, c] = wanted & _own.After[group, node, c];
            if (group.Parent is int parent)
                Demand(_demand, _plan.Groups[parent], node, c, wanted.Except(_own.After[group, node, c]), group);
        }
        ReadOnlySpan<PositionSet> needed = isWritten ? Written(group, node, writes) : _slices.After.Of(group, node);
        for (int c = 0; c < classes; c++)
        {
            PositionSet wanted = needed[c] | _demandBefore[group, node, c], rows = wanted & _own.Before[group, node, c];
            _slices.Before[group, node, c] = rows;
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

    /// <summary>Goes through the writes to a node from the last to the first; returns the rows that the first one finds, which are computed or inherited.</summary>
    private PositionSet[] Written(VariantGroup group, NodeId node, ImmutableArray<BoundWrite> writes)
    {
        int classes = _plan.Classes.Length;
        PositionSet[] needed = [.. _slices.After.Of(group, node)], working = [.. needed];
        List<WriteStep> steps = [];
        for (int at = writes.Length - 1; at >= 0; at--)
        {
            BoundWrite write = writes[at];
            IReadOnlyList<int>[] selected = [.. Enumerable.Range(0, classes).Select(c => _plan.Positions(write.Site, group.TokensOf, c, group.Point))];
            if (!Enumerable.Range(0, classes).Any(c => selected[c].Any(needed[c].Contains)))
                continue;
            // A method sees every position that it selects, unless it promises to treat each alone.
            IReadOnlyDictionary<int, int[]>? narrowing = write.IsPointwise && !_plan.Checks(write) ? Narrowing(selected, needed) : null;
            bool widens = !write.IsPointwise && Enumerable.Range(0, classes).Any(c => selected[c].Any(position => !needed[c].Contains(position)));
            BoundWrite step = write with { Site = write.Site with { Narrowing = narrowing } };
            var unseen = ImmutableArray.CreateBuilder<PositionSet>();
            bool isCompared = false;
            for (int c = 0; c < classes; c++)
            {
                PositionSet rows = PositionSet.Of(_plan.Positions(step.Site, group.TokensOf, c, group.Point));
                PositionSet found = Found(group, node, c, write, at, rows);
                working[c] |= rows;
                needed[c] = needed[c].Except(rows) | found;
                working[c] |= needed[c];
                unseen.Add(rows.Except(found));
                isCompared |= !(rows & found).IsEmpty;
            }
            DemandReads(step.Reads, group, step.Site, _plan.Name(node), group.Point);
            steps.Add(new WriteStep(step, widens, unseen.ToImmutable(), isCompared));
        }
        steps.Reverse();
        _slices.Writes[(group.Index, node)] = new WrittenNode([.. steps], [.. needed], [.. working]);
        return needed;
    }

    /// <summary>
    /// The rows of which a write needs what was there before it: what it reads, what it leaves in them, and to see what it changes, where that costs nothing: a row that is the parent's. Whoever
    /// reads what is written there reads the parent's row in the parent.
    /// </summary>
    private PositionSet Found(VariantGroup group, NodeId node, int c, BoundWrite write, int index, PositionSet rows) =>
        !write.Site.IsWholeAtAPosition || write.Reads.Any(read => read is BoundRead.Value) || _plan.FindsAll(write) ? rows
        : write.Node.Kind is WriteKind.Freeze ? PositionSet.Empty
        : rows.Except(_own.Versions[(group.Index, node, c)][index]);

    /// <summary>Which of the selected positions are needed, by how many are selected.</summary>
    private static Dictionary<int, int[]>? Narrowing(IReadOnlyList<int>[] selected, PositionSet[] needed)
    {
        Dictionary<int, int[]> narrowing = [];
        foreach (var alike in Enumerable.Range(0, selected.Length).GroupBy(c => selected[c].Count))
            narrowing[alike.Key] = [.. Enumerable.Range(0, alike.Key).Where(i => alike.Any(c => needed[c].Contains(selected[c][i])))];
        return narrowing.All(pair => pair.Value.Length == pair.Key) ? null : narrowing;
    }
}

/// <summary>The rows to compute.</summary>
/// <param name="Before">Before a group's writes to a node.</param>
/// <param name="After">After them; the same where there are none.</param>
/// <param name="Pulled">Rows of which a gradient is pulled back.</param>
/// <param name="Writes">The writes that are carried out.</param>
/// <param name="ReadByVariants">By group, nodes of which variants read its rows, because they inherit them or take them from there.</param>
internal sealed record Slices(RowMap Before, RowMap After, RowMap Pulled, Dictionary<(int Group, NodeId Node), WrittenNode> Writes, HashSet<(int Group, NodeId Node)> ReadByVariants);

/// <summary>The writes of a group to a node.</summary>
/// <param name="Steps">The writes, in order.</param>
/// <param name="Found">By class, the rows that the first of them finds.</param>
/// <param name="Working">By class, the rows that any of them reads or writes.</param>
internal sealed record WrittenNode(ImmutableArray<WriteStep> Steps, ImmutableArray<PositionSet> Found, ImmutableArray<PositionSet> Working);

/// <summary>One write.</summary>
/// <param name="Write">The write, its site narrowed to the positions that are needed.</param>
/// <param name="Widens">Whether it is a method that sees all that it selects, of which not all would be needed.</param>
/// <param name="Unseen">By class, the positions of which nobody computes what it finds.</param>
/// <param name="IsCompared">Whether there are others.</param>
internal sealed record WriteStep(BoundWrite Write, bool Widens, ImmutableArray<PositionSet> Unseen, bool IsCompared);
