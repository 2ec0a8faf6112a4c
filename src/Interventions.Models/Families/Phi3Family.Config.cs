using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Phi-3 and 4 (Abdin et al. 2024, arXiv:2404.14219): a Llama with fused projections and a window.</summary>
internal static class Phi3Family
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Phi-3",
        Usual = LlamaFamily.Usual with
        {
            Family = "phi3",
            DHead = 96,
            DModel = 3072,
            Neurons = 8192,
            VocabularySize = 32064,
            ContextLength = 4096,
            NormEpsilon = 1e-5,
            ScoreScale = 1 / Math.Sqrt(96),
        },
        Model = "Phi3Model",
        Architecture = "Phi3ForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: false), RotaryKeys.Of(phi3: 4096), ConfigKeys.Window("sliding_window"), ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors =
        [
            .. LlamaFamily.Tensors.Where(names =>
                names.Weight is not ("blocks.*.attn.qkv" or "blocks.*.mlp.gate" or "blocks.*.mlp.in")),
            new("blocks.*.attn.qkv", "model.layers.*.self_attn.qkv_proj"),
            new("blocks.*.mlp.gate", "model.layers.*.mlp.gate_up_proj") { Slot = (0, 2) },
            new("blocks.*.mlp.in", "model.layers.*.mlp.gate_up_proj") { Slot = (1, 2) },
        ],
        IgnoredTensors = LlamaFamily.Ignored,
    };
}
