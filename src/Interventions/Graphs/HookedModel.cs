using Interventions.Sites;
using Interventions.Tracing;
using TorchSharp;

namespace Interventions.Graphs;

/// <summary>A model that can be intervened on: its names, its forward pass as a graph, and the weights that the graph borrows.</summary>
/// <remarks>A model of one's own needs <see cref="Schema"/>, most often the generated <c>DeclaredSchema</c>, and <see cref="Graph"/>; see <c>examples/UserModel</c>.</remarks>
public abstract class HookedModel : IDisposable
{
    private readonly List<torch.Tensor> _owned = [];

    /// <summary>The names of this very model, sizes included.</summary>
    public abstract ModelSchema Schema { get; }

    /// <summary>Its forward pass.</summary>
    public abstract ModelGraph Graph { get; }

    /// <summary>The most tokens that it can read; <see langword="null"/>, as by default, when nothing limits it.</summary>
    public virtual int? ContextLength => null;

    /// <summary>How many different tokens it knows. Default: the size of the schema's axis <c>vocab</c>.</summary>
    /// <exception cref="InvalidOperationException">The schema has no such axis.</exception>
    public virtual int VocabularySize => Schema.SizeOf("vocab")
        ?? throw new InvalidOperationException($"{Schema.Model} has no axis 'vocab': declare [Axis(\"vocab\", …)], or override {nameof(VocabularySize)}.");

    /// <summary>The device that holds its weights. Default: that of the first <see cref="Own">owned</see> weight, or the CPU.</summary>
    public virtual torch.Device Device => _owned.Count > 0 ? _owned[0].device : torch.CPU;

    /// <summary>Whether the weights are freed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>The text of tokens, without special tokens; <see langword="null"/> where the model has no tokenizer.</summary>
    /// <param name="tokens">Token ids.</param>
    public virtual string? Decode(IEnumerable<long> tokens) => null;

    /// <summary>The tokens of a text, special tokens included; <see langword="null"/> where the model has no tokenizer.</summary>
    /// <param name="text">The text.</param>
    public virtual IReadOnlyList<long>? Encode(string text) => null;

    /// <summary>
    /// The forward pass to walk through, site by site: <c>foreach (var site in model.Trace("…", "blocks.*.attn.z", "logits")) { … }</c>. Nothing is computed before the loop begins.
    /// </summary>
    /// <param name="text">One prompt.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is computed.</param>
    /// <exception cref="InterventionException">A path names no site, or the model has no tokenizer.</exception>
    public ModelTrace Trace(string text, params string[] sites) => Traced(() => TraceTokens.Of(this, text), sites);

    /// <inheritdoc cref="Trace(string, string[])"/>
    /// <param name="ids">Token ids, <c>[batch, pos]</c> or <c>[pos]</c>, int64, without padding.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is computed.</param>
    /// <exception cref="ArgumentException">The ids are not int64, one is outside the vocabulary, or there are more than the context holds.</exception>
    /// <exception cref="InterventionException">A path names no site.</exception>
    public ModelTrace Trace(torch.Tensor ids, params string[] sites) => Traced(() => TraceTokens.Of(this, ids), sites);

    /// <inheritdoc cref="Trace(string, string[])"/>
    /// <param name="prompts">The prompts, in their first run, padded on the right: what is behind a prompt's own tokens means nothing, and must not be made attention's key.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is computed.</param>
    /// <exception cref="InterventionException">A path names no site, or a prompt does not fit the model.</exception>
    public ModelTrace Trace(IPromptSet prompts, params string[] sites) => Traced(() => TraceTokens.Of(this, prompts, null), sites);

    /// <inheritdoc cref="Trace(string, string[])"/>
    /// <param name="prompts">The prompts, padded on the right: what is behind a prompt's own tokens means nothing, and must not be made attention's key.</param>
    /// <param name="sites">Which sites are offered; without any, all of the model. The last of them is the last value that is computed.</param>
    /// <param name="run">Which run of them.</param>
    /// <exception cref="InterventionException">A path names no site, there is no such run, or a prompt does not fit the model.</exception>
    public ModelTrace Trace(IPromptSet prompts, IEnumerable<string> sites, string run) => Traced(() => TraceTokens.Of(this, prompts, run), [.. sites]);

    /// <summary>
    /// Identifies the weights: other weights have another text. <see langword="null"/> where the model does not say; then a run into a file is refused, since nobody could tell whether it
    /// goes on with the weights that it was begun with. Most often <see cref="WeightsChecksum.Of"/>.
    /// </summary>
    public virtual string? WeightsFingerprint() => null;

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        IsDisposed = true;
        Dispose(disposing: true);
        foreach (torch.Tensor weight in _owned)
            weight.Dispose();
        _owned.Clear();
        GC.SuppressFinalize(this);
    }

    /// <summary>Takes a weight over, out of any dispose scope: it is freed with the model. Returns it.</summary>
    protected torch.Tensor Own(torch.Tensor weight)
    {
        _owned.Add(weight.DetachFromDisposeScope());
        return weight;
    }

    /// <summary>Frees what the derived model owns beside its <see cref="Own">owned</see> weights. Default: nothing.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    private ModelTrace Traced(Func<torch.Tensor> tokens, string[] sites)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return ModelTrace.Of(this, tokens, sites);
    }
}
