using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>
/// The toys in which circuits were first told apart (Elhage et al. 2021): attention without feed-forward blocks, no norms, or both. The
/// layout of their files is this library's own.
/// </summary>
internal static class ToyFamily
{
    public const string Type = "toy";

    /// <summary>Attention alone, without norms.</summary>
    public static DecoderConfig Usual { get; } = Gpt2Family.Usual with
    {
        Family = Type,
        Layers = 2,
        Neurons = 0,
        Block = BlockKind.AttentionOnly,
        NormsBefore = false,
        FinalNorm = false,
        MlpBias = false,
        TiedUnembedding = false,
    };

    /// <summary>Attention alone, with norms.</summary>
    public static DecoderConfig Normed { get; } = Usual with { NormsBefore = true, FinalNorm = true };

    /// <summary>Attention and feed-forward blocks, without norms.</summary>
    public static DecoderConfig NormFree { get; } = Usual with { Block = BlockKind.Sequential, Neurons = 3072, MlpBias = true };

    public static DecoderFamily Table { get; } = new()
    {
        Title = "Toy",
        Usual = Usual,
        Model = "AttentionOnlyModel",
        Variants = [("NormedAttentionOnlyModel", Normed), ("NormFreeModel", NormFree)],
        Architecture = "Toy",
        Keys =
        [
            AttentionOnly,
            Norms,
            ConfigKeys.Layers("num_hidden_layers"),
            ConfigKeys.DModel("hidden_size"),
            ConfigKeys.Heads("num_attention_heads"),
            ConfigKeys.HeadWidth("head_dim"),
            Neurons,
            ConfigKeys.Vocabulary("vocab_size"),
            ConfigKeys.Context("max_position_embeddings"),
            ConfigKeys.Epsilon("layer_norm_eps"),
            ConfigKeys.Activation("hidden_act"),
            ConfigKeys.AttentionBias,
            LlamaFamily.MlpBias,
            ConfigKeys.Flag("unembedding_bias", known => known.UnembeddingBias, (known, flag) => known with { UnembeddingBias = flag }),
            ConfigKeys.Flag("looks_ahead", known => known.LooksAhead, (known, flag) => known with { LooksAhead = flag }),
            ConfigKeys.Tied,
        ],
        Prefix = "",
        Tensors =
        [
            new("embed", "embed"),
            new("pos_embed", "pos_embed"),
            new("blocks.*.ln1", "blocks.*.ln1"),
            new("blocks.*.attn.qkv", "blocks.*.attn.q", "blocks.*.attn.k", "blocks.*.attn.v"),
            new("blocks.*.attn.out", "blocks.*.attn.out"),
            new("blocks.*.mlp.in", "blocks.*.mlp.in"),
            new("blocks.*.mlp.out", "blocks.*.mlp.out"),
            new("ln_final", "ln_final"),
            new("unembed", "unembed"),
        ],
    };

    private static ConfigKey AttentionOnly => ConfigKeys.Flag(
        "attention_only", known => !known.HasMlp,
        (known, flag) => known with { Block = flag ? BlockKind.AttentionOnly : BlockKind.Sequential });

    private static ConfigKey Norms => ConfigKeys.Of(
        "norms",
        (config, spelled, known) =>
        {
            bool flag = config.Flag(spelled[0], false);
            return flag && known.HasMlp
                ? throw config.Wrong(spelled[0], "is true, and so there are feed-forward blocks with norms: that is a gpt2")
                : known with { NormsBefore = flag, FinalNorm = flag };
        },
        known => known.NormsBefore);

    private static ConfigKey Neurons => new(
        ["intermediate_size"],
        (config, known) =>
            known.HasMlp ? known with { Neurons = config.Integer("intermediate_size") } :
            config.Has("intermediate_size") ? throw config.Wrong("intermediate_size", "is there, and attention alone has no neurons") :
            known with { Neurons = 0 },
        known => known.HasMlp ? [("intermediate_size", (object?)known.Neurons)] : []);
}
