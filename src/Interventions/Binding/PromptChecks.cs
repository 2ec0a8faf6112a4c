using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Binding;

/// <summary>Refuses prompts that the model cannot read, before anything is computed.</summary>
internal static class PromptChecks
{
    /// <summary>The same for the prompts over which means are taken.</summary>
    public static void CheckReferences(BoundIntervention intervention, IPromptSet prompts, HookedModel model)
    {
        foreach (BoundRead.Mean mean in intervention.Means.DistinctBy(mean => mean.Over))
            if (mean.Over != prompts)
                Check(mean.Over, model);
    }

    /// <exception cref="InterventionException">A prompt does not fit the vocabulary, or the model.</exception>
    public static void Check(IPromptSet prompts, HookedModel model)
    {
        string set = prompts.Vocabulary.PromptSet;
        if (prompts.Prompts.Count == 0)
            throw new InterventionException($"{set} has no prompts; a run needs at least one.");
        for (int i = 0; i < prompts.Prompts.Count; i++)
        {
            PromptTokens prompt = prompts.Prompts[i] ?? throw new InterventionException($"prompt {i} of {set} is null.");
            CheckNames($"prompt {i} of {set}", "runs", prompt.Runs, prompts.Vocabulary.Runs);
            CheckNames($"prompt {i} of {set}", "answers", prompt.Answers, prompts.Vocabulary.Answers);
            for (int run = 0; run < prompt.Runs.Count; run++)
                CheckRun(prompts, i, run, model);
            foreach (long id in prompt.Answers)
                CheckToken(id, $"an answer of prompt {i} of {set}", model);
        }
    }

    private static void CheckRun(IPromptSet prompts, int prompt, int run, HookedModel model)
    {
        PromptVocabulary names = prompts.Vocabulary;
        RunTokens first = prompts.Prompts[prompt].Runs[0];
        string where = $"prompt {prompt} of {names.PromptSet}, run '{names.Runs[run]}'";
        if (prompts.Prompts[prompt].Runs[run] is not { Ids: { Count: > 0 } ids, Positions: var positions })
            throw new InterventionException($"{where} has no tokens.");
        CheckNames(where, "positions", positions, names.Positions);
        for (int position = 0; position < positions.Count; position++)
            if (positions[position] < 0 || positions[position] >= ids.Count)
                throw new InterventionException(
                    $"{where}: position '{names.Positions[position]}' is {positions[position]}, outside its {ids.Count} tokens.");
        if (ids.Count != first.Ids.Count)
            throw new InterventionException(
                $"The runs of prompt {prompt} of {names.PromptSet} differ in length: '{names.Runs[0]}' has {first.Ids.Count} tokens, " +
                $"'{names.Runs[run]}' has {ids.Count}. Patching needs them aligned token by token.");
        if (model.ContextLength is int most && ids.Count > most)
            throw new InterventionException($"{where} has {ids.Count} tokens; {model.Schema.Model} reads at most {most}.");
        foreach (long id in ids)
            CheckToken(id, where, model);
    }

    private static void CheckNames<T>(string where, string what, IReadOnlyList<T>? values, EquatableArray<string> names)
    {
        if (values is null || values.Count != names.Count)
            throw new InterventionException(
                $"{where} has {values?.Count ?? 0} {what}; its vocabulary names {names.Count}: {string.Join(", ", names)}.");
    }

    private static void CheckToken(long id, string where, HookedModel model)
    {
        if (id < 0 || id >= model.VocabularySize)
            throw new InterventionException(
                $"{where} has token {id}; {model.Schema.Model} knows tokens 0 to {model.VocabularySize - 1}. " +
                "Was it made with another model's tokenizer?");
    }
}
