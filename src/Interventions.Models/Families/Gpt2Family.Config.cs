using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>GPT-2 (Radford et al. 2019): layer norms, learned positions, projections stored <c>[in, out]</c>.</summary>
internal static class Gpt2Family
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

    public static DecoderFamily Table { get; } = new()
    {
        Title = "GPT-2",
        Usual = Usual,
        Model = "Gpt2Model",
        Architecture = "GPT2LMHeadModel",
        Keys =
        [
            ConfigKeys.Only("add_cross_attention", false, "cross attention is"),
            ConfigKeys.Layers("n_layer", known => known.Layers),
            ConfigKeys.DModel("n_embd", known => known.DModel),
            ConfigKeys.Heads("n_head", known => known.Heads),
            ConfigKeys.HeadWidth(null, "n_embd"),
            ConfigKeys.Neurons("n_inner", known => 4 * known.DModel),
            ConfigKeys.Vocabulary("vocab_size", known => known.VocabularySize),
            ConfigKeys.Context("n_positions|n_ctx", known => known.ContextLength),
            ConfigKeys.Epsilon("layer_norm_epsilon"),
            ConfigKeys.Activation("activation_function"),
            ConfigKeys.Flag(
                "scale_attn_weights", known => known.ScoreScale != 1,
                (known, flag) => flag ? known : known with { ScoreScale = 1 }),
            ConfigKeys.Flag(
                "scale_attn_by_inverse_layer_idx", known => known.ScoreScaleByLayer,
                (known, flag) => known with { ScoreScaleByLayer = flag }),
            ConfigKeys.Tied,
        ],
        WithoutEffect = ["reorder_and_upcast_attn"],
        Prefix = "transformer.",
        Tensors =
        [
            new("embed", "transformer.wte"),
            new("pos_embed", "transformer.wpe"),
            new("blocks.*.ln1", "transformer.h.*.ln_1"),
            new("blocks.*.attn.qkv", "transformer.h.*.attn.c_attn") { Transposed = true },
            new("blocks.*.attn.out", "transformer.h.*.attn.c_proj") { Transposed = true },
            new("blocks.*.ln2", "transformer.h.*.ln_2"),
            new("blocks.*.mlp.in", "transformer.h.*.mlp.c_fc") { Transposed = true },
            new("blocks.*.mlp.out", "transformer.h.*.mlp.c_proj") { Transposed = true },
            new("ln_final", "transformer.ln_f"),
            new("unembed", "lm_head"),
        ],
        IgnoredTensors = [".attn.bias", ".attn.masked_bias"],
    };
}
