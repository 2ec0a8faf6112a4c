using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>OPT (Zhang et al. 2022, arXiv:2205.01068): a GPT-2 with relu, whose positions begin at row 2.</summary>
internal static class OptFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "OPT",
        Usual = Gpt2Family.Usual with
        {
            Family = "opt",
            VocabularySize = 50272,
            ContextLength = 2048,
            Activation = Activation.Relu,
            PositionOffset = 2,
        },
        Model = "OptModel",
        Architecture = "OPTForCausalLM",
        Keys =
        [
            ConfigKeys.Only("do_layer_norm_before", true, "norms of the stream itself are"),
            ConfigKeys.Only("_remove_final_layer_norm", false, "a decoder without a last norm is"),
            ConfigKeys.Only("enable_bias", true, "projections without biases are"),
            ConfigKeys.Only("layer_norm_elementwise_affine", true, "norms without weights are"),
            ConfigKeys.Layers("num_hidden_layers"),
            ConfigKeys.DModel("hidden_size"),
            ConfigKeys.Heads("num_attention_heads"),
            ConfigKeys.HeadWidth(null),
            Projection,
            ConfigKeys.Neurons("ffn_dim"),
            ConfigKeys.Vocabulary("vocab_size"),
            ConfigKeys.Context("max_position_embeddings", known => known.ContextLength),
            ConfigKeys.Activation("activation_function"),
            ConfigKeys.Tied,
        ],
        WithoutEffect = ["init_std", "layerdrop"],
        Prefix = "model.",
        Tensors =
        [
            new("embed", "model.decoder.embed_tokens"),
            new("pos_embed", "model.decoder.embed_positions"),
            new("blocks.*.ln1", "model.decoder.layers.*.self_attn_layer_norm"),
            new(
                "blocks.*.attn.qkv", "model.decoder.layers.*.self_attn.q_proj", "model.decoder.layers.*.self_attn.k_proj",
                "model.decoder.layers.*.self_attn.v_proj"),
            new("blocks.*.attn.out", "model.decoder.layers.*.self_attn.out_proj"),
            new("blocks.*.ln2", "model.decoder.layers.*.final_layer_norm"),
            new("blocks.*.mlp.in", "model.decoder.layers.*.fc1"),
            new("blocks.*.mlp.out", "model.decoder.layers.*.fc2"),
            new("ln_final", "model.decoder.final_layer_norm"),
            new("unembed", "lm_head"),
        ],
    };

    /// <summary>Embeddings of another width than the stream's are not supported.</summary>
    private static ConfigKey Projection => ConfigKeys.Of(
        "word_embed_proj_dim",
        (config, spelled, known) => config.Integer(spelled[0], known.DModel) is int width && width == known.DModel ? known
            : throw config.Wrong(spelled[0], $"is not 'hidden_size', {known.DModel}, and projected embeddings are not supported"),
        known => known.DModel);
}
