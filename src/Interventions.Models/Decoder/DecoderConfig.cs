using Interventions.Runtime;

namespace Interventions.Models.Decoder;

/// <summary>What a decoder is made of: all that its forward pass depends on, except the weights.</summary>
/// <remarks>
/// Families translate their <c>config.json</c> to it (<c>Gpt2Model.Configure</c> and <c>LlamaModel.Configure</c> make one by hand). What is
/// not said is as in a GPT-2: one norm before each part of a block, parts after each other, no scales and no caps.
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

    /// <summary>
    /// The width of the feed-forward block; of one expert, where there are <see cref="Experts"/>; 0 where there is no such block.
    /// </summary>
    public required int Neurons { get; init; }

    /// <summary>How many different tokens.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The most tokens that the model reads.</summary>
    public required int ContextLength { get; init; }

    /// <summary>How attention and the feed-forward block stand to each other.</summary>
    public BlockKind Block { get; init; }

    /// <summary>The formula of all norms.</summary>
    public required NormKind Norm { get; init; }

    /// <summary>Whether attention and the feed-forward block read the residual stream through norms, <c>ln1</c> and <c>ln2</c>.</summary>
    public bool NormsBefore { get; init; } = true;

    /// <summary>Whether their outputs go through norms, <c>ln1_post</c> and <c>ln2_post</c>, before they are added.</summary>
    public bool NormsAfter { get; init; }

    /// <summary>Whether the unembedding reads the residual stream through a norm, <c>ln_final</c>.</summary>
    public bool FinalNorm { get; init; } = true;

    /// <summary>Whether norms have no gain and no bias.</summary>
    public bool PlainNorms { get; init; }

    /// <summary>Whether a stored gain is what the factor is above 1.</summary>
    public bool GainsAboveOne { get; init; }

    /// <summary>Whether the embedding goes through a norm, <c>embed_norm</c>.</summary>
    public bool EmbeddingNorm { get; init; }

    /// <summary>What a half-precision model computes in float32 beside norms up to their gains, softmax and rotary angles.</summary>
    public WideParts Wide { get; init; }

    /// <summary>The ε that is added to the variance or mean square.</summary>
    public required double NormEpsilon { get; init; }

    /// <summary>The nonlinearity of the feed-forward block.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Whether the activation multiplies a second projection, <c>mlp.pre_linear</c> (Shazeer 2020, arXiv:2002.05202).</summary>
    public bool GatedMlp { get; init; }

    /// <summary>The experts of which a router chooses some for each token; <see langword="null"/> for one feed-forward block.</summary>
    public ExpertConfig? Experts { get; init; }

    /// <summary>Rotary positions; without them and without <see cref="Alibi"/> positions are learned, <c>pos_embed</c>.</summary>
    public RotaryConfig? Rotary { get; init; }

    /// <summary>Rotary positions of the layers with a <see cref="Window"/>, where they differ from those of the others.</summary>
    public RotaryConfig? WindowRotary { get; init; }

    /// <summary>Whether a key's position times a slope for each head is added to scores (Press et al. 2021, arXiv:2108.12409).</summary>
    public bool Alibi { get; init; }

    /// <summary>The row of <c>pos_embed</c> that position 0 reads.</summary>
    public int PositionOffset { get; init; }

    /// <summary>The largest size of queries, keys and values as projected; larger ones are cut.</summary>
    public double? QkvClip { get; init; }

    /// <summary>The norm of queries and keys.</summary>
    public QkNorm QkNorm { get; init; }

    /// <summary>The factor of q·k, usually 1/√d_head.</summary>
    public required double ScoreScale { get; init; }

    /// <summary>Whether scores are divided by layer + 1 as well.</summary>
    public bool ScoreScaleByLayer { get; init; }

    /// <summary>Scores s become cap · tanh(s / cap); <see langword="null"/> if they stay.</summary>
    public double? ScoreCap { get; init; }

    /// <summary>Whether queries see the keys behind them too, as in an encoder; such a model continues no text.</summary>
    public bool LooksAhead { get; init; }

    /// <summary>How many keys a query sees, its own included; <see langword="null"/> means all up to its own.</summary>
    public int? Window { get; init; }

    /// <summary>The layers in which a query sees all keys up to its own although there is a <see cref="Window"/>, ascending.</summary>
    public EquatableArray<int> GlobalLayers { get; init; }

    /// <summary>Whether the query, key and value projections have biases.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Whether the attention's output projection has a bias.</summary>
    public bool AttentionOutBias { get; init; }

    /// <summary>Whether the feed-forward projections have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>The factor of the token embedding.</summary>
    public double EmbeddingScale { get; init; } = 1;

    /// <summary>The factor of what attention and the feed-forward block add to the residual stream.</summary>
    public double ResidualScale { get; init; } = 1;

    /// <summary>Whether the unembedding is the embedding.</summary>
    public bool TiedUnembedding { get; init; }

    /// <summary>Whether the unembedding has a bias.</summary>
    public bool UnembeddingBias { get; init; }

    /// <summary>The divisor of the logits.</summary>
    public double LogitDivisor { get; init; } = 1;

    /// <summary>Logits x become cap · tanh(x / cap); <see langword="null"/> if they stay.</summary>
    public double? LogitCap { get; init; }

    /// <summary>Whether blocks have a feed-forward part.</summary>
    public bool HasMlp => Block != BlockKind.AttentionOnly;

    /// <summary>Whether positions are learned, <c>pos_embed</c>.</summary>
    public bool LearnedPositions => Rotary is null && !Alibi;

    /// <summary>The factor of a layer's q·k.</summary>
    public double ScoreScaleOf(int layer) => ScoreScaleByLayer ? ScoreScale / (layer + 1) : ScoreScale;

    /// <summary>How many keys a query of a layer sees; <see langword="null"/> means all up to its own.</summary>
    public int? WindowOf(int layer) => GlobalLayers.Contains(layer) ? null : Window;

    /// <summary>A layer's rotary positions.</summary>
    public RotaryConfig? RotaryOf(int layer) => WindowOf(layer) is null ? Rotary : WindowRotary ?? Rotary;

    /// <summary>The scalings that have other frequencies for long prompts.</summary>
    internal IEnumerable<RotaryScaling.LongRope> LongRopes =>
        new[] { Rotary, WindowRotary }.Select(rotary => rotary?.Scaling).OfType<RotaryScaling.LongRope>();

    /// <summary>This record, if its numbers fit together.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    public DecoderConfig Checked()
    {
        (string Name, int Value)[] sizes =
        [
            (nameof(Layers), Layers), (nameof(Heads), Heads), (nameof(KvHeads), KvHeads), (nameof(DHead), DHead), (nameof(DModel), DModel),
            (nameof(Neurons), HasMlp ? Neurons : 1), (nameof(VocabularySize), VocabularySize), (nameof(ContextLength), ContextLength),
            (nameof(Window), Window ?? 1), ("Experts.Count", Experts?.Count ?? 1), ("Experts.Chosen", Experts?.Chosen ?? 1),
        ];
        foreach ((string name, int value) in sizes)
            if (value < 1)
                throw new ArgumentException($"{name} must be at least 1, and is {value}.");
        if (!HasMlp && (Neurons != 0 || Experts is not null))
            throw new ArgumentException($"Attention alone has no neurons and no experts, and {nameof(Neurons)} is {Neurons}.");
        if (LooksAhead && Window is not null)
            throw new ArgumentException($"A window of {Window} keys ends at the query, and {nameof(LooksAhead)} says that it sees all.");
        if (Heads % KvHeads != 0)
            throw new ArgumentException($"{Heads} query heads cannot share {KvHeads} key/value heads evenly.");
        if (Rotary is not null && Rotary.WidthIn(DHead) % 2 != 0)
            throw new ArgumentException($"Rotary positions need an even width, and it is {Rotary.WidthIn(DHead)}.");
        if (Rotary is not null && Rotary.WidthIn(DHead) > DHead)
            throw new ArgumentException($"Rotary positions turn {Rotary.WidthIn(DHead)} coordinates, and a head has {DHead}.");
        foreach (RotaryScaling.LongRope scaling in LongRopes)
        {
            if (scaling.ShortFactors.Count != (Rotary ?? WindowRotary)!.WidthIn(DHead) / 2)
                throw new ArgumentException($"There are {scaling.ShortFactors.Count} short factors, and another number of frequencies.");
            if (ContextLength > scaling.OriginalContext)
                throw new ArgumentException(
                    $"Prompts of more than {scaling.OriginalContext} tokens have other frequencies: {ContextLength} are not supported.");
        }
        if (Experts is { } experts && experts.Chosen > experts.Count)
            throw new ArgumentException($"Of {experts.Count} experts, {experts.Chosen} cannot be chosen.");
        return this;
    }
}

/// <summary>A mixture of experts: of several feed-forward blocks a router chooses some for each token (Shazeer et al. 2017).</summary>
/// <param name="Count">How many experts.</param>
/// <param name="Chosen">How many of them compute each token: those with the largest probability.</param>
/// <param name="Renormalised">Whether the weights of the chosen experts add up to 1; otherwise they are their probabilities.</param>
public sealed record ExpertConfig(int Count, int Chosen, bool Renormalised);

/// <summary>How attention and the feed-forward block stand to each other.</summary>
public enum BlockKind
{
    /// <summary>The feed-forward block reads what attention has added: <c>resid_mid</c>.</summary>
    Sequential,

    /// <summary>Both read <c>resid_pre</c>, each through a norm of its own.</summary>
    Parallel,

    /// <summary>Both read <c>resid_pre</c> through one norm, <c>ln1</c>.</summary>
    ParallelWithOneNorm,

    /// <summary>There is no feed-forward block.</summary>
    AttentionOnly,
}

/// <summary>The norm of queries and keys, before rotary positions.</summary>
public enum QkNorm
{
    /// <summary>None.</summary>
    None,

    /// <summary>Each head alone, all with one gain.</summary>
    OneGain,

    /// <summary>Each head alone, each with a gain of its own, without biases.</summary>
    GainForEachHead,

    /// <summary>All heads together.</summary>
    AllHeads,
}

/// <summary>What families compute in float32 where their weights are in half precision, as transformers does.</summary>
[Flags]
public enum WideParts
{
    /// <summary>A value is rounded before a gain multiplies it, and so are cosines and sines; scores are in half precision.</summary>
    None = 0,

    /// <summary>RMSNorm's gains multiply before the value is rounded.</summary>
    Gains = 1,

    /// <summary>Queries and keys turn in float32, and are rounded then.</summary>
    Rotation = 2,

    /// <summary>Queries times keys: half precision could overflow.</summary>
    Scores = 4,
}

/// <summary>How values are normalised.</summary>
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
