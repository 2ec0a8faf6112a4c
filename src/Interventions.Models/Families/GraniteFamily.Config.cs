using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Granite 3 (IBM 2024): a Llama with factors of the embedding, of scores, of what blocks add, and of the logits.</summary>
internal static class GraniteFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Granite",
        Usual = LlamaFamily.Usual with
        {
            Family = "granite",
            ScoreScale = 1,
        },
        Model = "GraniteModel",
        Architecture = "GraniteForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: false), RotaryKeys.Of(), ConfigKeys.AttentionBias, LlamaFamily.MlpBias,
            ConfigKeys.Derived(known => known with { ScoreScale = 1 }),
            ConfigKeys.Number("attention_multiplier", known => known.ScoreScale, (known, number) => known with { ScoreScale = number }),
            ConfigKeys.Number(
                "embedding_multiplier", known => known.EmbeddingScale,
                (known, number) => known with { EmbeddingScale = number }),
            ConfigKeys.Number(
                "residual_multiplier", known => known.ResidualScale,
                (known, number) => known with { ResidualScale = number }),
            ConfigKeys.Number("logits_scaling", known => known.LogitDivisor, (known, number) => known with { LogitDivisor = number }),
            ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors = LlamaFamily.Tensors,
        IgnoredTensors = LlamaFamily.Ignored,
    };
}
