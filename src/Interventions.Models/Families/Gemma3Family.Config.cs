using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Gemma 3, text (Gemma Team 2025, arXiv:2503.19786): norms of queries and keys in place of soft caps, two rotary bases.</summary>
internal static class Gemma3Family
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Gemma 3",
        Usual = Gemma2Family.Table.Usual with
        {
            Family = "gemma3_text",
            VocabularySize = 262208,
            ContextLength = 131072,
            ScoreCap = null,
            LogitCap = null,
            QkNorm = QkNorm.OneGain,
            Rotary = new RotaryConfig(1000000),
            WindowRotary = new RotaryConfig(10000),
        },
        Model = "Gemma3Model",
        Architecture = "Gemma3ForCausalLM",
        Keys =
        [
            .. Gemma2Family.Keys,
            LayerKinds.Keys(
                ["_sliding_window_pattern", "sliding_window_pattern"], _ => true,
                (config, layer) => (layer + 1) % ConfigKeys.Said(
                    config, ["sliding_window_pattern", "_sliding_window_pattern"], name => config.Integer(name, 6)) != 0),
            RotaryKeys.ByLayerKind, ConfigKeys.AttentionBias, GemmaFamily.OnlyBackwards, ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors = Gemma2Family.Tensors,
        IgnoredTensors = LlamaFamily.Ignored,
    };
}
