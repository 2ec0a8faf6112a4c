using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>
/// GPT-J (Wang and Komatsuzaki 2021): attention and feed-forward side by side on one norm, rotary positions that turn neighbouring
/// coordinates.
/// </summary>
internal static class GptJFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "GPT-J",
        Usual = Gpt2Family.Usual with
        {
            Family = "gptj",
            Layers = 28,
            Heads = 16,
            KvHeads = 16,
            DHead = 256,
            DModel = 4096,
            Neurons = 16384,
            VocabularySize = 50400,
            ContextLength = 2048,
            Block = BlockKind.ParallelWithOneNorm,
            Wide = WideParts.Rotation | WideParts.Scores,
            Rotary = new RotaryConfig(10000) { Width = 64, Neighbours = true },
            ScoreScale = 1 / Math.Sqrt(256),
            QkvBias = false,
            AttentionOutBias = false,
            TiedUnembedding = false,
            UnembeddingBias = true,
        },
        Model = "GptJModel",
        Architecture = "GPTJForCausalLM",
        Keys =
        [
            ConfigKeys.Layers("n_layer"),
            ConfigKeys.DModel("n_embd"),
            ConfigKeys.Heads("n_head"),
            ConfigKeys.HeadWidth(null, "n_embd"),
            ConfigKeys.Neurons("n_inner", known => 4 * known.DModel),
            ConfigKeys.Vocabulary("vocab_size"),
            ConfigKeys.Context("n_positions|n_ctx", known => known.ContextLength),
            ConfigKeys.Epsilon("layer_norm_epsilon"),
            ConfigKeys.Activation("activation_function"),
            Rotary,
            ConfigKeys.Tied,
        ],
        WithoutEffect = ["rotary", "scale_attn_weights"],
        Prefix = "transformer.",
        Tensors =
        [
            new("embed", "transformer.wte"),
            new("blocks.*.ln1", "transformer.h.*.ln_1"),
            new(
                "blocks.*.attn.qkv", "transformer.h.*.attn.q_proj", "transformer.h.*.attn.k_proj", "transformer.h.*.attn.v_proj"),
            new("blocks.*.attn.out", "transformer.h.*.attn.out_proj"),
            new("blocks.*.mlp.in", "transformer.h.*.mlp.fc_in"),
            new("blocks.*.mlp.out", "transformer.h.*.mlp.fc_out"),
            new("ln_final", "transformer.ln_f"),
            new("unembed", "lm_head"),
        ],
        IgnoredTensors = [".attn.bias", ".attn.masked_bias"],
    };

    /// <summary>How many coordinates of a head turn; null means all.</summary>
    private static ConfigKey Rotary => ConfigKeys.Of(
        "rotary_dim",
        (config, spelled, known) =>
        {
            string key = spelled[0];
            int width = !config.Says(key) ? known.Rotary!.Width!.Value : config.Has(key) ? config.Integer(key) : known.DHead;
            return width % 2 == 0 && width <= known.DHead
                ? known with { Rotary = known.Rotary! with { Width = width == known.DHead ? null : width } }
                : throw config.Wrong(key, $"is {width}; an even number up to the {known.DHead} coordinates of a head is needed");
        },
        known => known.Rotary!.WidthIn(known.DHead));
}
