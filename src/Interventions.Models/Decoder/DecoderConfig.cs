namespace Interventions.Models.Decoder;

/// <summary>What a decoder is made of: all that its forward pass depends on, except the weights.</summary>
/// <remarks>
/// Families translate their <c>config.json</c> to it (<c>Gpt2Model.Configure</c> and <c>LlamaModel.Configure</c> make one by hand).
/// </remarks>
public sealed record DecoderConfig
{
    /// <summary>The family's name: <c>model_type</c> of <c>config.json</c>.</summary>
    public required string Family { get; init; }

    /// <summary>How many blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>How many query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>How many key/value heads; divides <see cref="Heads"/>. Query head h reads key/value head h / (heads / kv_heads).</summary>
    public required int KvHeads { get; init; }

    /// <summary>The width of a head.</summary>
    public required int DHead { get; init; }

    /// <summary>The width of the residual stream.</summary>
    public required int DModel { get; init; }

    /// <summary>The width of the feed-forward block.</summary>
    public required int Neurons { get; init; }

    /// <summary>How many different tokens.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The most tokens that the model reads.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The norm before attention, before the feed-forward block and before the unembedding.</summary>
    public required NormKind Norm { get; init; }

    /// <summary>The ε that is added to the variance or mean square.</summary>
    public required double NormEpsilon { get; init; }

    /// <summary>The nonlinearity of the feed-forward block.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Whether the activation multiplies a second projection, <c>mlp.pre_linear</c> (Shazeer 2020, arXiv:2002.05202).</summary>
    public bool GatedMlp { get; init; }

    /// <summary>Rotary positions; <see langword="null"/> means learned ones, <c>pos_embed</c>.</summary>
    public RotaryConfig? Rotary { get; init; }

    /// <summary>The factor of q·k, usually 1/√d_head.</summary>
    public required double ScoreScale { get; init; }

    /// <summary>Whether scores are divided by layer + 1 as well.</summary>
    public bool ScoreScaleByLayer { get; init; }

    /// <summary>How many keys a query sees, its own included; <see langword="null"/> means all up to its own.</summary>
    public int? Window { get; init; }

    /// <summary>Whether the query, key and value projections have biases.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Whether the attention's output projection has a bias.</summary>
    public bool AttentionOutBias { get; init; }

    /// <summary>Whether the feed-forward projections have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Whether the unembedding is the embedding.</summary>
    public bool TiedUnembedding { get; init; }

    /// <summary>The factor of a layer's q·k.</summary>
    public double ScoreScaleOf(int layer) => ScoreScaleByLayer ? ScoreScale / (layer + 1) : ScoreScale;

    /// <summary>This record, if its numbers fit together.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    public DecoderConfig Checked()
    {
        (string Name, int Value)[] sizes =
        [
            (nameof(Layers), Layers), (nameof(Heads), Heads), (nameof(KvHeads), KvHeads), (nameof(DHead), DHead), (nameof(DModel), DModel),
            (nameof(Neurons), Neurons), (nameof(VocabularySize), VocabularySize), (nameof(ContextLength), ContextLength),
            (nameof(Window), Window ?? 1),
        ];
        foreach ((string name, int value) in sizes)
            if (value < 1)
                throw new ArgumentException($"{name} must be at least 1, and is {value}.");
        if (Heads % KvHeads != 0)
            throw new ArgumentException($"{Heads} query heads cannot share {KvHeads} key/value heads evenly.");
        if (Rotary is not null && DHead % 2 != 0)
            throw new ArgumentException($"Rotary positions need an even head width, and it is {DHead}.");
        return this;
    }
}

/// <summary>How the residual stream is normalised before it is read.</summary>
public enum NormKind
{
    /// <summary>(x − mean) / √(variance + ε) · gain + bias (Ba et al. 2016, arXiv:1607.06450).</summary>
    LayerNorm,

    /// <summary>x / √(mean square + ε) · gain (Zhang and Sennrich 2019, arXiv:1910.07467).</summary>
    RmsNorm,
}

/// <summary>The nonlinearity of the feed-forward block.</summary>
public enum Activation
{
    /// <summary>gelu, approximated by tanh: ½x(1 + tanh(√(2/π)(x + 0.044715x³))) (Hendrycks and Gimpel 2016, arXiv:1606.08415).</summary>
    GeluTanh,

    /// <summary>x·Φ(x), by the error function.</summary>
    Gelu,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x·sigmoid(x).</summary>
    Silu,
}
