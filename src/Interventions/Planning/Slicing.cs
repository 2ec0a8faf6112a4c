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
    private readonly PlanContext _plan;
    private readonly OwnRows _own;
    private readonly RowMap _demand, _demandBefore;
    private readonly Slices _slices;

    private Slicing(PlanContext plan, OwnRows own)
    {
        _plan = plan;
        _own = own;
        RowMap Map() => new(plan.Families.Length, plan.NodeCount, plan.Classes.Length);
        _demand = Map();
        _demandBefore = Map();
        _slices = new Slices(Map(), Map(), Map(), [], []);
    }

    /// <summary>The rows to compute.</summary>
    public static Slices Of(PlanContext plan, OwnRows own)
    {
        Slicing slicing = new(plan, own);
        slicing.DemandKept();
        // Families read earlier ones only; a donor may lie at any node of an earlier family.
        foreach (VariantGroup family in plan.Families.Reverse())
            for (int node = plan.NodeCount - 1; node >= 0; node--)
                slicing.Pass(family, node);
        return slicing._slices;
    }

    private void DemandKept()
    {
        foreach (VariantGroup family in _plan.Families)
        {
            if (!family.IsMeasured)
                continue;
            foreach (BoundKeep keep in _plan.Intervention.Kept)
            {
                foreach (SweepPoint point in PointsOf(family, keep.IsSwept))
                {
                    foreach (string node in keep.Site.Names(point))
                    {
                        bool before = keep is BoundCapture { Node.BeforeWrites: true };
                        Demand(before ? _demandBefore : _demand, family, keep.Site, node, point, family);
                        if (keep is BoundGradient && _plan.Pulled.TryGetValue(_plan.Index(node), out PulledSite? pulled))
                            DemandPulled(pulled, family, keep.Site, node, point);
                        DemandReads(keep.Reads, family, keep.Site, node, point);
                    }
                }
            }
            foreach (BoundMetric metric in _plan.Intervention.Metrics)
                foreach (SweepPoint point in PointsOf(family, metric.IsSwept))
                    DemandReads(metric.Reads, family, null, null, point);
        }
    }

    private void DemandPulled(PulledSite pulled, VariantGroup family, BoundSite site, string node, SweepPoint point)
    {
        foreach (string read in pulled.Inputs.Append(pulled.Node))
            Demand(_demand, family, site, read, point, family);
        if (_plan.IsDifferentiated(family))
            Demand(_slices.Pulled, family, site, node, point, family);
    }

    /// <summary>A run of the prompt set has no point of its own: what depends on the point is kept there at every point.</summary>
    private IEnumerable<SweepPoint> PointsOf(VariantGroup family, bool isSwept) =>
        !family.IsUnchanged ? [family.Point]
        : isSwept ? _plan.Families.Where(other => other.Run is null).Select(other => other.Point)
        : [SweepPoint.None];

    private void DemandReads(ImmutableArray<BoundRead> reads, VariantGroup family, BoundSite? own, string? node, SweepPoint point)
    {
        foreach (BoundRead read in reads)
        {
            switch (read)
            {
                case BoundRead.From { Site: null } from:
                    Demand(_demand, _plan.RunOf(family, from.Run.At(point)), own!, node!, point, family);
                    break;
                case BoundRead.From { Site: BoundSite other } from:
                    Demand(_demand, _plan.RunOf(family, from.Run.At(point)), other, other.Names(point).Single(), point, family);
                    break;
                case BoundRead.Of of:
                    Demand(_demand, family, of.Site, of.Site.Names(point).Single(), point, family);
                    break;
                case BoundRead.Logits logits:
                    Demand(_demand, logits.Run is int run ? _plan.Families[run] : family, logits.At, logits.At.Names(point).Single(), point, family);
                    break;
            }
        }
    }

    private void Demand(RowMap demand, VariantGroup family, BoundSite site, string node, SweepPoint point, VariantGroup reader)
    {
        int index = _plan.Index(node);
        for (int c = 0; c < _plan.Classes.Length; c++)
            Demand(demand, family, index, c, PositionSet.Of(_plan.Positions(site, family.TokensOf, c, point)), reader);
    }

    private void Demand(RowMap demand, VariantGroup family, int node, int c, PositionSet rows, VariantGroup reader)
    {
        demand[family.Index, node, c] |= rows;
        if (reader.Index != family.Index && !reader.IsUnchanged && !rows.IsEmpty)
            _slices.ReadByVariants.Add((family.Index, node));
    }

    private void Pass(VariantGroup family, int node)
    {
        int classes = _plan.Classes.Length;
        if (!_demand.Any(family.Index, node) && !_demandBefore.Any(family.Index, node))
            return;
        bool isWritten = family.Writes.TryGetValue(_plan.Name(node), out ImmutableArray<BoundWrite> writes);
        for (int c = 0; c < classes; c++)
        {
            PositionSet wanted = _demand[family.Index, node, c];
            _slices.After[family.Index, node, c] = wanted & _own.After[family.Index, node, c];
            if (family.Parent is int parent)
                Demand(_demand, _plan.Families[parent], node, c, wanted.Except(_own.After[family.Index, node, c]), family);
        }
        ReadOnlySpan<PositionSet> needed = isWritten ? Written(family, node, writes) : _slices.After.Of(family.Index, node);
        for (int c = 0; c < classes; c++)
        {
            PositionSet wanted = needed[c] | _demandBefore[family.Index, node, c], rows = wanted & _own.Before[family.Index, node, c];
            _slices.Before[family.Index, node, c] = rows;
            if (family.Parent is int parent)
                Demand(_demand, _plan.Families[parent], node, c, wanted.Except(rows), family);
            if (!rows.IsEmpty && node >= 2)
                DemandInputs(family, _plan.Nodes[node - 2], c, rows);
        }
    }

    private void DemandInputs(VariantGroup family, ModelNode node, int c, PositionSet rows)
    {
        PromptClass prompts = _plan.Classes[c];
        Definition definition = family.DefinitionOf(node);
        if (definition.Piecewise is { } piecewise)
        {
            foreach (string own in piecewise.Own)
                _demand[family.Index, _plan.Index(own), c] |= rows;
            foreach (NodeInput input in piecewise.History)
                _demand[family.Index, _plan.Index(input.Node), c] |= rows.Backward(input.Reach, prompts.Length);
            return;
        }
        bool isWhole = definition.LooksBeyond;
        foreach (NodeInput input in definition.Inputs)
            _demand[family.Index, _plan.Index(input.Node), c] |= isWhole ? prompts.All : rows;
    }

    /// <summary>Goes through the writes to a node from the last to the first; returns the rows that the first one finds, which are computed or inherited.</summary>
    private PositionSet[] Written(VariantGroup family, int node, ImmutableArray<BoundWrite> writes)
    {
        int classes = _plan.Classes.Length;
        PositionSet[] needed = [.. _slices.After.Of(family.Index, node)], working = [.. needed];
        List<WriteStep> steps = [];
        for (int at = writes.Length - 1; at >= 0; at--)
        {
            BoundWrite write = writes[at];
            IReadOnlyList<int>[] selected = [.. Enumerable.Range(0, classes).Select(c => _plan.Positions(write.Site, family.TokensOf, c, family.Point))];
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
                PositionSet rows = PositionSet.Of(_plan.Positions(step.Site, family.TokensOf, c, family.Point));
                PositionSet found = Found(family, node, c, write, at, rows);
                working[c] |= rows;
                needed[c] = needed[c].Except(rows) | found;
                working[c] |= needed[c];
                unseen.Add(rows.Except(found));
                isCompared |= !(rows & found).IsEmpty;
            }
            DemandReads(step.Reads, family, step.Site, _plan.Name(node), family.Point);
            steps.Add(new WriteStep(step, widens, unseen.ToImmutable(), isCompared));
        }
        steps.Reverse();
        _slices.Writes[(family.Index, node)] = new WrittenNode([.. steps], [.. needed], [.. working]);
        return needed;
    }

    /// <summary>
    /// The rows of which a write needs what was there before it: what it reads, what it leaves in them, and to see what it changes, where that costs nothing: a row that is the parent's. Whoever
    /// reads what is written there reads the parent's row in the parent.
    /// </summary>
    private PositionSet Found(VariantGroup family, int node, int c, BoundWrite write, int index, PositionSet rows) =>
        !write.Site.IsWholeAtAPosition || write.Reads.Any(read => read is BoundRead.Value) || _plan.FindsAll(write) ? rows
        : write.Node.Kind is WriteKind.Freeze ? PositionSet.Empty
        : rows.Except(_own.Versions[(family.Index, node, c)][index]);

    /// <summary>Which of the selected positions are needed, by how many are selected.</summary>
    private static Dictionary<int, int[]>? Narrowing(IReadOnlyList<int>[] selected, PositionSet[] needed)
    {
        Dictionary<int, int[]> narrowing = [];
        foreach (var group in Enumerable.Range(0, selected.Length).GroupBy(c => selected[c].Count))
            narrowing[group.Key] = [.. Enumerable.Range(0, group.Key).Where(i => group.Any(c => needed[c].Contains(selected[c][i])))];
        return narrowing.All(pair => pair.Value.Length == pair.Key) ? null : narrowing;
    }
}

/// <summary>The rows to compute.</summary>
/// <param name="Before">Before a family's writes to a node.</param>
/// <param name="After">After them; the same where there are none.</param>
/// <param name="Pulled">Rows of which a gradient is pulled back.</param>
/// <param name="Writes">The writes that are carried out.</param>
/// <param name="ReadByVariants">By family, nodes of which variants read its rows, because they inherit them or take them from there.</param>
internal sealed record Slices(RowMap Before, RowMap After, RowMap Pulled, Dictionary<(int VariantGroup, int Node), WrittenNode> Writes, HashSet<(int VariantGroup, int Node)> ReadByVariants);

/// <summary>The writes of a family to a node.</summary>
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
