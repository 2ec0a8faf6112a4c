using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Qwen 3 (Yang et al. 2025, arXiv:2505.09388): a Llama with norms of queries and keys.</summary>
internal static class Qwen3Family
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Qwen3",
        Usual = LlamaFamily.Usual with
        {
            Family = "qwen3",
            Neurons = 22016,
            VocabularySize = 151936,
            ContextLength = 32768,
            QkNorm = QkNorm.OneGain,
            Window = 4096,
        },
        Model = "Qwen3Model",
        Architecture = "Qwen3ForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: true), RotaryKeys.Of(), ConfigKeys.AttentionBias, Qwen2Family.Windows, ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors = LlamaFamily.Tensors,
        IgnoredTensors = LlamaFamily.Ignored,
    };
}
