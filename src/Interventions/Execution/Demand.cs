using System.Collections.Immutable;
using Interventions.Binding;

namespace Interventions.Execution;

/// <summary>Which nodes' values are read at some points of the sweep.</summary>
internal sealed class Demand(BoundIntervention intervention)
{
    private readonly ImmutableArray<MethodReads> _methods = MethodReads.Of(intervention);

    /// <summary>Captures and gradients.</summary>
    public IEnumerable<BoundKeep> Keeps { get; } = [.. intervention.Captures, .. intervention.Gradients];

    /// <summary>The metrics that are differentiated.</summary>
    public IEnumerable<BoundMetric> Differentiated { get; } = [.. intervention.Gradients.Select(gradient => gradient.Metric)
        .Concat(intervention.Parameters.Select(parameter => parameter.Metric)).Distinct()];

    /// <summary>The nodes that methods read of another run than their own, of the runs with these numbers.</summary>
    public IEnumerable<string> Donors(Func<int, bool> which, IEnumerable<SweepPoint> points) =>
        points.SelectMany(point => Nodes(_methods, run => run is int number && which(number), point));

    /// <summary>The nodes that the writes of a run (null: the changed run) read in that very run.</summary>
    public IEnumerable<string> OfWrites(int? run, SweepPoint point) =>
        Nodes(_methods.Where(method => method.IsWrite && method.Run == run), read => read is null, point);

    /// <summary>The nodes that captures, gradients and metrics read of the run that they are kept of.</summary>
    public IEnumerable<string> Kept(IEnumerable<SweepPoint> points) => points.SelectMany(point =>
        Keeps.SelectMany(keep => keep.Site.Names(point))
            .Concat(Nodes(_methods.Where(method => !method.IsWrite), read => read is null, point)));

    /// <summary>The nodes whose gradients are kept.</summary>
    public IEnumerable<string> Gradients(IEnumerable<SweepPoint> points) =>
        points.SelectMany(point => intervention.Gradients.SelectMany(gradient => gradient.Site.Names(point))).Distinct();

    private static IEnumerable<string> Nodes(IEnumerable<MethodReads> methods, Func<int?, bool> which, SweepPoint point) =>
        methods.SelectMany(method => method.Sites(point)).Where(read => which(read.Run)).SelectMany(read => read.Site.Names(point));
}

/// <summary>What one method of a declaration reads.</summary>
/// <param name="Site">Its own site; a metric has none.</param>
/// <param name="Reads">Its parameters.</param>
internal sealed record MethodReads(BoundSite? Site, ImmutableArray<BoundRead> Reads)
{
    /// <summary>Whether the method writes; otherwise its value is kept.</summary>
    public bool IsWrite { get; private init; }

    /// <summary>The derived run that it writes; <see langword="null"/> where it writes the changed run, or does not write.</summary>
    public int? Run { get; private init; }

    /// <summary>All methods.</summary>
    public static ImmutableArray<MethodReads> Of(BoundIntervention intervention) =>
    [
        .. intervention.Writes.Select(write => new MethodReads(write.Site, write.Reads) { IsWrite = true, Run = write.Run }),
        .. intervention.Captures.Concat<BoundKeep>(intervention.Gradients).Select(keep => new MethodReads(keep.Site, keep.Reads)),
        .. intervention.Metrics.Select(metric => new MethodReads(null, metric.Reads)),
    ];

    /// <summary>
    /// The sites that it reads beside its own value, and of which run: <see langword="null"/> for the run that it writes or measures.
    /// </summary>
    public IEnumerable<(int? Run, BoundSite Site)> Sites(SweepPoint point)
    {
        foreach (BoundRead read in Reads)
        {
            if (read is BoundRead.From from)
                yield return (from.Run.At(point), from.Site ?? Site!);
            else if (read is BoundRead.Logits logits)
                yield return (logits.Run, logits.At);
            else if (read is BoundRead.Of of)
                yield return (null, of.Site);
        }
    }
}
