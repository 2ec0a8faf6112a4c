using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Mistral (Jiang et al. 2023, arXiv:2310.06825): a Llama with grouped queries and a window.</summary>
internal static class MistralFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Mistral",
        Usual = LlamaFamily.Usual with
        {
            Family = "mistral",
            KvHeads = 8,
            Neurons = 14336,
            ContextLength = 131072,
            Window = 4096,
        },
        Model = "MistralModel",
        Architecture = "MistralForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: false), RotaryKeys.Of(), ConfigKeys.Window("sliding_window"), ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors = LlamaFamily.Tensors,
        IgnoredTensors = LlamaFamily.Ignored,
    };
}
