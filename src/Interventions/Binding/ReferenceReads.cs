using System.Collections.Immutable;
using Interventions.Runtime;

namespace Interventions.Binding;

/// <summary>Something that a method reads of other prompts than its own: at its site, of one node, at one point of the sweep.</summary>
internal sealed record ReferenceRead<TRead>(TRead Read, BoundSite Site, string Node, SweepPoint Point)
    where TRead : BoundRead;

/// <summary>Finds what an intervention reads of other prompts.</summary>
internal static class ReferenceReads
{
    /// <summary>Every read of one kind, of every node and point.</summary>
    public static IEnumerable<ReferenceRead<TRead>> Of<TRead>(BoundIntervention intervention)
        where TRead : BoundRead
    {
        (BoundSite Site, TRead Read)[] found = [.. Methods(intervention).SelectMany(method => method.Reads.OfType<TRead>().Select(read => (method.Site, read)))];
        return found.Length == 0
            ? []
            : intervention.Points().SelectMany(point => found.SelectMany(one => one.Site.Names(point).Select(node => new ReferenceRead<TRead>(one.Read, one.Site, node, point))));
    }

    private static IEnumerable<(BoundSite Site, ImmutableArray<BoundRead> Reads)> Methods(BoundIntervention intervention) => intervention.Writes
        .SelectMany(write => write.Parts.Prepend(write)).Select(write => (write.Site, write.Reads))
        .Concat(intervention.Captures.Concat<BoundKeep>(intervention.Gradients).Select(keep => (keep.Site, keep.Reads)));
}
