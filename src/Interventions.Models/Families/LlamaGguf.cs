namespace Interventions.Models.Families;

/// <summary>A Llama in GGUF files.</summary>
internal static class LlamaGguf
{
    public static GgufLayout Layout { get; } = new()
    {
        Architecture = "llama",
        Keys =
        [
            new("num_hidden_layers", "block_count"),
            new("max_position_embeddings", "context_length"),
            new("hidden_size", "embedding_length"),
            new("intermediate_size", "feed_forward_length"),
            new("num_attention_heads", "attention.head_count"),
            new("num_key_value_heads", "attention.head_count_kv", Required: false),
            new("head_dim", "attention.key_length", Required: false),
            new("rms_norm_eps", "attention.layer_norm_rms_epsilon"),
            new("vocab_size", "vocab_size", Required: false),
            new("rope_theta", "rope.freq_base", Required: false),
            new("rope_scaling.rope_type", "rope.scaling.type", Required: false),
            new("rope_scaling.factor", "rope.scaling.factor", Required: false),
        ],
        Facts =
        [
            ("vocab_size", header => (header.Values.GetValueOrDefault("tokenizer.ggml.tokens") as string[])?.LongLength),
            ("tie_word_embeddings", header => !header.Tensors.ContainsKey("output.weight")),
            ("attention_bias", header => header.Tensors.ContainsKey("blk.0.attn_q.bias")),
            ("mlp_bias", header => header.Tensors.ContainsKey("blk.0.ffn_up.bias")),
        ],
        Implied = [("rope.dimension_count", config => config.DHead), ("attention.value_length", config => config.DHead)],
        Tensors =
        [
            ("model.embed_tokens", "token_embd"),
            ("model.layers.*.input_layernorm", "blk.*.attn_norm"),
            ("model.layers.*.self_attn.q_proj", "blk.*.attn_q"),
            ("model.layers.*.self_attn.k_proj", "blk.*.attn_k"),
            ("model.layers.*.self_attn.v_proj", "blk.*.attn_v"),
            ("model.layers.*.self_attn.o_proj", "blk.*.attn_output"),
            ("model.layers.*.post_attention_layernorm", "blk.*.ffn_norm"),
            ("model.layers.*.mlp.gate_proj", "blk.*.ffn_gate"),
            ("model.layers.*.mlp.up_proj", "blk.*.ffn_up"),
            ("model.layers.*.mlp.down_proj", "blk.*.ffn_down"),
            ("model.norm", "output_norm"),
            ("lm_head", "output"),
        ],
        Paired = [("blk.*.attn_q", config => config.Heads), ("blk.*.attn_k", config => config.KvHeads)],
    };
}
