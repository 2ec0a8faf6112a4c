using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>OLMo (Groeneveld et al. 2024, arXiv:2402.00838): a Llama with layer norms that have no weights.</summary>
internal static class OlmoFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "OLMo",
        Usual = LlamaFamily.Usual with
        {
            Family = "olmo",
            VocabularySize = 50304,
            Norm = NormKind.LayerNorm,
            NormEpsilon = 1e-5,
            PlainNorms = true,
            Wide = WideParts.Rotation,
        },
        Model = "OlmoModel",
        Architecture = "OlmoForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: false).Where(key => !key.Names.Contains("rms_norm_eps")), RotaryKeys.Of(),
            ConfigKeys.AttentionBias,
            ConfigKeys.Optional("clip_qkv", known => known.QkvClip, (known, size) => known with { QkvClip = size }), ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors = LlamaFamily.Tensors,
        IgnoredTensors = LlamaFamily.Ignored,
    };
}
