using System.Collections.Immutable;
using Interventions.Binding;

namespace Interventions.Execution;

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
        .. intervention.Kept.Select(keep => new MethodReads(keep.Site, keep.Reads)),
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
