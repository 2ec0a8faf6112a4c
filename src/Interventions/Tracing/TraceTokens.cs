using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tracing;

/// <summary>What a trace reads, as token ids that it owns.</summary>
internal static class TraceTokens
{
    /// <summary>One run of a prompt set, padded on the right to the longest prompt.</summary>
    /// <exception cref="InterventionException">A prompt does not fit the model, or there is no such run.</exception>
    public static Tensor Of(HookedModel model, IPromptSet prompts, string? run)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        PromptChecks.Check(prompts, model);
        PromptVocabulary vocabulary = prompts.Vocabulary;
        if (run is not null && VocabularyResolver.UnknownRun(run, vocabulary) is { } problem)
            throw new InterventionException($"Trace: {problem.Message}");
        PromptBatch all = new(prompts, [.. Enumerable.Range(0, prompts.Prompts.Count)]);
        if (model.Graph.LooksAhead && !all.HasOneLength)
            throw new InterventionException($"Trace: the prompts of {vocabulary.PromptSet} differ in length, and {model.Schema.Model} looks at all positions, padding included. Trace those of one length together.");
        using DisposeScope scope = NewDisposeScope();
        return all.Ids([run is null ? 0 : vocabulary.Runs.ToList().IndexOf(run)], model.Device).DetachFromDisposeScope();
    }

    /// <summary>Token ids as they are.</summary>
    /// <exception cref="ArgumentException">They are not int64 <c>[batch, pos]</c> or <c>[pos]</c>, do not fit into the context, or one is outside the vocabulary.</exception>
    public static Tensor Of(HookedModel model, Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        PromptChecks.CheckIds(ids, model, orOne: true);
        using DisposeScope scope = NewDisposeScope();
        return ids.to(model.Device).view(-1, ids.shape[^1]).clone().DetachFromDisposeScope();
    }

    /// <summary>One text.</summary>
    /// <exception cref="InterventionException">The model has no tokenizer, or the text is more than it reads.</exception>
    public static Tensor Of(HookedModel model, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        IReadOnlyList<long> ids = model.Encode(text)
            ?? throw new InterventionException($"Trace: {model.Schema.Model} has no tokenizer, so it cannot read a text. Give token ids, or a prompt set.");
        if (ids.Count == 0)
            throw new InterventionException("Trace: the text is empty; a pass needs at least one token.");
        using DisposeScope scope = NewDisposeScope();
        return Of(model, tensor(ids.ToArray(), device: model.Device));
    }
}
