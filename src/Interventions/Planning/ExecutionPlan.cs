using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>The computation of batches of one shape: by pass and node, the rows, the writes to them, and when they are freed.</summary>
/// <param name="Expansion">The variants, the prompts, and the values that are kept.</param>
/// <param name="Own">The rows in which variants differ from their parents.</param>
/// <param name="Slices">Those of them that are computed.</param>
/// <param name="Passes">The order in which they are computed.</param>
/// <param name="Writes">How many values each write selects and writes, and where nothing reads it.</param>
internal sealed record ExecutionPlan(
    Expansion Expansion, OwnRows Own, Slices Slices, ImmutableArray<PlanPass> Passes, PlannedWrites Writes)
{
    /// <summary>How many nodes are computed, over all passes.</summary>
    public int StepCount => Passes.Sum(pass => pass.Nodes.Length);

    /// <summary>How many bytes of rows are alive at once at most, by estimate.</summary>
    public long PeakBytes => Passes.Max(pass => pass.PeakBytes);

    /// <summary>Expand, share, slice, and schedule, which batches the rows of each pass.</summary>
    public static ExecutionPlan Create(PlanRequest request)
    {
        Expansion expansion = Expansion.Of(request);
        OwnRows own = Sharing.Of(expansion);
        Slices slices = Slicing.Of(expansion, own);
        return new ExecutionPlan(expansion, own, slices, Scheduling.Of(expansion, slices), Count(expansion, own, slices));
    }

    private static PlannedWrites Count(Expansion expansion, OwnRows own, Slices slices)
    {
        PlannedWrites writes = WriteCounting.Of(expansion, own, slices);
        if (!expansion.Request.IsStrict)
            return writes;
        // A strict run writes some values only to see the effect of a later write. An ordinary run writes those that are read.
        Expansion ordinary = Expansion.Of(expansion.Request with { IsStrict = false });
        OwnRows ordinaryOwn = Sharing.Of(ordinary);
        PlannedWrites read = WriteCounting.Of(ordinary, ordinaryOwn, Slicing.Of(ordinary, ordinaryOwn));
        return read with { Counts = [.. writes.Counts.Zip(read.Counts, (strict, other) => strict with { Read = other.Written })] };
    }
}

/// <summary>One value that is kept of every variant of a group, and the time at which all that it reads is computed.</summary>
/// <param name="Group">The group.</param>
/// <param name="Keep">The capture or gradient; null for a metric.</param>
/// <param name="Metric">The metric; null for a capture or gradient.</param>
/// <param name="Point">
/// The point of the sweep, for the value of an unchanged run that depends on it; null for all other values, which are kept at their
/// variant's own point.
/// </param>
/// <param name="Part">Its place among the values that are stacked in the result.</param>
/// <param name="After">The node after which it is kept; <see cref="NodeId.AfterAll"/> if it needs gradients.</param>
/// <param name="Nodes">The nodes that are read; the first one is that of the capture's or gradient's own site.</param>
internal sealed record KeptItem(
    VariantGroup Group, BoundKeep? Keep, BoundMetric? Metric, SweepPoint? Point, int Part, NodeId After, ImmutableArray<NodeId> Nodes)
{
    /// <summary>The node of the capture's or gradient's own site; null for a metric.</summary>
    public NodeId? Site => Keep is null ? null : Nodes[0];

    /// <summary>The nodes whose gradients its method reads; none of a capture or a metric.</summary>
    public IEnumerable<(BoundSite Site, NodeId Node)> Differentiated => Keep is not BoundGradient ? [] : Reads
        .Where(read => read.NamedSite is not null).Zip(Nodes.Skip(1)).Where(read => read.First is BoundRead.Gradient)
        .Select(read => (read.First.NamedSite!, read.Second)).Prepend((Keep.Site, Nodes[0]));

    /// <summary>The values that its method reads.</summary>
    public ImmutableArray<BoundRead> Reads => Keep?.Reads ?? Metric!.Reads;

    /// <summary>The arguments of its method.</summary>
    public ImmutableArray<BoundRead> Arguments => Keep?.Arguments ?? Metric!.Arguments;

    /// <summary>A point that selects the nodes and positions that are read; any point of the group does.</summary>
    public SweepPoint SomePoint => Point ?? Group.Point;

    /// <summary>All that is kept of some groups. All variants of a group keep values of the same nodes.</summary>
    public static IEnumerable<KeptItem> Of(
        NodeNumbers nodes, BoundIntervention intervention, IEnumerable<VariantGroup> groups, ImmutableArray<SweepPoint> points)
    {
        foreach (VariantGroup group in groups.Where(group => group.IsMeasured))
        {
            foreach (BoundKeep keep in intervention.Kept)
            {
                int part = 0;
                foreach (SweepPoint? point in PointsOf(group, keep.IsSwept))
                {
                    foreach (string node in keep.Site.Names(point ?? group.Point))
                    {
                        ImmutableArray<NodeId> read = [nodes[node], .. Nodes(keep.Reads, point ?? group.Point)];
                        NodeId after = keep is BoundGradient ? NodeId.AfterAll : Last(read);
                        yield return new KeptItem(group, keep, null, point, part++, after, read);
                    }
                }
            }
            foreach (BoundMetric metric in intervention.Metrics)
            {
                int part = 0;
                foreach (SweepPoint? point in PointsOf(group, metric.IsSwept))
                {
                    ImmutableArray<NodeId> read = [.. Nodes(metric.Reads, point ?? group.Point)];
                    NodeId after = IsDifferentiated(metric) ? NodeId.AfterAll : Last(read);
                    yield return new KeptItem(group, null, metric, point, part++, after, read);
                }
            }
        }

        // A run of the prompt set has no point of its own: a value that depends on the point is kept there for every point.
        IEnumerable<SweepPoint?> PointsOf(VariantGroup group, bool isSwept)
        {
            if (!group.IsUnchanged)
                return [null];
            return isSwept ? points : [SweepPoint.None];
        }

        IEnumerable<NodeId> Nodes(IEnumerable<BoundRead> reads, SweepPoint point) =>
            reads.NamedSites().Select(site => nodes[site.Names(point).Single()]);

        bool IsDifferentiated(BoundMetric metric) => intervention.Gradients.Any(gradient => gradient.Metric == metric)
            || intervention.Parameters.Any(parameter => parameter.Metric == metric);

        static NodeId Last(ImmutableArray<NodeId> read) => read.Aggregate(NodeId.Tokens, NodeId.Max);
    }
}

/// <summary>
/// Rows of a table that lie together: the same positions of the prompts of one class, for some variants of some groups. Their order is
/// variant, prompt, position.
/// </summary>
/// <param name="Class">The prompt class.</param>
/// <param name="Prompts">How many prompts the class has.</param>
/// <param name="Positions">The positions, ascending.</param>
/// <param name="Groups">The groups: how many variants each has here, and which variant of the set is the group's first.</param>
/// <param name="Variants">How many variants the set has.</param>
/// <param name="Offset">The place of the first row in the table.</param>
internal sealed record RowSet(
    int Class,
    int Prompts,
    ImmutableArray<int> Positions,
    ImmutableArray<(VariantGroup Group, int First, int Count)> Groups,
    int Variants,
    int Offset)
{
    /// <summary>How many sequences of positions the set has: one for each variant and prompt.</summary>
    public int Lanes => Variants * Prompts;

    /// <summary>How many rows the set has.</summary>
    public int Size => Lanes * Positions.Length;

    /// <summary>Whether two tables have the same rows in the same order.</summary>
    public static bool AreSame(ImmutableArray<RowSet> left, ImmutableArray<RowSet> right) =>
        left == right || (left.Length == right.Length && left.Zip(right).All(pair => AreSame(pair.First, pair.Second)));

    /// <summary>The row of a variant (counted in the set), a prompt (counted in its class) and a position (counted in the set).</summary>
    public int Row(int variant, int prompt, int position) => Offset + (((variant * Prompts) + prompt) * Positions.Length) + position;

    private static bool AreSame(RowSet left, RowSet right) =>
        left.Class == right.Class && left.Offset == right.Offset
        && left.Positions.AsSpan().SequenceEqual(right.Positions.AsSpan())
        && left.Groups.AsSpan().SequenceEqual(right.Groups.AsSpan());

    /// <summary>The rows of one group, before they are put into a set with those of other groups.</summary>
    /// <param name="Group">The group.</param>
    /// <param name="Variants">How many of its variants.</param>
    /// <param name="Class">The prompt class.</param>
    /// <param name="Positions">The positions.</param>
    public readonly record struct OfGroup(VariantGroup Group, int Variants, int Class, PositionSet Positions);
}

/// <summary>A set of positions for every variant group, node and prompt class.</summary>
internal sealed class RowMap
{
    private readonly PositionSet[] _sets;
    private readonly int _nodes, _classes;

    private RowMap(int groups, int nodes, int classes)
    {
        _sets = new PositionSet[groups * nodes * classes];
        _nodes = nodes;
        _classes = classes;
    }

    public PositionSet this[VariantGroup group, NodeId node, int promptClass] => _sets[First(group, node) + promptClass];

    /// <summary>Whether a group has rows of a node in any class.</summary>
    public bool Any(VariantGroup group, NodeId node)
    {
        foreach (PositionSet positions in Of(group, node))
            if (!positions.IsEmpty)
                return true;
        return false;
    }

    /// <summary>The positions of a group at a node, one set a class.</summary>
    public ReadOnlySpan<PositionSet> Of(VariantGroup group, NodeId node) => _sets.AsSpan(First(group, node), _classes);

    private int First(VariantGroup group, NodeId node) => ((group.Index * _nodes) + node.Index) * _classes;

    /// <summary>A map that one step of planning fills in; the other steps read <see cref="Rows"/>.</summary>
    public sealed class Builder(Expansion plan)
    {
        /// <summary>The map.</summary>
        public RowMap Rows { get; } = new(plan.Groups.Length, plan.Nodes.All.Length, plan.Classes.Length);

        public ref PositionSet this[VariantGroup group, NodeId node, int promptClass] =>
            ref Rows._sets[Rows.First(group, node) + promptClass];
    }
}
