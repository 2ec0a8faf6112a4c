using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;

namespace Interventions.Binding;

/// <summary>A method that mixes prompts gets all of them at once, or the run is refused before anything is computed: in several batches it would give something else.</summary>
internal static class BatchChecks
{
    /// <exception cref="InterventionException">The prompts do not fit into one batch, or differ in length where that decides how much is selected.</exception>
    public static void Check(BoundIntervention intervention, IPromptSet prompts, int batchSize, ModelGraph graph)
    {
        int count = prompts.Prompts.Count;
        int[] lengths = [.. prompts.Prompts.Select(prompt => prompt.Runs[0].Ids.Count).Distinct().Order()];
        int batches = PromptBatch.Of(prompts, batchSize, graph).Count();
        foreach ((string name, ImmutableArray<BoundSite> sites) in Mixing(intervention))
        {
            string what = $"{intervention.Name}.{name} is declared [AcrossBatch], so that it needs all {count} prompts at once";
            if (graph.LooksAhead && lengths.Length > 1)
                throw new InterventionException($"{what}; they have {lengths[0]} to {lengths[^1]} tokens, and a model whose tokens see later ones runs prompts of different length apart.");
            if (batches > 1)
                throw new InterventionException($"{what}, which are {batches} batches: set {nameof(RunOptions.BatchSize)} to {count}.");
            if (lengths.Length > 1 && sites.FirstOrDefault(site => site.IsRagged) is { } ragged)
                throw new InterventionException($"{what}; '{ragged.Text}' selects more of some than of others, as they have {lengths[0]} to {lengths[^1]} tokens. Select positions by name.");
        }
    }

    /// <exception cref="InterventionException">The prompts would have to be run in smaller batches to fit into the budget.</exception>
    public static void CheckBudget(BoundIntervention intervention, IPromptSet prompts, int batchSize, long bytes, long budget)
    {
        int count = prompts.Prompts.Count;
        if (batchSize < count && Mixing(intervention).Select(mixing => mixing.Name).FirstOrDefault() is { } name)
            throw new InterventionException(
                $"{intervention.Name}.{name} is declared [AcrossBatch], so that it needs all {count} prompts at once: about {MiB(bytes)}, and {nameof(RunOptions.MemoryBudget)} is {MiB(budget)}.");
    }

    /// <summary>Bytes as people read them.</summary>
    public static string MiB(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");

    private static IEnumerable<(string Name, ImmutableArray<BoundSite> Sites)> Mixing(BoundIntervention intervention) =>
    [
        .. intervention.Writes.SelectMany(write => write.Declared).Where(write => write.Node.AcrossBatch).Select(write => (write.Node.Name, write.Selected.ToImmutableArray())),
        .. intervention.Captures.Where(capture => capture.Node.AcrossBatch).Select(capture => (capture.Name, capture.Reads.OtherSites().Prepend(capture.Site).ToImmutableArray())),
        .. intervention.Gradients.Where(gradient => gradient.Node.AcrossBatch).Select(gradient => (gradient.Name, gradient.Reads.OtherSites().Prepend(gradient.Site).ToImmutableArray())),
        .. intervention.Metrics.Where(metric => metric.Node.AcrossBatch).Select(metric => (metric.Node.Name, metric.Reads.OtherSites().ToImmutableArray())),
    ];
}
