using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>
/// Llama (Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; Grattafiori et al. 2024, arXiv:2407.21783): RMS norms, rotary positions,
/// grouped queries, gated SiLU.
/// </summary>
internal sealed partial class LlamaFamily : DecoderFamily
{
    public const string Type = "llama";

    /// <summary>The first Llama of 7 billion parameters.</summary>
    public static DecoderConfig Usual { get; } = new()
    {
        Family = Type,
        Layers = 32,
        Heads = 32,
        KvHeads = 32,
        DHead = 128,
        DModel = 4096,
        Neurons = 11008,
        VocabularySize = 32000,
        ContextLength = 2048,
        Norm = NormKind.RmsNorm,
        NormEpsilon = 1e-6,
        Activation = Activation.Silu,
        GatedMlp = true,
        Rotary = new RotaryConfig(10000),
        ScoreScale = 1 / Math.Sqrt(128),
    };

    public override string ModelClass => "Interventions.Models.LlamaModel";

    public override DecoderConfig Default => Usual;

    public override DecoderConfig Read(IConfig config)
    {
        int d_model = config.Integer("hidden_size"), heads = config.Integer("num_attention_heads");
        int kv_heads = config.Integer("num_key_value_heads", heads);
        if (heads % kv_heads != 0)
            throw config.Wrong("num_key_value_heads", $"is {kv_heads}, which does not divide {heads} query heads");
        if (!config.Has("head_dim") && d_model % heads != 0)
            throw config.Wrong("hidden_size", $"is {d_model}, which {heads} heads do not divide");
        int d_head = config.Integer("head_dim", d_model / heads);
        if (d_head % 2 != 0)
            throw config.Wrong("head_dim", $"is {d_head}, and rotary positions need an even number");
        int context = config.Integer("max_position_embeddings", Usual.ContextLength);
        bool bias = config.Flag("attention_bias", Usual.QkvBias);
        return Usual with
        {
            Layers = config.Integer("num_hidden_layers"),
            Heads = heads,
            KvHeads = kv_heads,
            DHead = d_head,
            DModel = d_model,
            Neurons = config.Integer("intermediate_size"),
            VocabularySize = config.Integer("vocab_size"),
            ContextLength = context,
            NormEpsilon = config.Number("rms_norm_eps", Usual.NormEpsilon),
            Activation = ActivationNames.Read(config, "hidden_act", Usual.Activation),
            Rotary = RotaryOptions.Read(config, Usual.Rotary!.Theta, context),
            ScoreScale = 1 / Math.Sqrt(d_head),
            QkvBias = bias,
            AttentionOutBias = bias,
            MlpBias = config.Flag("mlp_bias", Usual.MlpBias),
            TiedUnembedding = config.Flag("tie_word_embeddings", Usual.TiedUnembedding),
        };
    }
}
