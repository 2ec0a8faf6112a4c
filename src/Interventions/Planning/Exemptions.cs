using Interventions.Binding;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>
/// Positions where a write without effect is expected, so that no warning is given: all positions of a freeze; for a copy from another
/// run, the tokens that the two runs have in common at the beginning of the prompt.
/// </summary>
internal static class Exemptions
{
    /// <summary>How many of a prompt's leading positions are exempt.</summary>
    /// <param name="intervention">The declaration.</param>
    /// <param name="write">The write.</param>
    /// <param name="point">The point of the sweep.</param>
    /// <param name="of">The run of the prompt set whose tokens are written.</param>
    /// <param name="tokens">The prompt's tokens in a run of the prompt set.</param>
    /// <param name="looksAhead">Whether positions depend on later tokens too.</param>
    public static int Leading(
        BoundIntervention intervention, BoundWrite write, SweepPoint point, int of, Func<int, RunTokens> tokens, bool looksAhead)
    {
        IReadOnlyList<long> own = tokens(of).Ids;
        if (write.Node.Kind is WriteKind.Freeze)
            return own.Count;
        int? leading = null;
        foreach (BoundRead.From from in write.Reads.OfType<BoundRead.From>().Where(from => from.Site is null))
        {
            foreach (int? run in Sources(intervention, from.Run.At(point), point))
            {
                if (run is not int source)
                    return 0;
                if (source != of)
                    leading = Math.Min(leading ?? own.Count, FirstDifference(own, tokens(source).Ids));
            }
        }
        return leading is not int agree || (looksAhead && agree < own.Count) ? 0 : agree;
    }

    /// <summary>The runs of the prompt set from which a run's values are copied; null for a write of the run that is no copy.</summary>
    private static IEnumerable<int?> Sources(BoundIntervention intervention, int run, SweepPoint point)
    {
        if (intervention.Runs.FirstOrDefault(derived => derived.Number == run) is not { } found)
            return [run];
        return intervention.Writes.SelectMany(write => write.Declared).Where(write => write.Run == run)
            .SelectMany(write => write.IsCopy && write.Reads[0] is BoundRead.From { Site: null } from
                ? Sources(intervention, from.Run.At(point), point)
                : [null])
            .Prepend(found.Of);
    }

    private static int FirstDifference(IReadOnlyList<long> left, IReadOnlyList<long> right)
    {
        int at = 0;
        while (at < left.Count && left[at] == right[at])
            at++;
        return at;
    }
}
