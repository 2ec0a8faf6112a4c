using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>OLMo 2 (OLMo Team 2024, arXiv:2501.00656): norms behind the blocks only, and norms of all queries or keys together.</summary>
internal static class Olmo2Family
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "OLMo 2",
        Usual = LlamaFamily.Usual with
        {
            Family = "olmo2",
            VocabularySize = 50304,
            NormEpsilon = 1e-5,
            NormsBefore = false,
            NormsAfter = true,
            Wide = WideParts.Gains | WideParts.Rotation,
            QkNorm = QkNorm.AllHeads,
        },
        Model = "Olmo2Model",
        Architecture = "Olmo2ForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: false), RotaryKeys.Of(), ConfigKeys.AttentionBias, ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors = Gemma2Family.Tensors,
        IgnoredTensors = LlamaFamily.Ignored,
    };
}
