using System.Collections.Concurrent;
using System.Globalization;
using TorchSharp;

namespace Interventions.ModelGraphs;

/// <summary>
/// A model that can be intervened on: its site names, its forward pass as a graph, and the weights that the graph borrows.
/// </summary>
/// <remarks>
/// A model of one's own needs a <see cref="Schema"/>, most often the generated <c>DeclaredSchema</c>, and a <see cref="Graph"/>; see
/// <c>examples/UserModel</c>.
/// </remarks>
public abstract class HookedModel : IDisposable
{
    private readonly List<torch.Tensor> _owned = [];

    /// <summary>Texts of single tokens, so that each is decoded once.</summary>
    private readonly ConcurrentDictionary<long, string> _texts = [];

    /// <summary>The sites and axes of this model, with their sizes.</summary>
    public abstract ModelSchema Schema { get; }

    /// <summary>Its forward pass.</summary>
    public abstract ModelGraph Graph { get; }

    /// <summary>The most tokens that it can read. Default: <see langword="null"/>, no limit.</summary>
    public virtual int? ContextLength => null;

    /// <summary>The number of different tokens. Default: the size of the schema's axis <c>vocab</c>.</summary>
    /// <exception cref="InvalidOperationException">The schema has no such axis.</exception>
    public virtual int VocabularySize => Schema.SizeOf("vocab")
        ?? throw new InvalidOperationException(
            $"{Schema.Model} has no axis 'vocab': declare [Axis(\"vocab\", …)], or override {nameof(VocabularySize)}.");

    /// <summary>The device that holds its weights. Default: that of the first <see cref="Own">owned</see> weight, or the CPU.</summary>
    public virtual torch.Device Device => _owned.Count > 0 ? _owned[0].device : torch.CPU;

    /// <summary>Whether the weights are freed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>The text of tokens, without special tokens; <see langword="null"/> if the model has no tokenizer.</summary>
    /// <param name="tokens">Token ids.</param>
    public virtual string? Decode(IEnumerable<long> tokens) => null;

    /// <summary>The tokens of a text, special tokens included; <see langword="null"/> if the model has no tokenizer.</summary>
    /// <param name="text">The text.</param>
    public virtual IReadOnlyList<long>? Encode(string text) => null;

    /// <summary>
    /// The tokens of a piece of text as it stands within a text, without special tokens; <see langword="null"/> if the model has no
    /// tokenizer.
    /// </summary>
    /// <param name="text">The piece, with the space in front where it has one.</param>
    public virtual IReadOnlyList<long>? EncodePiece(string text) => null;

    /// <summary>
    /// The tokens with which the model ends a text, for <see cref="GenerationOptions.StopAtEnd"/>. Default: none.
    /// </summary>
    public virtual IReadOnlyList<long> EndTokens => [];

    /// <summary>
    /// Identifies the weights: other weights have another text. Most often <see cref="WeightsChecksum.Of"/>. Default:
    /// <see langword="null"/>, so that a run into a file is refused, because a later call could go on with other weights unnoticed.
    /// </summary>
    public virtual string? WeightsFingerprint() => null;

    /// <summary>
    /// What was done to the weights after they were trained, as results say it; <see langword="null"/>, the default, if nothing was.
    /// </summary>
    public virtual string? WeightsNote => null;

    /// <summary>The text of one token, for results; without a tokenizer, or for a special token, its id: <c>#12</c>.</summary>
    internal string TextOf(long token) => _texts.GetOrAdd(
        token, one => Decode([one]) is { Length: > 0 } text ? text : string.Create(CultureInfo.InvariantCulture, $"#{one}"));

    /// <summary>A token's name, for results: as the vocabulary writes it where it has no text. Default: its text or its id.</summary>
    internal virtual string NameOf(long token) => TextOf(token);

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

    /// <summary>Takes over a weight, out of its dispose scope, and returns it: it is freed with the model.</summary>
    protected torch.Tensor Own(torch.Tensor weight)
    {
        _owned.Add(weight.DetachFromDisposeScope());
        return weight;
    }

    /// <summary>
    /// Frees everything that the derived model owns beside its <see cref="Own">owned</see> weights. Default: does nothing.
    /// </summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
