using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>The keys of GGUF files of which families' layouts are made.</summary>
internal static class GgufKeys
{
    /// <summary>The tensor of the numbers that Llama 3 divides rotary frequencies by.</summary>
    public const string RotaryFactors = "rope_freqs.weight";

    private const string Rms = "attention.layer_norm_rms_epsilon", LayerNorm = "attention.layer_norm_epsilon";
    private const string Width = "attention.sliding_window", Period = "attention.sliding_window_pattern";
    private const string Type = "rope.scaling.type", Factor = "rope.scaling.factor", OlderFactor = "rope.scale_linear";

    /// <summary>The sizes of families with RMS norms, and ε.</summary>
    public static GgufKey[] RmsSizes => Sizes(Rms);

    /// <summary>The sizes of families with layer norms, and ε.</summary>
    public static GgufKey[] LayerNormSizes => Sizes(LayerNorm);

    /// <summary>All four biases of attention if there is one of queries.</summary>
    public static GgufKey AttentionBias => Fact((config, known) =>
    {
        bool isThere = config.HasTensor("blk.0.attn_q.bias") || config.HasTensor("blk.0.attn_qkv.bias");
        return known with { QkvBias = isThere, AttentionOutBias = isThere };
    });

    /// <summary>Biases of queries, keys and values.</summary>
    public static GgufKey QkvBias => Fact((config, known) => known with { QkvBias = config.HasTensor("blk.0.attn_q.bias") });

    /// <summary>Biases of the feed-forward block.</summary>
    public static GgufKey MlpBias => Fact((config, known) => known with { MlpBias = config.HasTensor("blk.0.ffn_up.bias") });

    /// <summary>Rotary positions on whole heads.</summary>
    public static GgufKey Rotary => RotaryWith([], (_, known) => known.DHead);

    /// <summary>Rotary positions on a part of each head.</summary>
    public static GgufKey PartialRotary =>
        RotaryWith(["rope.dimension_count"], (config, known) => config.Integer("rope.dimension_count", known.DHead));

    /// <summary>Llama 3's scaling of rotary frequencies, which files store as what each frequency is divided by.</summary>
    public static GgufKey Llama3Scaling => Fact((config, known) =>
    {
        if (!config.HasTensor(RotaryFactors))
            return known;
        if (known.Rotary!.Scaling is not null)
            throw config.Wrong(Type, $"scales rotary frequencies, and so does the tensor '{RotaryFactors}'");
        if (config.Count(RotaryFactors) == known.DHead / 2)
        {
            float[] factors = config.Values(RotaryFactors);
            double[] plain = known.Rotary.Frequencies(known.DHead);
            // All published ones have these numbers of turns. Contexts that differ in no factor are the same model.
            foreach (int context in Enumerable.Range(4, 20).Select(power => 1 << power).OrderByDescending(context => context == 8192))
            {
                RotaryConfig scaled = known.Rotary with { Scaling = new RotaryScaling.Llama3(factors.Max(), 1, 4, context) };
                if (scaled.Frequencies(known.DHead).Zip(factors, plain).All(x => Math.Abs((x.First * x.Second / x.Third) - 1) < 1e-5))
                    return known with { Rotary = scaled };
            }
        }
        throw config.WrongTensor(RotaryFactors, "does not have the factors of Llama 3's scaling, the only ones that are read");
    });

    /// <summary>A window. The file says its width, and 0 for none.</summary>
    /// <param name="period">Every how many layers there is one without the window, the last of them; 0 for no such layer.</param>
    /// <param name="otherwise">The width where the file does not say it.</param>
    public static GgufKey Windows(int period, int? otherwise) => new(period == 0 ? [Width] : [Width, Period], (config, known) =>
    {
        int? window = config.IsZero(Width) ? null : config.Has(Width) ? config.Integer(Width) : otherwise;
        int every = period == 0 ? 0 : config.Integer(Period, period);
        int[] global = [.. Enumerable.Range(0, known.Layers).Where(layer => every > 1 && layer % every == every - 1)];
        return window is null || every == 1
            ? known with { Window = null, GlobalLayers = default }
            : known with { Window = window, GlobalLayers = global.ToEquatableArray() };
    });

    /// <summary>A number that may be missing.</summary>
    public static GgufKey Optional(string name, Func<DecoderConfig, double?, DecoderConfig> set) => new(
        [name], (config, known) => set(known, config.Has(name) ? config.Number(name) : null));

    /// <summary>A key that every file has.</summary>
    public static GgufKey Required(GgufKey key) => key with
    {
        Read = (config, known) =>
            config.Has(key.Names[0]) ? key.Read(config, known) : throw config.Wrong(key.Names[0], "is missing"),
    };

    /// <summary>What follows from tensors, or from keys that were read before.</summary>
    public static GgufKey Fact(Func<GgufConfig, DecoderConfig, DecoderConfig> read) => new([], read);

    private static GgufKey[] Sizes(string epsilon) =>
    [
        ConfigKeys.Layers("block_count"),
        Fact((config, known) => known.Layers <= config.TensorCount ? known
            : throw config.Wrong("block_count", $"is {known.Layers}, and the file has {config.TensorCount} tensors")),
        ConfigKeys.DModel("embedding_length"),
        ConfigKeys.Heads("attention.head_count"),
        ConfigKeys.KvHeads("attention.head_count_kv", isRequired: false),
        ConfigKeys.HeadWidth("attention.key_length", "embedding_length"),
        ConfigKeys.Neurons("feed_forward_length"),
        ConfigKeys.Context("context_length"),
        Required(ConfigKeys.Epsilon(epsilon)),
        Fact((config, known) => known with { VocabularySize = config.Tokens ?? known.VocabularySize }),
        ConfigKeys.Vocabulary("vocab_size", known => known.VocabularySize),
        Fact((config, known) => known with { TiedUnembedding = !config.HasTensor("output.weight") }),
    ];

    private static GgufKey RotaryWith(string[] names, Func<GgufConfig, DecoderConfig, int> width) => new(
        ["rope.freq_base", Type, Factor, OlderFactor, .. names],
        (config, known) =>
        {
            int turning = width(config, known);
            if (turning % 2 != 0 || turning > known.DHead)
                throw config.Wrong(names[0], $"is {turning}; an even number up to the {known.DHead} coordinates of a head is needed");
            return known with
            {
                Rotary = known.Rotary! with
                {
                    Theta = config.Number("rope.freq_base", 10000),
                    Scaling = Scaling(config),
                    Width = turning == known.DHead ? null : turning,
                },
            };
        });

    private static RotaryScaling? Scaling(GgufConfig config)
    {
        string factor = config.Has(OlderFactor) ? OlderFactor : Factor;
        return config.Text(Type, config.Has(factor) ? "linear" : "none") switch
        {
            "none" => null,
            "linear" => new RotaryScaling.Linear(config.Number(factor)),
            string type => throw config.Wrong(Type, $"is {GgufHeader.Quoted(type)}; supported are none, linear"),
        };
    }
}
