using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>
/// GPT-NeoX (Black et al. 2022, arXiv:2204.06745) and Pythia (Biderman et al. 2023, arXiv:2304.01373): attention and feed-forward side by
/// side on norms of their own, rotary positions on a quarter of each head.
/// </summary>
internal static class GptNeoXFamily
{
    /// <summary>Pythia of 160 million parameters.</summary>
    private static readonly DecoderConfig s_usual = Gpt2Family.Usual with
    {
        Family = "gpt_neox",
        VocabularySize = 50432,
        ContextLength = 2048,
        Block = BlockKind.Parallel,
        Activation = Activation.Gelu,
        Rotary = new RotaryConfig(10000) { Width = 16 },
        TiedUnembedding = false,
    };

    public static DecoderFamily Table { get; } = new()
    {
        Title = "GPT-NeoX",
        Usual = s_usual,
        Model = "GptNeoXModel",
        Variants = [("SequentialGptNeoXModel", s_usual with { Block = BlockKind.Sequential })],
        Architecture = "GPTNeoXForCausalLM",
        Keys =
        [
            ConfigKeys.Layers("num_hidden_layers"),
            ConfigKeys.DModel("hidden_size"),
            ConfigKeys.Heads("num_attention_heads"),
            ConfigKeys.HeadWidth(null),
            ConfigKeys.Neurons("intermediate_size"),
            ConfigKeys.Vocabulary("vocab_size"),
            ConfigKeys.Context("max_position_embeddings", known => known.ContextLength),
            ConfigKeys.Epsilon("layer_norm_eps"),
            ConfigKeys.Activation("hidden_act"),
            RotaryKeys.Of("rope_theta|rotary_emb_base", "partial_rotary_factor|rotary_pct", usualPart: 0.25),
            ConfigKeys.AttentionBias,
            ConfigKeys.Flag(
                "use_parallel_residual", known => known.Block == BlockKind.Parallel,
                (known, flag) => known with { Block = flag ? BlockKind.Parallel : BlockKind.Sequential }),
            ConfigKeys.Tied,
        ],
        Prefix = "gpt_neox.",
        Tensors =
        [
            new("embed", "gpt_neox.embed_in"),
            new("blocks.*.ln1", "gpt_neox.layers.*.input_layernorm"),
            new("blocks.*.attn.qkv", "gpt_neox.layers.*.attention.query_key_value") { HeadByHead = true },
            new("blocks.*.attn.out", "gpt_neox.layers.*.attention.dense"),
            new("blocks.*.ln2", "gpt_neox.layers.*.post_attention_layernorm"),
            new("blocks.*.mlp.in", "gpt_neox.layers.*.mlp.dense_h_to_4h"),
            new("blocks.*.mlp.out", "gpt_neox.layers.*.mlp.dense_4h_to_h"),
            new("ln_final", "gpt_neox.final_layer_norm"),
            new("unembed", "embed_out"),
        ],
        IgnoredTensors = [".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"],
    };
}
