using System.Collections.Immutable;
using Interventions.Binding;

namespace Interventions.Planning;

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

    /// <summary>What its method reads.</summary>
    public ImmutableArray<BoundRead> Reads => Keep?.Reads ?? Metric!.Reads;

    /// <summary>A point at which all variants of the group read the same nodes and positions as at their own.</summary>
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
