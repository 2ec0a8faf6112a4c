using Interventions.Binding;

namespace Interventions.Planning;

/// <summary>One value that is kept of every variant of a group, and the node after which everything that it reads is there.</summary>
/// <param name="Group">The group.</param>
/// <param name="Keep">The capture or gradient; null for a metric.</param>
/// <param name="Metric">The metric.</param>
/// <param name="Point">The point of an unchanged run's value that depends on it; null: the variant's own.</param>
/// <param name="NameIndex">Which of the nodes that the site names.</param>
/// <param name="Part">Its place in what is stacked.</param>
/// <param name="After">The node after which it is kept; <see cref="NodeId.AfterAll"/>: gradients included.</param>
/// <param name="Reads">The nodes that are read.</param>
internal sealed record KeptItem(VariantGroup Group, BoundKeep? Keep, BoundMetric? Metric, SweepPoint? Point, int NameIndex, int Part, NodeId After, IReadOnlyList<NodeId> Reads)
{
    /// <summary>Everything that is kept of some groups. Which nodes a swept site names differs between the variants' points only if their groups do.</summary>
    public static IEnumerable<KeptItem> Of(Expansion plan, IEnumerable<VariantGroup> groups)
    {
        foreach (VariantGroup group in groups)
        {
            if (!group.IsMeasured)
                continue;
            foreach (BoundKeep keep in plan.Intervention.Kept)
            {
                int part = 0;
                foreach (SweepPoint? point in PointsOf(plan, group, keep.IsSwept))
                {
                    int name = 0;
                    foreach (string node in keep.Site.Names(point ?? group.Point))
                    {
                        NodeId[] reads = [plan.Id(node), .. ReadNodes(plan, keep.Reads, point ?? group.Point)];
                        yield return new KeptItem(group, keep, null, point, name++, part++, keep is BoundGradient ? NodeId.AfterAll : reads.MaxBy(read => read.Index), reads);
                    }
                }
            }
            foreach (BoundMetric metric in plan.Intervention.Metrics)
            {
                int part = 0;
                foreach (SweepPoint? point in PointsOf(plan, group, metric.IsSwept))
                {
                    NodeId[] reads = [.. ReadNodes(plan, metric.Reads, point ?? group.Point)];
                    bool isDifferentiated = plan.Intervention.Gradients.Any(gradient => gradient.Metric == metric) || plan.Intervention.Parameters.Any(parameter => parameter.Metric == metric);
                    yield return new KeptItem(group, null, metric, point, 0, part++, isDifferentiated ? NodeId.AfterAll : reads.DefaultIfEmpty(NodeId.Tokens).MaxBy(read => read.Index), reads);
                }
            }
        }
    }

    /// <summary>Null stands for the variant's own point.</summary>
    private static IEnumerable<SweepPoint?> PointsOf(Expansion plan, VariantGroup group, bool isSwept)
    {
        if (!group.IsUnchanged)
            return [null];
        return isSwept ? plan.Points : [SweepPoint.None];
    }

    private static IEnumerable<NodeId> ReadNodes(Expansion plan, IEnumerable<BoundRead> reads, SweepPoint point) => reads
        .Select(read => read switch
        {
            BoundRead.From from => from.Site,
            BoundRead.Of of => of.Site,
            BoundRead.Logits logits => logits.At,
            _ => null,
        })
        .OfType<BoundSite>().Select(site => plan.Id(site.Names(point).Single()));
}
