using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Gemma (Gemma Team 2024, arXiv:2403.08295): a Llama with a scaled embedding, gains stored less 1, and a gate of gelu.</summary>
internal static class GemmaFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Gemma",
        Usual = LlamaFamily.Usual with
        {
            Family = "gemma",
            Layers = 28,
            Heads = 16,
            KvHeads = 16,
            DHead = 256,
            DModel = 3072,
            Neurons = 24576,
            VocabularySize = 256000,
            ContextLength = 8192,
            Activation = Activation.GeluTanh,
            ScoreScale = 1 / Math.Sqrt(256),
            EmbeddingScale = Math.Sqrt(3072),
            GainsAboveOne = true,
            Wide = WideParts.Gains,
            TiedUnembedding = true,
        },
        Model = "GemmaModel",
        Architecture = "GemmaForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: true).Where(key => !key.Names.Contains("hidden_act")), Gate, ScaledEmbedding,
            RotaryKeys.Of(), ConfigKeys.AttentionBias, OnlyBackwards, ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors = LlamaFamily.Tensors,
        IgnoredTensors = LlamaFamily.Ignored,
    };

    /// <summary>The embedding times the root of its width.</summary>
    public static ConfigKey ScaledEmbedding =>
        ConfigKeys.Derived(known => known with { EmbeddingScale = Math.Sqrt(known.DModel) });

    /// <summary>Attention that looks ahead is not supported.</summary>
    public static ConfigKey OnlyBackwards => ConfigKeys.Only("use_bidirectional_attention", false, "attention that looks ahead is");

    /// <summary>
    /// Where <c>hidden_act</c> says <c>gelu</c>, its approximation by tanh is meant: so the first checkpoints were published.
    /// </summary>
    private static ConfigKey Gate => new(
        ["hidden_act", "hidden_activation"],
        (config, known) =>
        {
            string key = config.Has("hidden_activation") ? "hidden_activation" : "hidden_act";
            Activation read = ActivationNames.Read(config, key, known.Activation);
            bool isOld = key == "hidden_act" && read == Activation.Gelu;
            return known with { Activation = isOld ? Activation.GeluTanh : read };
        },
        known => [("hidden_activation", ActivationNames.Of(known.Activation))]);
}
