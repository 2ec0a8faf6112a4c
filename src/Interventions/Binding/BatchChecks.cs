using System.Globalization;
using Interventions.ModelGraphs;

namespace Interventions.Binding;

/// <summary>
/// A method that mixes prompts gets all of them at once, or the run is refused before anything is computed: in several batches it would
/// return other values.
/// </summary>
internal static class BatchChecks
{
    /// <exception cref="InterventionException">
    /// The prompts do not fit into one batch, or differ in length where that decides how much is selected.
    /// </exception>
    public static void Check(BoundIntervention intervention, IPromptSet prompts, int batchSize, ModelGraph graph)
    {
        int[] lengths = [.. prompts.Prompts.Select(prompt => prompt.Runs[0].Ids.Count).Distinct().Order()];
        string tokens = $"{lengths[0]} to {lengths[^1]} tokens";
        int batches = PromptBatch.Of(prompts, batchSize, graph).Count();
        foreach ((string name, IEnumerable<BoundSite> sites) in Mixing(intervention))
        {
            string needsAll = NeedsAll(intervention, name, prompts);
            if (graph.LooksAhead && lengths.Length > 1)
                throw new InterventionException(
                    $"{needsAll}; they have {tokens}, and a model whose tokens see later ones runs prompts of different length apart.");
            if (batches > 1)
                throw new InterventionException(
                    $"{needsAll}, which are {batches} batches: set {nameof(RunOptions.BatchSize)} to {prompts.Prompts.Count}.");
            if (lengths.Length > 1 && sites.FirstOrDefault(site => site.IsRagged) is { } ragged)
                throw new InterventionException(
                    $"{needsAll}; '{ragged.Text}' selects more of some than of others, as they have {tokens}. Select positions by name.");
        }
    }

    /// <exception cref="InterventionException">The prompts would have to be run in smaller batches to fit into the budget.</exception>
    public static void CheckBudget(BoundIntervention intervention, IPromptSet prompts, int batchSize, long bytes, long budget)
    {
        if (batchSize < prompts.Prompts.Count && Mixing(intervention).Select(mixing => mixing.Name).FirstOrDefault() is { } name)
            throw new InterventionException(
                $"{NeedsAll(intervention, name, prompts)}: about {MiB(bytes)}, and {nameof(RunOptions.MemoryBudget)} is {MiB(budget)}.");
    }

    /// <summary>Bytes as people read them.</summary>
    public static string MiB(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");

    private static string NeedsAll(BoundIntervention intervention, string method, IPromptSet prompts) =>
        $"{intervention.Name}.{method} is declared [AcrossBatch], so that it needs all {prompts.Prompts.Count} prompts at once";

    /// <summary>The methods that mix prompts, with the sites that they see.</summary>
    private static IEnumerable<(string Name, IEnumerable<BoundSite> Sites)> Mixing(BoundIntervention intervention) =>
    [
        .. intervention.Writes.SelectMany(write => write.Declared)
            .Where(write => write.Node.AcrossBatch).Select(write => (write.Node.Name, write.Selected)),
        .. intervention.Kept
            .Where(keep => keep.AcrossBatch).Select(keep => (keep.Name, keep.Reads.OtherSites().Prepend(keep.Site))),
        .. intervention.Metrics
            .Where(metric => metric.Node.AcrossBatch).Select(metric => (metric.Node.Name, metric.Reads.OtherSites())),
    ];
}
