using Interventions.Models.Decoder;
using static Interventions.Models.Families.GgufKeys;

namespace Interventions.Models.Families;

/// <summary>
/// The families that llama.cpp knows. What files do not say is as in the family's table, or, where llama.cpp takes another number, as
/// there.
/// </summary>
internal static class GgufFamilies
{
    private static readonly TensorNames s_fused = new("blocks.*.attn.qkv", "blk.*.attn_qkv");

    private static readonly (string, Func<DecoderConfig, long>)[] s_wholeHeads =
        [("attention.value_length", config => config.DHead), ("rope.dimension_count", config => config.DHead)];

    /// <summary>The layouts, by the family's <c>model_type</c>.</summary>
    public static IReadOnlyDictionary<string, GgufLayout> All { get; } =
        Gpts.Concat(Llamas).Concat(Others).ToDictionary(pair => pair.Key, pair => pair.Value);

    /// <summary>Families with biases everywhere, and Phi-3, whose projections are as fused as theirs.</summary>
    private static Dictionary<string, GgufLayout> Gpts => new()
    {
        ["gpt2"] = new() { Architecture = "gpt2", Keys = LayerNormSizes, Tensors = [s_fused] },
        ["bloom"] = new()
        {
            Architecture = "bloom",
            // There, the context is what training saw, or something else; no position is stored.
            Keys = [.. LayerNormSizes.Where(key => !key.Names.Contains("context_length"))],
            WithoutEffect = ["context_length"],
            Tensors = [s_fused],
        },
        ["gpt_neox"] = new()
        {
            Architecture = "gptneox",
            Keys =
            [
                .. LayerNormSizes, PartialRotary, AttentionBias,
                ConfigKeys.Flag("use_parallel_residual", _ => true, (known, flag) => known with
                {
                    Block = flag ? BlockKind.Parallel : BlockKind.Sequential,
                }),
            ],
            Tensors = [s_fused],
        },
        ["phi"] = new() { Architecture = "phi2", Keys = [.. LayerNormSizes, PartialRotary] },
        ["phi3"] = new()
        {
            Architecture = "phi3",
            Keys = [.. RmsSizes, PartialRotary, Windows(period: 0, otherwise: null)],
            WithoutEffect = ["rope.scaling.original_context_length"],
            Tensors =
            [
                s_fused, new("blocks.*.mlp.gate", "blk.*.ffn_up") { Slot = (0, 2) },
                new("blocks.*.mlp.in", "blk.*.ffn_up") { Slot = (1, 2) },
            ],
        },
    };

    /// <summary>Llama and what is converted like it: rows of queries and keys are reordered.</summary>
    private static Dictionary<string, GgufLayout> Llamas => new()
    {
        ["llama"] = OfLlama("llama") with
        {
            Fits = header => header.Values.GetValueOrDefault("llama.expert_count") is null or 0L,
            AlsoHolds = ["mistral"],
            Keys = [.. RmsSizes, Rotary, Llama3Scaling, AttentionBias, MlpBias],
            WithoutEffect = ["expert_count", "expert_used_count"],
        },
        ["mixtral"] = OfLlama("llama") with
        {
            Fits = header => header.Values.GetValueOrDefault("llama.expert_count") is not (null or 0L),
            Keys = [.. RmsSizes, Rotary, .. Experts],
        },
        ["granite"] = OfLlama("granite") with
        {
            Keys =
            [
                .. RmsSizes, Rotary, AttentionBias, MlpBias,
                Optional("attention.scale", (known, number) => known with { ScoreScale = number ?? known.ScoreScale }),
                Optional("embedding_scale", (known, number) => known with { EmbeddingScale = number ?? 1 }),
                Optional("residual_scale", (known, number) => known with { ResidualScale = number ?? 1 }),
                Required(Optional("logit_scale", (known, number) => known with { LogitDivisor = number!.Value })),
            ],
        },
        ["olmo"] = OfLlama("olmo") with
        {
            Keys =
            [
                .. LayerNormSizes, Rotary, AttentionBias, Optional("attention.clamp_kqv", (known, size) => known with { QkvClip = size }),
            ],
        },
    };

    /// <summary>Families whose rows are as in the Hugging Face layout.</summary>
    private static Dictionary<string, GgufLayout> Others => new()
    {
        ["olmo2"] = OfLlama("olmo2") with { Keys = [.. RmsSizes, Rotary, AttentionBias], PairedRows = false },
        ["stablelm"] = new()
        {
            Architecture = "stablelm",
            Keys =
            [
                .. LayerNormSizes, PartialRotary, QkvBias,
                Fact((config, known) => known with
                {
                    Block = config.HasTensor("blk.0.ffn_norm.weight") ? BlockKind.Sequential : BlockKind.ParallelWithOneNorm,
                    QkNorm = config.HasTensor("blk.0.attn_q_norm.weight") ? QkNorm.GainForEachHead : QkNorm.None,
                }),
            ],
            // Converters write true where the model's own default is false; the norm that is there or not decides.
            WithoutEffect = ["use_parallel_residual"],
        },
        ["qwen2"] = OfQwen("qwen2", [.. RmsSizes, Rotary]),
        ["qwen3"] = OfQwen("qwen3", [.. RmsSizes, Rotary, AttentionBias]),
        ["qwen3_moe"] = OfQwen("qwen3moe",
        [
            .. RmsSizes, ConfigKeys.Neurons("expert_feed_forward_length"), Rotary, AttentionBias, .. Experts,
            Fact((_, known) => known with { Experts = known.Experts! with { Renormalised = true } }),
        ]),
        ["gemma"] = OfGemma("gemma", [.. RmsSizes, Rotary]),
        ["gemma2"] = OfGemma("gemma2",
        [
            .. RmsSizes, Rotary, Windows(period: 2, otherwise: 4096), ScoreScale(largest: 46),
            Optional("attn_logit_softcapping", (known, cap) => known with { ScoreCap = cap ?? 50 }),
            Optional("final_logit_softcapping", (known, cap) => known with { LogitCap = cap ?? 30 }),
        ]),
        ["gemma3_text"] = OfGemma("gemma3",
        [
            .. RmsSizes, Required(Rotary), Windows(period: 6, otherwise: null), ScoreScale(largest: 62),
            new(["rope.freq_base_swa"], (config, known) => known with
            {
                WindowRotary = new RotaryConfig(config.Number("rope.freq_base_swa", 10000)),
            }),
            Optional("final_logit_softcapping", (known, cap) => known with { LogitCap = cap }),
        ]),
    };

    /// <summary>How many experts, and how many of them compute a token.</summary>
    private static GgufKey[] Experts => [MixtralFamily.Experts("expert_count"), MixtralFamily.ChosenAs("expert_used_count")];

    /// <summary>The factor of scores, which files do not say: of the largest model it follows from the stream's width.</summary>
    /// <param name="largest">How many layers the largest model has.</param>
    private static GgufKey ScoreScale(int largest) => Fact((_, known) => known.Layers != largest ? known : known with
    {
        ScoreScale = 1 / Math.Sqrt(known.DModel / known.Heads),
    });

    private static GgufLayout OfLlama(string architecture) => new()
    {
        Architecture = architecture,
        Keys = [],
        Implied = [.. s_wholeHeads],
        PairedRows = true,
    };

    private static GgufLayout OfQwen(string architecture, GgufKey[] keys) =>
        new() { Architecture = architecture, Keys = keys, Implied = [.. s_wholeHeads] };

    private static GgufLayout OfGemma(string architecture, GgufKey[] keys) =>
        new() { Architecture = architecture, Keys = [.. keys, GemmaFamily.ScaledEmbedding], Implied = [.. s_wholeHeads] };
}
