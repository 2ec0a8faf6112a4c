using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>BLOOM (Scao et al. 2022, arXiv:2211.05100): a GPT-2 with ALiBi in place of positions and a norm behind the embedding.</summary>
internal static class BloomFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "BLOOM",
        Usual = Gpt2Family.Usual with
        {
            Family = "bloom",
            VocabularySize = 250880,
            // No position is stored: there is no last one. Training saw 2,048.
            ContextLength = 1 << 20,
            EmbeddingNorm = true,
            Alibi = true,
        },
        Model = "BloomModel",
        Architecture = "BloomForCausalLM",
        Keys =
        [
            ConfigKeys.Only("apply_residual_connection_post_layernorm", false, "a stream of norms' outputs is"),
            ConfigKeys.Layers("n_layer|num_hidden_layers"),
            ConfigKeys.DModel("hidden_size|n_embed"),
            ConfigKeys.Heads("n_head|num_attention_heads"),
            ConfigKeys.HeadWidth(null),
            ConfigKeys.Derived(known => known with { Neurons = 4 * known.DModel }),
            ConfigKeys.Vocabulary("vocab_size"),
            ConfigKeys.Epsilon("layer_norm_epsilon"),
            ConfigKeys.Tied,
        ],
        WithoutEffect =
        [
            "pretraining_tp", "slow_but_exact", "seq_length", "offset_alibi", "skip_bias_add", "skip_bias_add_qkv",
            "attention_softmax_in_fp32", "masked_softmax_fusion", "bias_dropout_fusion", "n_inner",
        ],
        Prefix = "transformer.",
        Tensors =
        [
            new("embed", "transformer.word_embeddings"),
            new("embed_norm", "transformer.word_embeddings_layernorm"),
            new("blocks.*.ln1", "transformer.h.*.input_layernorm"),
            new("blocks.*.attn.qkv", "transformer.h.*.self_attention.query_key_value") { HeadByHead = true },
            new("blocks.*.attn.out", "transformer.h.*.self_attention.dense"),
            new("blocks.*.ln2", "transformer.h.*.post_attention_layernorm"),
            new("blocks.*.mlp.in", "transformer.h.*.mlp.dense_h_to_4h"),
            new("blocks.*.mlp.out", "transformer.h.*.mlp.dense_4h_to_h"),
            new("ln_final", "transformer.ln_f"),
            new("unembed", "lm_head"),
        ],
    };
}
