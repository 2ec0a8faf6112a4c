using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Qwen 2 and 2.5 (Yang et al. 2024, arXiv:2407.10671): a Llama with biases of queries, keys and values.</summary>
internal static class Qwen2Family
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Qwen2",
        Usual = LlamaFamily.Usual with
        {
            Family = "qwen2",
            Neurons = 22016,
            VocabularySize = 151936,
            ContextLength = 32768,
            QkvBias = true,
            Window = 4096,
        },
        Model = "Qwen2Model",
        Architecture = "Qwen2ForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: false), RotaryKeys.Of(), Windows, ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors = LlamaFamily.Tensors,
        IgnoredTensors = LlamaFamily.Ignored,
    };

    /// <summary>A window from layer <c>max_window_layers</c> on, if <c>use_sliding_window</c> says so.</summary>
    public static ConfigKey Windows => LayerKinds.Keys(
        ["use_sliding_window", "max_window_layers"],
        config => config.Flag("use_sliding_window", false),
        (config, layer) => layer >= config.Integer("max_window_layers", 28));
}
