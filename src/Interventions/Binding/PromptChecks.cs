using Interventions.ModelGraphs;
using Interventions.Runtime;
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
    /// <exception cref="ArgumentException">The ids are not of that shape, exceed the context, or one is outside the vocabulary.</exception>
    public static void CheckIds(Tensor ids, HookedModel model, int following = 0, bool orOne = false)
    {
        if (ids.dtype != ScalarType.Int64 || !(ids.shape is [> 0, > 0] || (orOne && ids.shape is [> 0])))
        {
            string expected = orOne ? "[batch, pos] or [pos]" : "[batch, pos]";
            throw new ArgumentException($"Token ids must be int64 {expected}, and are {ids.dtype} {Shapes.Describe(ids)}.", nameof(ids));
        }
        long length = ids.shape[^1] + following;
        if (model.ContextLength is int most && length > most)
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
                return $"{at}: position '{vocabulary.Positions[i]}' is {positions[i]}, outside its {ids.Count} tokens.";
        int first = prompt.Runs[0].Ids.Count;
        return ids.Count == first
            ? null
            : $"The runs of {where} differ in length: '{vocabulary.Runs[0]}' has {first} tokens, '{vocabulary.Runs[run]}' has {ids.Count}. "
            + "Patching needs them aligned token by token; choose words of equally many tokens.";
    }

    private static string? WrongCount<T>(string where, string what, IReadOnlyList<T>? values, EquatableArray<string> names) =>
        values?.Count == names.Count
            ? null
            : $"{where} has {values?.Count ?? 0} {what}; its vocabulary names {names.Count}: {string.Join(", ", names)}.";
}
