using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>Refuses selections that lie outside a prompt, before anything is computed.</summary>
internal static class PositionChecks
{
    /// <summary>Looks at every selection in every prompt, in the runs in which it is read or written.</summary>
    /// <param name="intervention">The declaration.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="generates">Whether there will be new tokens: then a selection of these alone is no mistake.</param>
    /// <exception cref="InterventionException">A position lies outside a prompt, or a range is empty in it.</exception>
    public static void Check(BoundIntervention intervention, IPromptSet prompts, bool generates = false)
    {
        PromptBatch all = PromptBatch.All(prompts);
        SweepPoint[] points = [.. intervention.Points()];
        int[] everyRun = [.. Enumerable.Range(0, prompts.Vocabulary.Runs.Count)];
        foreach (BoundWrite write in intervention.Writes)
            CheckMethod(write.Site, write.Run is int run ? TokensOf(new DonorRun(run)) : [intervention.BaseRun], write.Reads);
        foreach (BoundKeep kept in intervention.Kept)
            CheckMethod(kept.Site, everyRun, kept.Reads);
        foreach (BoundMetric metric in intervention.Metrics)
            CheckMethod(null, everyRun, metric.Reads);

        int[] TokensOf(DonorRun donor) => [.. (donor.Sweep is null ? [SweepPoint.None] : points).Select(donor.At).Distinct()
            .Select(run => intervention.Runs.FirstOrDefault(derived => derived.Number == run)?.Of ?? run)];

        void CheckMethod(BoundSite? own, int[] runs, IEnumerable<BoundRead> reads)
        {
            if (own is not null)
                CheckSite(own, runs, all);
            foreach (BoundRead read in reads)
            {
                (BoundSite? site, int[] of, PromptBatch over) = read switch
                {
                    BoundRead.From from => (from.Site ?? own, TokensOf(from.Run), all),
                    BoundRead.Partner partner => (own, TokensOf(partner.Run), all),
                    BoundRead.Mean mean when mean.Over == prompts => (own, TokensOf(mean.Run), all),
                    BoundRead.Mean mean => (mean.In(own!), [mean.Run.At(SweepPoint.None)], PromptBatch.All(mean.Over)),
                    BoundRead.Of same => (same.Site, runs, all),
                    BoundRead.Logits logits => (logits.At, logits.Run is int run ? [run] : runs, all),
                    _ => ((BoundSite?)null, runs, all),
                };
                if (site is not null)
                    CheckSite(site, of, over);
            }
        }

        void CheckSite(BoundSite site, int[] runs, PromptBatch batch)
        {
            for (int axis = 0; axis < site.Axes.Length; axis++)
            {
                if (!site.IsPositional(axis))
                    continue;
                IEnumerable<SweepPoint> different =
                    site.Axes[axis].Placeholder is string swept ? points.DistinctBy(point => point[swept]) : [SweepPoint.None];
                foreach (SweepPoint point in different.Where(point => !generates || site.SelectionAt(axis, point).OfPrompt() is not null))
                    foreach (int run in runs)
                        foreach (int row in batch.Rows)
                            batch.Positions(site, axis, point, run, row);
            }
        }
    }
}
