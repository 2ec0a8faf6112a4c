using Interventions.ModelGraphs;
using Interventions.Sites;
using Interventions.Tables;

namespace Interventions.Binding;

/// <summary>Refuses reads and selections that new tokens do not have, before anything is generated.</summary>
/// <param name="intervention">The declaration.</param>
/// <param name="maxNewTokens">How many tokens are generated.</param>
internal sealed class GenerationChecks(BoundIntervention intervention, int maxNewTokens)
{
    private const string Remedy = "Say pos=prompt, or with a mean Pooled = true.";

    /// <exception cref="InterventionException">
    /// The context is too short, a selected step is never reached, or a method reads a value that does not exist at its steps.
    /// </exception>
    public static void Check(BoundIntervention intervention, HookedModel model, IPromptSet prompts, int maxNewTokens)
    {
        int longest = prompts.Prompts.Max(prompt => prompt.Runs[0].Ids.Count);
        if (model.ContextLength is int most && longest + maxNewTokens > most)
            throw new InterventionException(
                $"A prompt of {prompts.Vocabulary.PromptSet} has {TextTable.Count(longest, "token")}, and {maxNewTokens} are to be "
                + $"generated; {model.Schema.Model} reads at most {most}.");
        GenerationChecks checks = new(intervention, maxNewTokens);
        foreach (SweepPoint point in intervention.Points())
            checks.CheckAt(point);
    }

    private void CheckAt(SweepPoint point)
    {
        foreach (BoundWrite write in intervention.Writes)
            CheckMethod(write.Site, write.Reads, point);
        foreach (BoundCapture capture in intervention.Captures)
            CheckMethod(capture.Site, capture.Reads, point);
        foreach (BoundMetric metric in intervention.Metrics)
            foreach (BoundSite site in metric.Reads.NamedSites())
                CheckReached(site, point);
    }

    private void CheckMethod(BoundSite own, IEnumerable<BoundRead> reads, SweepPoint point)
    {
        CheckReached(own, point);
        bool isAtPrompt = own.AppliesAt(null, point), isAtSteps = own.AppliesAtSteps(point);
        int firstStep = own.NewItems(point).Select(item => item.First).DefaultIfEmpty(0).Min();
        foreach (BoundRead read in reads)
        {
            if (isAtSteps && read is BoundRead.Partner or BoundRead.Mean { Pooled: false })
            {
                string missing = read is BoundRead.Partner ? "no other prompt's value" : "no mean of their position";
                throw Wrong(own, $"selects new tokens, for which there is {missing}. {Remedy}");
            }
            if (read.NamedSite is not { } site)
                continue;
            CheckReached(site, point);
            if (isAtPrompt && !site.AppliesAt(null, point))
                throw Wrong(
                    own, $"selects the prompt, which is read before there are the new tokens of '{site.Text}': say pos=new here as well.");
            if (isAtSteps && site.NewItems(point).FirstOrDefault(item => item != NewTokens.Every && item.Last > firstStep) is { } later)
                throw new InterventionException(
                    $"{own.Where}: '{site.Text}' reads new token {later.Last}, which there is not yet at step {firstStep}, " +
                    $"where '{own.Text}' reads it.");
        }
    }

    /// <summary>Refuses a selection of new tokens that are never read again: the last one is not.</summary>
    private void CheckReached(BoundSite site, SweepPoint point)
    {
        int last = maxNewTokens - 2;
        if (site.NewItems(point).FirstOrDefault(item => item.First > last) is not { } item)
            return;
        string what = item == NewTokens.Every ? "new tokens" : $"new token {item.First}";
        string read = last < 0 ? "none is" : last == 0 ? "only new+0 is" : $"only new+0 to new+{last} are";
        throw Wrong(site, $"selects {what}, and of {maxNewTokens} generated {read} read again. Generate more.");
    }

    private static InterventionException Wrong(BoundSite site, string problem) => new($"{site.Where}: '{site.Text}' {problem}");
}
