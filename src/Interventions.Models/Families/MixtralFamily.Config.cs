using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>Mixtral (Jiang et al. 2024, arXiv:2401.04088): a Mistral with a mixture of experts in each layer.</summary>
internal static class MixtralFamily
{
    public static DecoderFamily Table { get; } = new()
    {
        Title = "Mixtral",
        Usual = LlamaFamily.Usual with
        {
            Family = "mixtral",
            KvHeads = 8,
            Neurons = 14336,
            ContextLength = 131072,
            NormEpsilon = 1e-5,
            Rotary = new RotaryConfig(1000000),
            Experts = new ExpertConfig(8, 2, Renormalised: true),
        },
        Model = "MixtralModel",
        Architecture = "MixtralForCausalLM",
        Keys =
        [
            .. LlamaFamily.Sizes(isExplicit: false), RotaryKeys.Of(), ConfigKeys.Window("sliding_window"),
            Experts("num_local_experts"), Chosen, ConfigKeys.Tied,
        ],
        WithoutEffect = ["output_router_logits", "router_aux_loss_coef", "router_jitter_noise"],
        Prefix = "model.",
        Tensors =
        [
            .. LlamaFamily.Tensors,
            new("blocks.*.mlp.router", "model.layers.*.block_sparse_moe.gate"),
            new("blocks.*.mlp.experts.gate", "model.layers.*.block_sparse_moe.experts.#.w1"),
            new("blocks.*.mlp.experts.in", "model.layers.*.block_sparse_moe.experts.#.w3"),
            new("blocks.*.mlp.experts.out", "model.layers.*.block_sparse_moe.experts.#.w2"),
        ],
        IgnoredTensors = LlamaFamily.Ignored,
    };

    /// <summary>How many experts there are.</summary>
    public static ConfigKey Experts(string names) => ConfigKeys.Size(
        names, known => known.Experts!.Count, (known, size) => known with { Experts = known.Experts! with { Count = size } });

    /// <summary>How many experts compute a token.</summary>
    public static ConfigKey Chosen => ChosenAs("num_experts_per_tok");

    /// <summary>How many experts compute a token, under another name.</summary>
    public static ConfigKey ChosenAs(string name) => ConfigKeys.Of(
        name,
        (config, _, known) =>
        {
            int chosen = config.Integer(name);
            return chosen <= known.Experts!.Count
                ? known with { Experts = known.Experts with { Chosen = chosen } }
                : throw config.Wrong(name, $"is {chosen}, and there are {known.Experts.Count} experts");
        },
        known => known.Experts!.Chosen);
}
