using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>GPT-2 (Radford et al. 2019): layer norms, learned positions, projections stored <c>[in, out]</c>.</summary>
internal sealed partial class Gpt2Family : DecoderFamily
{
    public const string Type = "gpt2";

    /// <summary>GPT-2 small.</summary>
    public static DecoderConfig Usual { get; } = new()
    {
        Family = Type,
        Layers = 12,
        Heads = 12,
        KvHeads = 12,
        DHead = 64,
        DModel = 768,
        Neurons = 3072,
        VocabularySize = 50257,
        ContextLength = 1024,
        Norm = NormKind.LayerNorm,
        NormEpsilon = 1e-5,
        Activation = Activation.GeluTanh,
        ScoreScale = 1 / Math.Sqrt(64),
        QkvBias = true,
        AttentionOutBias = true,
        MlpBias = true,
        TiedUnembedding = true,
    };

    public override string ModelClass => "Interventions.Models.Gpt2Model";

    public override DecoderConfig Default => Usual;

    public override DecoderConfig Read(IConfig config)
    {
        if (config.Flag("add_cross_attention", false))
            throw config.Wrong("add_cross_attention", "is true, and cross attention is not supported");
        int d_model = config.Integer("n_embd", Usual.DModel), heads = config.Integer("n_head", Usual.Heads);
        if (d_model % heads != 0)
            throw config.Wrong("n_embd", $"is {d_model}, which {heads} heads do not divide");
        return Usual with
        {
            Layers = config.Integer("n_layer", Usual.Layers),
            Heads = heads,
            KvHeads = heads,
            DHead = d_model / heads,
            DModel = d_model,
            Neurons = config.Integer("n_inner", 4 * d_model),
            VocabularySize = config.Integer("vocab_size", Usual.VocabularySize),
            ContextLength = config.Integer("n_positions", config.Integer("n_ctx", Usual.ContextLength)),
            NormEpsilon = config.Number("layer_norm_epsilon", Usual.NormEpsilon),
            Activation = ActivationNames.Read(config, "activation_function", Usual.Activation),
            ScoreScale = config.Flag("scale_attn_weights", true) ? 1 / Math.Sqrt(d_model / heads) : 1,
            ScoreScaleByLayer = config.Flag("scale_attn_by_inverse_layer_idx", Usual.ScoreScaleByLayer),
            TiedUnembedding = config.Flag("tie_word_embeddings", Usual.TiedUnembedding),
        };
    }
}
