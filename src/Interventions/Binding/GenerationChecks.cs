using Interventions.ModelGraphs;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>Refuses what new tokens do not have, before anything is generated.</summary>
internal static class GenerationChecks
{
    /// <exception cref="InterventionException">The context is too short, a selected step is never reached, or a method reads what there is not at its steps.</exception>
    public static void Check(BoundIntervention intervention, HookedModel model, IPromptSet prompts, GenerationOptions options)
    {
        int longest = prompts.Prompts.Max(prompt => prompt.Runs[0].Ids.Count);
        if (model.ContextLength is int most && longest + options.MaxNewTokens > most)
            throw new InterventionException(
                $"A prompt of {prompts.Vocabulary.PromptSet} has {longest} tokens, and {options.MaxNewTokens} are to be generated; {model.Schema.Model} reads at most {most}.");

        foreach (SweepPoint point in intervention.Points())
        {
            foreach (BoundWrite write in intervention.Writes)
                CheckMethod(write.Site, write.Reads, point);
            foreach (BoundCapture capture in intervention.Captures)
                CheckMethod(capture.Site, capture.Reads, point);
            foreach (BoundMetric metric in intervention.Metrics)
                foreach (BoundSite site in metric.Reads.NamedSites())
                    CheckReached(site, point);
        }

        void CheckMethod(BoundSite own, IEnumerable<BoundRead> reads, SweepPoint point)
        {
            CheckReached(own, point);
            bool isAtPrompt = own.AppliesAt(null, point), isAtSteps = own.AppliesAtSteps(point);
            int firstStep = own.NewItems(point).Select(item => item.First).DefaultIfEmpty(0).Min();
            foreach (BoundRead read in reads)
            {
                if (isAtSteps && read is BoundRead.Partner or BoundRead.Mean { Pooled: false })
                    throw new InterventionException(
                        $"{own.Where}: '{own.Text}' selects new tokens, for which there is {(read is BoundRead.Partner ? "no other prompt's value" : "no mean of their position")}. {Remedy}");
                if (read.NamedSite is not { } site)
                    continue;
                CheckReached(site, point);
                if (isAtPrompt && !site.AppliesAt(null, point))
                    throw new InterventionException($"{own.Where}: '{own.Text}' selects the prompt, which is read before there are the new tokens of '{site.Text}': say pos=new here as well.");
                if (isAtSteps && site.NewItems(point).FirstOrDefault(item => item != NewTokens.Every && item.Last > firstStep) is { } later)
                    throw new InterventionException($"{own.Where}: '{site.Text}' reads new token {later.Last}, which there is not yet at step {firstStep}, where '{own.Text}' reads it.");
            }
        }

        void CheckReached(BoundSite site, SweepPoint point)
        {
            int last = options.MaxNewTokens - 2;
            foreach (SelectionItem item in site.NewItems(point))
                if (item.First > last)
                    throw new InterventionException(
                        $"{site.Where}: '{site.Text}' selects {(item == NewTokens.Every ? "new tokens" : $"new token {item.First}")}, and of {options.MaxNewTokens} generated {(last < 0 ? "none is" : last == 0 ? "only new+0 is" : $"only new+0 to new+{last} are")} read again. Generate more.");
        }
    }

    private const string Remedy = "Say pos=prompt, or with a mean Pooled = true.";
}
