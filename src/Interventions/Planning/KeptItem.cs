using Interventions.Binding;

namespace Interventions.Planning;

/// <summary>One value that is kept of every member of a family, and the node after which everything that it reads is there.</summary>
/// <param name="VariantGroup">The family.</param>
/// <param name="Keep">The capture or gradient; null for a metric.</param>
/// <param name="Metric">The metric.</param>
/// <param name="Point">The point of an unchanged run's value that depends on it; null: the member's own.</param>
/// <param name="NameIndex">Which of the nodes that the site names.</param>
/// <param name="Part">Its place in what is stacked.</param>
/// <param name="Node">The node after which it is kept; <see cref="int.MaxValue"/>: after everything, gradients included.</param>
/// <param name="Reads">The nodes that are read.</param>
internal sealed record KeptItem(VariantGroup VariantGroup, BoundKeep? Keep, BoundMetric? Metric, SweepPoint? Point, int NameIndex, int Part, int Node, IReadOnlyList<int> Reads)
{
    /// <summary>Everything that is kept of some families. Which nodes a swept site names differs between the members' points only if their families do.</summary>
    public static IEnumerable<KeptItem> Of(PlanContext plan, IEnumerable<VariantGroup> families)
    {
        foreach (VariantGroup family in families)
        {
            if (!family.IsMeasured)
                continue;
            foreach (BoundKeep keep in plan.Intervention.Kept)
            {
                int part = 0;
                foreach (SweepPoint? point in PointsOf(plan, family, keep.IsSwept))
                {
                    int name = 0;
                    foreach (string node in keep.Site.Names(point ?? family.Point))
                    {
                        int[] reads = [plan.Index(node), .. ReadNodes(plan, keep.Reads, point ?? family.Point)];
                        yield return new KeptItem(family, keep, null, point, name++, part++, keep is BoundGradient ? int.MaxValue : reads.Max(), reads);
                    }
                }
            }
            foreach (BoundMetric metric in plan.Intervention.Metrics)
            {
                int part = 0;
                foreach (SweepPoint? point in PointsOf(plan, family, metric.IsSwept))
                {
                    int[] reads = [.. ReadNodes(plan, metric.Reads, point ?? family.Point)];
                    bool isDifferentiated = plan.Intervention.Gradients.Any(gradient => gradient.Metric == metric) || plan.Intervention.Parameters.Any(parameter => parameter.Metric == metric);
                    yield return new KeptItem(family, null, metric, point, 0, part++, isDifferentiated ? int.MaxValue : reads.DefaultIfEmpty(0).Max(), reads);
                }
            }
        }
    }

    /// <summary>Null stands for the member's own point.</summary>
    private static IEnumerable<SweepPoint?> PointsOf(PlanContext plan, VariantGroup family, bool isSwept)
    {
        if (!family.IsUnchanged)
            return [null];
        return isSwept ? plan.Points : [SweepPoint.None];
    }

    private static IEnumerable<int> ReadNodes(PlanContext plan, IEnumerable<BoundRead> reads, SweepPoint point) => reads
        .Select(read => read switch
        {
            BoundRead.From from => from.Site,
            BoundRead.Of of => of.Site,
            BoundRead.Logits logits => logits.At,
            _ => null,
        })
        .OfType<BoundSite>().Select(site => plan.Index(site.Names(point).Single()));
}
