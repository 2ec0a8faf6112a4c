using System.Runtime.CompilerServices;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Sites;
using Interventions.Tracing;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>Exploring without a class: a model's forward pass as a loop.</summary>
public static class ModelTracing
{
    /// <summary>
    /// The forward pass as a loop over sites: <c>foreach (var site in model.Trace("…", "blocks.*.attn.z", "logits")) { … }</c>. Nothing is
    /// computed before the loop begins.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="text">One prompt.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is
    /// computed.</param>
    /// <exception cref="InterventionException">A path names no site, or the model has no tokenizer.</exception>
    public static ModelTrace Trace(this HookedModel model, string text, params string[] sites) =>
        Traced(model, () => Text(model, text), sites);

    /// <inheritdoc cref="Trace(HookedModel, string, string[])"/>
    /// <param name="model">The model.</param>
    /// <param name="ids">Token ids, <c>[batch, pos]</c> or <c>[pos]</c>, int64, without padding.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is
    /// computed.</param>
    /// <exception cref="ArgumentException">The ids are not int64, one is outside the vocabulary, or there are more than the context
    /// holds.</exception>
    /// <exception cref="InterventionException">A path names no site.</exception>
    public static ModelTrace Trace(this HookedModel model, Tensor ids, params string[] sites) =>
        Traced(model, () => Ids(model, ids), sites);

    /// <inheritdoc cref="Trace(HookedModel, string, string[])"/>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, in their first run, padded on the right. Behind a prompt's last token values are 0, and what is
    /// written there is left out.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is
    /// computed.</param>
    /// <exception cref="InterventionException">A path names no site, or a prompt does not fit the model.</exception>
    public static ModelTrace Trace(this HookedModel model, IPromptSet prompts, params string[] sites) =>
        Traced(model, () => Prompts(model, prompts, null), sites);

    /// <inheritdoc cref="Trace(HookedModel, IPromptSet, string[])"/>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, padded on the right. Behind a prompt's last token values are 0, and what is written there is left
    /// out.</param>
    /// <param name="run">Which run of them; write its name, <c>run: "corrupted"</c>, since sites are texts too.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is
    /// computed.</param>
    /// <exception cref="InterventionException">A path names no site, there is no such run, or a prompt does not fit the model.</exception>
    [OverloadResolutionPriority(-1)]
    public static ModelTrace Trace(this HookedModel model, IPromptSet prompts, string run, params string[] sites)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Traced(model, () => Prompts(model, prompts, run), sites);
    }

    private static ModelTrace Traced(HookedModel model, Func<(Tensor Tokens, TracedPrompts? Prompts)> prompts, string[] sites)
    {
        ArgumentNullException.ThrowIfNull(model);
        ObjectDisposedException.ThrowIf(model.IsDisposed, model);
        return ModelTrace.Of(model, prompts, sites);
    }

    /// <summary>One run of a prompt set, padded on the right to the longest prompt.</summary>
    /// <exception cref="InterventionException">A prompt does not fit the model, or there is no such run.</exception>
    private static (Tensor, TracedPrompts?) Prompts(HookedModel model, IPromptSet prompts, string? run)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        PromptChecks.Check(prompts, model);
        PromptVocabulary vocabulary = prompts.Vocabulary;
        if (run is not null && VocabularyResolver.UnknownRun(run, vocabulary) is { } problem)
            throw new InterventionException($"Trace: {problem.Message}");
        PromptBatch all = PromptBatch.All(prompts);
        if (model.Graph.LooksAhead && !all.HasOneLength)
            throw new InterventionException(
                $"Trace: the prompts of {vocabulary.PromptSet} differ in length, and {model.Schema.Model} looks at all positions, "
                + "padding included. Trace those of one length together.");
        int number = run is null ? 0 : vocabulary.Runs.ToList().IndexOf(run);
        using DisposeScope scope = NewDisposeScope();
        return (
            all.Ids([number], model.Device).DetachFromDisposeScope(), new TracedPrompts(model.Schema, vocabulary, all, number));
    }

    /// <summary>Token ids as they are.</summary>
    /// <exception cref="ArgumentException">They are not int64 <c>[batch, pos]</c> or <c>[pos]</c>, do not fit into the context, or one is
    /// outside the vocabulary.</exception>
    private static (Tensor, TracedPrompts?) Ids(HookedModel model, Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        PromptChecks.CheckIds(ids, model, orOne: true);
        using DisposeScope scope = NewDisposeScope();
        Tensor tokens = ids.to(model.Device).view(-1, ids.shape[^1]).clone().DetachFromDisposeScope();
        // Ids on the meta device are no numbers, which prompts have.
        if (tokens.device_type == DeviceType.META)
            return (tokens, null);
        TokenPrompts prompts = new([.. tokens.cpu().data<long>().Chunk((int)tokens.shape[1])]);
        return (tokens, new TracedPrompts(model.Schema, prompts.Vocabulary, PromptBatch.All(prompts), 0));
    }

    /// <summary>One text.</summary>
    /// <exception cref="InterventionException">The model has no tokenizer, or the text is more than it reads.</exception>
    private static (Tensor, TracedPrompts?) Text(HookedModel model, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        IReadOnlyList<long> ids = model.Encode(text)
            ?? throw new InterventionException(
                $"Trace: {model.Schema.Model} has no tokenizer, so it cannot read a text. Give token ids, or a prompt set.");
        if (ids.Count == 0)
            throw new InterventionException("Trace: the text is empty; a pass needs at least one token.");
        using DisposeScope scope = NewDisposeScope();
        return Ids(model, tensor(ids.ToArray(), device: model.Device));
    }
}
