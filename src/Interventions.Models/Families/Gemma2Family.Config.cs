using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Gemma 2 (Gemma Team 2024, arXiv:2408.00118): norms before and behind, soft caps, a window in every second layer.</summary>
internal static class Gemma2Family
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Gemma 2",
        Usual = GemmaFamily.Table.Usual with
        {
            Family = "gemma2",
            KvHeads = 4,
            Heads = 8,
            Layers = 26,
            DModel = 2304,
            Neurons = 9216,
            EmbeddingScale = Math.Sqrt(2304),
            NormsAfter = true,
            ScoreCap = 50,
            LogitCap = 30,
            Window = 4096,
        },
        Model = "Gemma2Model",
        Architecture = "Gemma2ForCausalLM",
        Keys =
        [
            .. Keys,
            LayerKinds.Keys([], _ => true, (_, layer) => layer % 2 == 0), RotaryKeys.Of(), ConfigKeys.AttentionBias,
            GemmaFamily.OnlyBackwards, ConfigKeys.Tied,
        ],
        WithoutEffect = ["sliding_window_size"],
        Prefix = "model.",
        Tensors = Tensors,
        IgnoredTensors = LlamaFamily.Ignored,
    };

    /// <summary>Sizes, scales and caps, for Gemma 3 too.</summary>
    public static ConfigKey[] Keys =>
    [
        .. LlamaFamily.Sizes(isExplicit: true).Where(key => !key.Names.Contains("hidden_act")),
        ConfigKeys.Activation("hidden_activation|hidden_act"), GemmaFamily.ScaledEmbedding,
        ConfigKeys.Of(
            "query_pre_attn_scalar",
            (config, spelled, known) => known with { ScoreScale = 1 / Math.Sqrt(config.Number(spelled[0], 256)) },
            known => Math.Round(1 / (known.ScoreScale * known.ScoreScale), 6)),
        ConfigKeys.Optional("attn_logit_softcapping", known => known.ScoreCap, (known, cap) => known with { ScoreCap = cap }),
        ConfigKeys.Optional("final_logit_softcapping", known => known.LogitCap, (known, cap) => known with { LogitCap = cap }),
    ];

    /// <summary>The tensors, those of Gemma 3 too.</summary>
    public static TensorNames[] Tensors =>
    [
        .. LlamaFamily.Tensors.Where(names => names.Weight != "blocks.*.ln2"),
        new("blocks.*.ln1_post", "model.layers.*.post_attention_layernorm"),
        new("blocks.*.ln2", "model.layers.*.pre_feedforward_layernorm"),
        new("blocks.*.ln2_post", "model.layers.*.post_feedforward_layernorm"),
    ];
}
