using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Binding;

/// <summary>Refuses prompts and token ids that the model cannot read, before anything is computed.</summary>
internal static class PromptChecks
{
    /// <summary>Checks the prompts over which means are taken.</summary>
    public static void CheckReferences(BoundIntervention intervention, IPromptSet prompts, HookedModel model)
    {
        foreach (BoundRead.Mean mean in intervention.Means.DistinctBy(mean => mean.Over))
            if (mean.Over != prompts)
                Check(mean.Over, model);
    }

    /// <summary>Checks that every prompt fits its vocabulary, the model's context and the model's tokens.</summary>
    public static void Check(IPromptSet prompts, HookedModel model)
    {
        PromptVocabulary vocabulary = prompts.Vocabulary;
        string name = model.Schema.Model;
        if (prompts.Prompts.Count == 0)
            throw new InterventionException($"{vocabulary.PromptSet} has no prompts; a run needs at least one.");
        for (int i = 0; i < prompts.Prompts.Count; i++)
        {
            PromptTokens prompt = prompts.Prompts[i];
            if (Misfit(prompt, i, vocabulary) is string misfit)
                throw new InterventionException(misfit);
            for (int run = 0; run < prompt.Runs.Count; run++)
            {
                string where = $"prompt {i} of {vocabulary.PromptSet}, run '{vocabulary.Runs[run]}'";
                if (model.ContextLength is int most && prompt.Runs[run].Ids.Count > most)
                    throw new InterventionException($"{where} has {prompt.Runs[run].Ids.Count} tokens; {name} reads at most {most}.");
                foreach (long id in prompt.Runs[run].Ids)
                    CheckToken(id, where);
            }
            foreach (long id in prompt.Answers)
                CheckToken(id, $"an answer of prompt {i} of {vocabulary.PromptSet}");
        }

        void CheckToken(long id, string where)
        {
            if (id < 0 || id >= model.VocabularySize)
            {
                throw new InterventionException(
                    $"{where} has token {id}; {name} knows tokens 0 to {model.VocabularySize - 1}. "
                    + "Was it made with another model's tokenizer?");
            }
        }
    }

    /// <summary>Compares a prompt with the vocabulary of its set.</summary>
    /// <returns>A sentence on the first difference, or <see langword="null"/> if there is none.</returns>
    public static string? Misfit(PromptTokens? prompt, int number, PromptVocabulary vocabulary)
    {
        string where = $"prompt {number} of {vocabulary.PromptSet}";
        return prompt is null
            ? $"{where} is null."
            : WrongCount(where, "runs", prompt.Runs, vocabulary.Runs)
            ?? WrongCount(where, "answers", prompt.Answers, vocabulary.Answers)
            ?? vocabulary.Runs.Select((_, run) => RunMisfit(prompt, run, where, vocabulary)).FirstOrDefault(misfit => misfit is not null);
    }

    /// <summary>Checks token ids that are not in a prompt set.</summary>
    /// <param name="ids">The ids, <c>[batch, pos]</c>.</param>
    /// <param name="model">The model that reads them.</param>
    /// <param name="following">The number of tokens that will be generated after them; the context must hold these too.</param>
    /// <param name="orOne">Whether one prompt, <c>[pos]</c>, is allowed.</param>
    /// <param name="isText">Whether the model reads them as prompts, so that the context must hold them.</param>
    /// <exception cref="ArgumentException">The ids are not of that shape, exceed the context, or one is outside the vocabulary.</exception>
    public static void CheckIds(Tensor ids, HookedModel model, int following = 0, bool orOne = false, bool isText = true)
    {
        if (ids.dtype != ScalarType.Int64 || !(ids.shape is [> 0, > 0] || (orOne && ids.shape is [> 0])))
        {
            string expected = orOne ? "[batch, pos] or [pos]" : "[batch, pos]";
            throw new ArgumentException($"Token ids must be int64 {expected}, and are {ids.dtype} {Shapes.Describe(ids)}.", nameof(ids));
        }
        long length = ids.shape[^1] + following;
        if (isText && model.ContextLength is int most && length > most)
            throw new ArgumentException($"{length} tokens are more than the {most} that {model.Schema.Model} reads.", nameof(ids));
        if (ids.device_type == DeviceType.META)
            return;
        using DisposeScope scope = NewDisposeScope();
        long least = ids.min().item<long>(), greatest = ids.max().item<long>();
        if (least < 0 || greatest >= model.VocabularySize)
        {
            throw new ArgumentException(
                $"Token id {(least < 0 ? least : greatest)} is outside the vocabulary of {model.VocabularySize}.", nameof(ids));
        }
    }

    private static string? RunMisfit(PromptTokens prompt, int run, string where, PromptVocabulary vocabulary)
    {
        string at = $"{where}, run '{vocabulary.Runs[run]}'";
        if (prompt.Runs[run] is not { Ids: { Count: > 0 } ids, Positions: var positions })
            return $"{at} has no tokens.";
        if (WrongCount(at, "positions", positions, vocabulary.Positions) is string misfit)
            return misfit;
        for (int i = 0; i < positions.Count; i++)
            if (positions[i] < 0 || positions[i] >= ids.Count)
                return $"{at}: position '{vocabulary.Positions[i]}' is {positions[i]}, outside its {TextTable.Count(ids.Count, "token")}.";
        int first = prompt.Runs[0].Ids.Count;
        return ids.Count == first
            ? null
            : $"The runs of {where} differ in length: '{vocabulary.Runs[0]}' has {TextTable.Count(first, "token")}, "
            + $"'{vocabulary.Runs[run]}' has {ids.Count}. Patching needs them aligned token by token; choose words of equally many "
            + "tokens.\n"
            + RunAlignment.Report(prompt.Runs[0], prompt.Runs[run], vocabulary.Runs[0], vocabulary.Runs[run]);
    }

    private static string? WrongCount<T>(string where, string what, IReadOnlyList<T>? values, EquatableArray<string> names) =>
        values?.Count == names.Count
            ? null
            : $"{where} has {values?.Count ?? 0} {what}; its vocabulary names {names.Count}: {string.Join(", ", names)}.";
}

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
                    BoundRead.Mean mean when mean.Over == prompts => (mean.Site ?? own, TokensOf(mean.Run), all),
                    BoundRead.Mean mean => (
                        mean.In((mean.Site ?? own)!), [mean.Run.At(SweepPoint.None)], PromptBatch.All(mean.Over)),
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
