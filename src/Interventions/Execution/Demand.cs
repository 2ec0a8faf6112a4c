using Interventions.Binding;

namespace Interventions.Execution;

/// <summary>Which nodes' values are read at some points of the sweep.</summary>
internal sealed class Demand(BoundIntervention intervention)
{
    /// <summary>Captures and gradients.</summary>
    public IEnumerable<BoundKeep> Keeps { get; } = [.. intervention.Captures, .. intervention.Gradients];

    /// <summary>The metrics that are differentiated.</summary>
    public IEnumerable<BoundMetric> Differentiated { get; } =
        [.. intervention.Gradients.Select(gradient => gradient.Metric).Concat(intervention.Parameters.Select(parameter => parameter.Metric)).Distinct()];

    /// <summary>Nodes that are read of other runs, of those with these numbers.</summary>
    public IEnumerable<string> Donors(Func<int, bool> which, IEnumerable<SweepPoint> points) => points.SelectMany(point =>
        intervention.Writes.Select(write => ((BoundSite?)write.Site, write.Reads))
            .Concat(Keeps.Select(keep => ((BoundSite?)keep.Site, keep.Reads)))
            .Concat(intervention.Metrics.Select(metric => ((BoundSite?)null, metric.Reads)))
            .SelectMany(one => one.Reads.OfType<BoundRead.From>().Where(from => which(from.Run.At(point))).SelectMany(from => (from.Site ?? one.Item1!).Names(point))));

    /// <summary>Nodes that the writes of a run (null: the changed one) read in that very run.</summary>
    public IEnumerable<string> OfWrites(int? run, SweepPoint point) => intervention.Writes.Where(write => write.Run == run)
        .SelectMany(write => write.Reads.OfType<BoundRead.Of>()).SelectMany(of => of.Site.Names(point));

    /// <summary>Nodes that captures, gradients and metrics read of the run that they are kept of.</summary>
    public IEnumerable<string> Kept(IEnumerable<SweepPoint> points) => points.SelectMany(point =>
        Keeps.SelectMany(keep => keep.Site.Names(point))
            .Concat(Keeps.Select(keep => keep.Reads).Concat(intervention.Metrics.Select(metric => metric.Reads))
                .SelectMany(reads => reads.Select(read => read switch { BoundRead.Of of => of.Site, BoundRead.Logits logits => logits.At, _ => null }))
                .OfType<BoundSite>().SelectMany(site => site.Names(point))));

    /// <summary>Nodes whose gradients are kept.</summary>
    public IEnumerable<string> Gradients(IEnumerable<SweepPoint> points) =>
        points.SelectMany(point => intervention.Gradients.SelectMany(gradient => gradient.Site.Names(point))).Distinct();
}
