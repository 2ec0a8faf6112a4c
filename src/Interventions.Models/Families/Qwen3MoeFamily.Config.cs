using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Qwen 3 with a mixture of experts in each layer (Yang et al. 2025, arXiv:2505.09388).</summary>
internal static class Qwen3MoeFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Qwen3-MoE",
        Usual = LlamaFamily.Usual with
        {
            Family = "qwen3_moe",
            KvHeads = 4,
            Neurons = 768,
            VocabularySize = 151936,
            ContextLength = 32768,
            QkNorm = QkNorm.OneGain,
            Experts = new ExpertConfig(128, 8, Renormalised: false),
        },
        Model = "Qwen3MoeModel",
        Architecture = "Qwen3MoeForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: true), ConfigKeys.Neurons("moe_intermediate_size"), RotaryKeys.Of(), ConfigKeys.AttentionBias,
            Window, MixtralFamily.Experts("num_experts|num_local_experts"), MixtralFamily.Chosen,
            ConfigKeys.Flag(
                "norm_topk_prob", known => known.Experts!.Renormalised,
                (known, flag) => known with { Experts = known.Experts! with { Renormalised = flag } }),
            OnlyExperts, ConfigKeys.Tied,
        ],
        WithoutEffect = ["output_router_logits", "router_aux_loss_coef", "max_window_layers"],
        Prefix = "model.",
        Tensors =
        [
            .. LlamaFamily.Tensors,
            new("blocks.*.mlp.router", "model.layers.*.mlp.gate"),
            new("blocks.*.mlp.experts.gate", "model.layers.*.mlp.experts.#.gate_proj"),
            new("blocks.*.mlp.experts.in", "model.layers.*.mlp.experts.#.up_proj"),
            new("blocks.*.mlp.experts.out", "model.layers.*.mlp.experts.#.down_proj"),
        ],
        IgnoredTensors = LlamaFamily.Ignored,
    };

    /// <summary>A window in every layer, if <c>use_sliding_window</c> says so.</summary>
    private static ConfigKey Window => new(
        ["sliding_window", "use_sliding_window"],
        (config, known) => known with
        {
            Window = config.Flag("use_sliding_window", false) && config.Has("sliding_window") ? config.Integer("sliding_window") : null,
        },
        known => [("sliding_window", known.Window), ("use_sliding_window", known.Window is not null)]);

    /// <summary>Layers without experts are not supported.</summary>
    private static ConfigKey OnlyExperts => new(
        ["decoder_sparse_step", "mlp_only_layers"],
        (config, known) =>
            config.Integer("decoder_sparse_step", 1) != 1
                ? throw config.Wrong("decoder_sparse_step", "is not 1, and layers without experts are not supported")
            : config.Numbers("mlp_only_layers") is { Count: > 0 }
                ? throw config.Wrong("mlp_only_layers", "names layers, and layers without experts are not supported")
            : known,
        _ => [("decoder_sparse_step", 1), ("mlp_only_layers", Array.Empty<string>())]);
}
