using Interventions.ModelGraphs;
using Interventions.Tracing;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>Exploring without a class: a model's forward pass as a loop.</summary>
public static class ModelTracing
{
    /// <summary>
    /// The forward pass to walk through, site by site: <c>foreach (var site in model.Trace("…", "blocks.*.attn.z", "logits")) { … }</c>. Nothing is computed before the loop begins.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="text">One prompt.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is computed.</param>
    /// <exception cref="InterventionException">A path names no site, or the model has no tokenizer.</exception>
    public static ModelTrace Trace(this HookedModel model, string text, params string[] sites) => Traced(model, () => TraceTokens.Of(model, text), sites);

    /// <inheritdoc cref="Trace(HookedModel, string, string[])"/>
    /// <param name="model">The model.</param>
    /// <param name="ids">Token ids, <c>[batch, pos]</c> or <c>[pos]</c>, int64, without padding.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is computed.</param>
    /// <exception cref="ArgumentException">The ids are not int64, one is outside the vocabulary, or there are more than the context holds.</exception>
    /// <exception cref="InterventionException">A path names no site.</exception>
    public static ModelTrace Trace(this HookedModel model, Tensor ids, params string[] sites) => Traced(model, () => TraceTokens.Of(model, ids), sites);

    /// <inheritdoc cref="Trace(HookedModel, string, string[])"/>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, in their first run, padded on the right: what is behind a prompt's own tokens means nothing, and must not be made attention's key.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is computed.</param>
    /// <exception cref="InterventionException">A path names no site, or a prompt does not fit the model.</exception>
    public static ModelTrace Trace(this HookedModel model, IPromptSet prompts, params string[] sites) => Traced(model, () => TraceTokens.Of(model, prompts, null), sites);

    /// <inheritdoc cref="Trace(HookedModel, string, string[])"/>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, padded on the right: what is behind a prompt's own tokens means nothing, and must not be made attention's key.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is computed.</param>
    /// <param name="run">Which run of them.</param>
    /// <exception cref="InterventionException">A path names no site, there is no such run, or a prompt does not fit the model.</exception>
    public static ModelTrace Trace(this HookedModel model, IPromptSet prompts, IEnumerable<string> sites, string run) => Traced(model, () => TraceTokens.Of(model, prompts, run), [.. sites]);

    private static ModelTrace Traced(HookedModel model, Func<Tensor> tokens, string[] sites)
    {
        ArgumentNullException.ThrowIfNull(model);
        ObjectDisposedException.ThrowIf(model.IsDisposed, model);
        return ModelTrace.Of(model, tokens, sites);
    }
}
