using System.Collections.Immutable;
using Interventions.Runtime;

namespace Interventions.Binding;

/// <summary>
/// Positions where a write without effect is expected, so that no warning is given: all positions of a freeze; for a copy from another run,
/// the tokens that the two runs have in common at the beginning of the prompt.
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
        if (write.Node is { Kind: WriteKind.Freeze } or { Uncompared: true })
            return own.Count;
        int? leading = null;
        foreach (BoundRead.From from in Donors(write))
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

    /// <summary>
    /// Prompts of which a write selects exempt positions alone, at all points of the sweep that read the same runs. Their runs are no pair
    /// for it: in a mean over prompts they count as if the write had no effect.
    /// </summary>
    /// <param name="intervention">The declaration.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="looksAhead">Whether positions depend on later tokens too.</param>
    /// <param name="generates">Whether writes are made at new tokens too.</param>
    /// <returns>The prompts' numbers, by the write's number.</returns>
    public static IReadOnlyDictionary<int, ImmutableArray<int>> Alike(
        BoundIntervention intervention, IPromptSet prompts, bool looksAhead, bool generates)
    {
        PromptBatch all = PromptBatch.All(prompts);
        BoundWrite[] writes = [.. intervention.Writes.SelectMany(write => write.Declared)];
        string[] sweptRuns = [.. writes.SelectMany(Donors).Select(from => from.Run.Sweep).OfType<string>().Distinct()];
        return writes.Where(write => write.Node.Kind is not WriteKind.Freeze && Donors(write).Any())
            .ToDictionary(write => write.Number, Of);

        ImmutableArray<int> Of(BoundWrite write)
        {
            int of = intervention.TokensOf(write);
            string? sweptPlace = write.Site.Axes[write.Site.PositionAxis].Placeholder;
            SweepPoint[][] points =
            [
                .. intervention.Points()
                    .DistinctBy(point => (Runs(point), sweptPlace is null ? default : point[sweptPlace]))
                    .GroupBy(Runs, (_, same) => same.ToArray()),
            ];
            return [.. all.Rows.Where(row => points.Any(same => same.All(point => IsExempt(write, of, point, row))))];
        }

        string Runs(SweepPoint point) => string.Join('|', sweptRuns.Select(name => point[name]));

        bool IsExempt(BoundWrite write, int of, SweepPoint point, int row)
        {
            int leading = Leading(intervention, write, point, of, run => all.Tokens(run, row), looksAhead);
            // Runs whose prompts are the same throughout go on with the same new tokens.
            return leading == all.Length(row)
                || (leading > 0 && !(generates && write.Site.NamesNewTokens(point))
                    && all.Positions(write.Site, write.Site.PositionAxis, point, of, row).All(position => position < leading));
        }
    }

    /// <summary>The parameters of a write that are its own site's value in another run.</summary>
    private static IEnumerable<BoundRead.From> Donors(BoundWrite write) =>
        write.Reads.OfType<BoundRead.From>().Where(from => from.Site is null);

    /// <summary>The runs of the prompt set from which a run's values come; null for values that a write makes.</summary>
    private static IEnumerable<int?> Sources(BoundIntervention intervention, int run, SweepPoint point) =>
        intervention.Runs.FirstOrDefault(derived => derived.Number == run) is not { } found
            ? [run]
            : intervention.Writes.SelectMany(write => write.Declared).Where(write => write.Run == run)
                .SelectMany(write => write.IsCopy && write.Reads[0] is BoundRead.From { Site: null } from
                    ? Sources(intervention, from.Run.At(point), point)
                    : [null])
                .Prepend(found.Of);

    private static int FirstDifference(IReadOnlyList<long> left, IReadOnlyList<long> right)
    {
        int at = 0;
        while (at < left.Count && left[at] == right[at])
            at++;
        return at;
    }
}
