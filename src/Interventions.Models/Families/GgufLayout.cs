using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>
/// How a family lies in GGUF files, as llama.cpp writes and reads them: which keys fill the configuration, and which tensors hold the
/// weights. Names of tensors are the same in all families; what differs is here.
/// </summary>
internal sealed record GgufLayout
{
    private static readonly TensorNames[] s_tensors =
    [
        new("embed", "token_embd"),
        new("embed_norm", "token_embd_norm"),
        new("pos_embed", "position_embd"),
        new("blocks.*.ln1", "blk.*.attn_norm"),
        new("blocks.*.attn.qkv", "blk.*.attn_q", "blk.*.attn_k", "blk.*.attn_v"),
        new("blocks.*.attn.q_norm", "blk.*.attn_q_norm"),
        new("blocks.*.attn.k_norm", "blk.*.attn_k_norm"),
        new("blocks.*.attn.out", "blk.*.attn_output"),
        new("blocks.*.ln1_post", "blk.*.post_attention_norm"),
        new("blocks.*.ln2", "blk.*.ffn_norm"),
        new("blocks.*.mlp.gate", "blk.*.ffn_gate"),
        new("blocks.*.mlp.in", "blk.*.ffn_up"),
        new("blocks.*.mlp.out", "blk.*.ffn_down"),
        new("blocks.*.mlp.router", "blk.*.ffn_gate_inp"),
        new("blocks.*.mlp.experts.gate", "blk.*.ffn_gate_exps"),
        new("blocks.*.mlp.experts.in", "blk.*.ffn_up_exps"),
        new("blocks.*.mlp.experts.out", "blk.*.ffn_down_exps"),
        new("blocks.*.ln2_post", "blk.*.post_ffw_norm"),
        new("ln_final", "output_norm"),
        new("unembed", "output"),
    ];

    /// <summary>The layout of a family; <see langword="null"/> when it is not read from GGUF files.</summary>
    public static GgufLayout? Of(DecoderFamily family) => GgufFamilies.All.GetValueOrDefault(family.ModelType);

    /// <summary>GGUF's name of the family, with which its keys begin.</summary>
    public required string Architecture { get; init; }

    /// <summary>Which files of that architecture are of this family, where several share it.</summary>
    public Func<GgufHeader, bool> Fits { get; init; } = _ => true;

    /// <summary>Other families that files of that architecture may hold, with nothing that says so.</summary>
    public IReadOnlyList<string> AlsoHolds { get; init; } = [];

    /// <summary>The keys that are read, those first on which others depend.</summary>
    public required IReadOnlyList<GgufKey> Keys { get; init; }

    /// <summary>Keys that change no number of a forward pass.</summary>
    public IReadOnlyList<string> WithoutEffect { get; init; } = [];

    /// <summary>Keys that repeat what the configuration determines; another value would be another model.</summary>
    public IReadOnlyList<(string Key, Func<DecoderConfig, long> Value)> Implied { get; init; } =
        [("attention.value_length", config => config.DHead)];

    /// <summary>Tensors with other names than most families give them.</summary>
    public IReadOnlyList<TensorNames> Tensors { get; init; } = [];

    /// <summary>
    /// Whether rows of queries and keys are reordered within each head: the two coordinates that rotary positions turn together are
    /// neighbours, and not half a head apart.
    /// </summary>
    public bool PairedRows { get; init; }

    /// <summary>Where a GGUF file stores the weights of a decoder.</summary>
    public StoredLayout Weights(DecoderFamily family, DecoderConfig config)
    {
        TensorNames[] names =
            [.. s_tensors.Where(usual => !Tensors.Any(own => own.Weight == usual.Weight)), .. Tensors];
        IEnumerable<WeightSource> sources = DecoderFamily.Sources(names, config).Select(source => source with
        {
            Parts = [.. source.Parts.Select((part, i) => Stored(source.Weight, part, i, config))],
        });
        // The factors were read with the configuration.
        return new(
            family.ModelType, "", sources,
            name => name == GgufKeys.RotaryFactors && config.Rotary?.Scaling is RotaryScaling.Llama3, null);
    }

    private WeightPart Stored(string weight, WeightPart part, int index, DecoderConfig config)
    {
        int heads = index == 0 ? config.Heads : config.KvHeads;
        bool isGain = weight.EndsWith(".gain", StringComparison.Ordinal), isQuery = weight.Contains(".q_norm.", StringComparison.Ordinal);
        bool isOfHeads = isQuery || weight.Contains(".k_norm.", StringComparison.Ordinal);
        return part with
        {
            Order = PairedRows && index < 2 && weight.Contains(".attn.qkv.", StringComparison.Ordinal)
                ? new RowOrder(heads, config.DHead / 2, 2) : null,
            Offset = config.GainsAboveOne && isGain ? -1 : 0,
            Shape = config.QkNorm == QkNorm.GainForEachHead && isOfHeads
                ? [isQuery ? config.Heads : config.KvHeads, config.DHead] : null,
        };
    }
}

/// <summary>Keys of GGUF files that say one thing, without the architecture in front, or something that follows from tensors.</summary>
/// <param name="Names">The keys.</param>
/// <param name="Read">Adds what a file says to what is known already.</param>
internal sealed record GgufKey(IReadOnlyList<string> Names, Func<GgufConfig, DecoderConfig, DecoderConfig> Read)
{
    /// <summary>Keys that are read as those of a <c>config.json</c> are.</summary>
    public static implicit operator GgufKey(ConfigKey key) => new(key.Names, (config, known) => key.Read(config, known));
}
