using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>
/// Phi 1 and 2 (Gunasekar et al. 2023, arXiv:2306.11644): attention and feed-forward side by side on one norm, biases everywhere.
/// </summary>
internal static class PhiFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Phi",
        Usual = LlamaFamily.Usual with
        {
            Family = "phi",
            Layers = 24,
            DHead = 64,
            DModel = 2048,
            Neurons = 8192,
            VocabularySize = 51200,
            Block = BlockKind.ParallelWithOneNorm,
            Norm = NormKind.LayerNorm,
            NormEpsilon = 1e-5,
            Activation = Activation.GeluTanh,
            GatedMlp = false,
            Rotary = new RotaryConfig(10000) { Width = 32 },
            ScoreScale = 1 / Math.Sqrt(64),
            QkvBias = true,
            AttentionOutBias = true,
            MlpBias = true,
            UnembeddingBias = true,
        },
        Model = "PhiModel",
        Architecture = "PhiForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: false, epsilon: "layer_norm_eps"), RotaryKeys.Of(usualPart: 0.5),
            ConfigKeys.Only("qk_layernorm", false, "norms of queries and keys are"), ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors =
        [
            new("embed", "model.embed_tokens"),
            new("blocks.*.ln1", "model.layers.*.input_layernorm"),
            new(
                "blocks.*.attn.qkv", "model.layers.*.self_attn.q_proj", "model.layers.*.self_attn.k_proj",
                "model.layers.*.self_attn.v_proj"),
            new("blocks.*.attn.out", "model.layers.*.self_attn.dense"),
            new("blocks.*.mlp.in", "model.layers.*.mlp.fc1"),
            new("blocks.*.mlp.out", "model.layers.*.mlp.fc2"),
            new("ln_final", "model.final_layernorm"),
            new("unembed", "lm_head"),
        ],
        IgnoredTensors = LlamaFamily.Ignored,
    };
}
