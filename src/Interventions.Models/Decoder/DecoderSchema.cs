using Interventions.Runtime;

namespace Interventions.Models.Decoder;

/// <summary>
/// The sites and axes that a decoder has. The generator is compiled with this file: it adds the sites to the families' model classes.
/// </summary>
public static class DecoderSchema
{
    private static readonly string[] s_residual = ["batch", "pos", "d_model"];
    private static readonly string[] s_scale = ["batch", "pos", "one"];
    private static readonly string[] s_port = ["batch", "pos", "head", "d_model"];
    private static readonly string[] s_query = ["batch", "pos", "head", "d_head"];
    private static readonly string[] s_key = ["batch", "pos", "kv_head", "d_head"];
    private static readonly string[] s_pattern = ["batch", "head", "query", "key"];
    private static readonly string[] s_neuron = ["batch", "pos", "neuron"];
    private static readonly string[] s_logits = ["batch", "pos", "vocab"];

    /// <summary>The schema of a decoder.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="model">The model's name, for messages.</param>
    public static ModelSchema Of(DecoderConfig config, string model) => new(model, Axes(config), Sites(config));

    /// <summary>The lengths of the axes.</summary>
    internal static EquatableArray<AxisSize> Axes(DecoderConfig config) => EquatableArray.Of(
        new AxisSize("layer", config.Layers),
        new AxisSize("head", config.Heads),
        new AxisSize("kv_head", config.KvHeads),
        new AxisSize("d_head", config.DHead),
        new AxisSize("d_model", config.DModel),
        new AxisSize("neuron", config.Neurons),
        new AxisSize("vocab", config.VocabularySize));

    /// <summary>
    /// The sites, in the order of computation. Beside are the ports of attention, scores, pattern, results of heads, and scales: the fused
    /// calls do not compute them.
    /// </summary>
    internal static EquatableArray<SiteDefinition> Sites(DecoderConfig config)
    {
        bool isRotary = config.Rotary is not null;
        SiteDefinition[] sites =
        [
            Site("embed", s_residual),
            .. If(!isRotary, Site("pos_embed", s_residual) with { SameStep = true }),
            Block("resid_pre", s_residual),
            Block("attn_in", s_residual),
            Block("attn.q_input", s_port) with { Beside = true },
            Block("attn.k_input", s_port) with { Beside = true, SameStep = true },
            Block("attn.v_input", s_port) with { Beside = true, SameStep = true },
            Block("ln1.scale", s_scale) with { Beside = true },
            Block("ln1.normalized", s_residual),
            Block("attn.q", s_query),
            Block("attn.k", s_key) with { SameStep = true },
            Block("attn.v", s_key) with { SameStep = true },
            .. If(isRotary, Block("attn.rot_q", s_query), Block("attn.rot_k", s_key) with { SameStep = true }),
            Block("attn.scores", s_pattern) with { Beside = true },
            Block("attn.pattern", s_pattern) with { Beside = true },
            Block("attn.z", s_query),
            Block("attn.result", s_port) with { Beside = true },
            Block("attn_out", s_residual),
            Block("resid_mid", s_residual),
            Block("mlp_in", s_residual),
            Block("ln2.scale", s_scale) with { Beside = true },
            Block("ln2.normalized", s_residual),
            Block("mlp.pre", s_neuron),
            .. If(config.GatedMlp, Block("mlp.pre_linear", s_neuron) with { SameStep = true }),
            Block("mlp.post", s_neuron),
            Block("mlp_out", s_residual),
            Block("resid_post", s_residual),
            Site("ln_final.scale", s_scale) with { Beside = true },
            Site("ln_final.normalized", s_residual),
            Site("logits", s_logits),
        ];
        return sites.ToEquatableArray();
    }

    private static SiteDefinition Block(string name, string[] axes) => Site("blocks.{layer}." + name, axes);

    private static SiteDefinition Site(string path, string[] axes) => new(path, axes.ToEquatableArray());

    private static SiteDefinition[] If(bool isThere, params SiteDefinition[] sites) => isThere ? sites : [];
}
