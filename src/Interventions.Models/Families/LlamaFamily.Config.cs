using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>
/// Llama (Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; Grattafiori et al. 2024, arXiv:2407.21783): RMS norms, rotary positions,
/// grouped queries, gated SiLU. Many families are a Llama with a few differences.
/// </summary>
internal static class LlamaFamily
{
    public const string Type = "llama";

    /// <summary>The first Llama of 7 billion parameters.</summary>
    public static DecoderConfig Usual { get; } = new()
    {
        Family = Type,
        Layers = 32,
        Heads = 32,
        KvHeads = 32,
        DHead = 128,
        DModel = 4096,
        Neurons = 11008,
        VocabularySize = 32000,
        ContextLength = 2048,
        Norm = NormKind.RmsNorm,
        NormEpsilon = 1e-6,
        Activation = Activation.Silu,
        GatedMlp = true,
        Rotary = new RotaryConfig(10000),
        ScoreScale = 1 / Math.Sqrt(128),
    };

    public static DecoderFamily Table { get; } = new()
    {
        Title = "Llama",
        Usual = Usual,
        Model = "LlamaModel",
        Architecture = "LlamaForCausalLM",
        Keys =
        [
            .. Sizes(isExplicit: false), RotaryKeys.Of(), ConfigKeys.AttentionBias, MlpBias, ConfigKeys.Tied,
        ],
        WithoutEffect = ["pretraining_tp"],
        Prefix = "model.",
        Tensors = Tensors,
        IgnoredTensors = Ignored,
    };

    /// <summary>Biases of the feed-forward block.</summary>
    public static ConfigKey MlpBias =>
        ConfigKeys.Flag("mlp_bias", known => known.MlpBias, (known, flag) => known with { MlpBias = flag });

    /// <summary>Where rotary positions were once stored.</summary>
    public static string[] Ignored => [".rotary_emb.inv_freq"];

    /// <summary>The tensors of a Llama.</summary>
    public static TensorNames[] Tensors =>
    [
        new("embed", "model.embed_tokens"),
        new("blocks.*.ln1", "model.layers.*.input_layernorm"),
        new(
            "blocks.*.attn.qkv", "model.layers.*.self_attn.q_proj", "model.layers.*.self_attn.k_proj", "model.layers.*.self_attn.v_proj"),
        new("blocks.*.attn.q_norm", "model.layers.*.self_attn.q_norm"),
        new("blocks.*.attn.k_norm", "model.layers.*.self_attn.k_norm"),
        new("blocks.*.attn.out", "model.layers.*.self_attn.o_proj"),
        new("blocks.*.ln2", "model.layers.*.post_attention_layernorm"),
        new("blocks.*.mlp.gate", "model.layers.*.mlp.gate_proj"),
        new("blocks.*.mlp.in", "model.layers.*.mlp.up_proj"),
        new("blocks.*.mlp.out", "model.layers.*.mlp.down_proj"),
        new("ln_final", "model.norm"),
        new("unembed", "lm_head"),
    ];

    /// <summary>The sizes, the norms' ε and the activation.</summary>
    /// <param name="isExplicit">
    /// Whether key/value heads and the width of a head may not be left out, because transformers then takes numbers that depend on nothing.
    /// </param>
    /// <param name="epsilon">The key of ε.</param>
    public static ConfigKey[] Sizes(bool isExplicit, string epsilon = "rms_norm_eps") =>
    [
        ConfigKeys.DModel("hidden_size"),
        ConfigKeys.Heads("num_attention_heads"),
        ConfigKeys.KvHeads("num_key_value_heads", isExplicit),
        ConfigKeys.HeadWidth("head_dim", isRequired: isExplicit),
        ConfigKeys.Layers("num_hidden_layers"),
        ConfigKeys.Neurons("intermediate_size"),
        ConfigKeys.Vocabulary("vocab_size"),
        ConfigKeys.Context("max_position_embeddings", known => known.ContextLength),
        ConfigKeys.Epsilon(epsilon),
        ConfigKeys.Activation("hidden_act"),
    ];
}
