using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>
/// StableLM 2 (Bellagente et al. 2024, arXiv:2402.17834): a Llama with layer norms and rotary positions on a part of each head; the larger
/// one has attention and feed-forward side by side on one norm.
/// </summary>
internal static class StableLmFamily
{
    private static readonly DecoderConfig s_usual = LlamaFamily.Usual with
    {
        Family = "stablelm",
        DHead = 80,
        DModel = 2560,
        Neurons = 6912,
        VocabularySize = 50304,
        ContextLength = 4096,
        Norm = NormKind.LayerNorm,
        NormEpsilon = 1e-5,
        Rotary = new RotaryConfig(10000) { Width = 20 },
        ScoreScale = 1 / Math.Sqrt(80),
    };

    public static DecoderFamily Table { get; } = new()
    {
        Title = "StableLM",
        Usual = s_usual,
        Model = "StableLmModel",
        Variants = [("ParallelStableLmModel", s_usual with { Block = BlockKind.ParallelWithOneNorm })],
        Architecture = "StableLmForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: false, epsilon: "layer_norm_eps"), RotaryKeys.Of(usualPart: 0.25),
            ConfigKeys.Flag("use_qkv_bias", known => known.QkvBias, (known, flag) => known with { QkvBias = flag }),
            ConfigKeys.Flag(
                "qk_layernorm", known => known.QkNorm != QkNorm.None,
                (known, flag) => known with { QkNorm = flag ? QkNorm.GainForEachHead : QkNorm.None }),
            ConfigKeys.Flag(
                "use_parallel_residual", known => known.Block != BlockKind.Sequential,
                (known, flag) => known with { Block = flag ? BlockKind.ParallelWithOneNorm : BlockKind.Sequential }),
            ConfigKeys.Tied,
        ],
        Prefix = "model.",
        Tensors =
        [
            .. LlamaFamily.Tensors.Where(names => names.Weight is not ("blocks.*.attn.q_norm" or "blocks.*.attn.k_norm")),
            new("blocks.*.attn.q_norm", "model.layers.*.self_attn.q_layernorm.norms.#"),
            new("blocks.*.attn.k_norm", "model.layers.*.self_attn.k_layernorm.norms.#"),
        ],
        IgnoredTensors = LlamaFamily.Ignored,
    };
}
