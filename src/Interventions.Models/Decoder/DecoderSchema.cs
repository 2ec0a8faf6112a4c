using Interventions.Models.Families;
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
    private static readonly string[] s_choice = ["batch", "pos", "choice"];
    private static readonly string[] s_expert = ["batch", "pos", "expert"];
    private static readonly string[] s_inExpert = ["batch", "pos", "expert", "neuron"];
    private static readonly string[] s_logits = ["batch", "pos", "vocab"];

    /// <summary>The schema of a decoder.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="model">The model's name, for messages.</param>
    public static ModelSchema Of(DecoderConfig config, string model) =>
        new(model, Axes(config), Sites(config)) { Absent = Absent(config) };

    /// <summary>The lengths of the axes.</summary>
    internal static EquatableArray<AxisSize> Axes(DecoderConfig config)
    {
        AxisSize[] experts = config.Experts is { } mixture ? [new("expert", mixture.Count), new("choice", mixture.Chosen)] : [];
        AxisSize[] neurons = config.HasMlp ? [new("neuron", config.Neurons)] : [];
        AxisSize[] axes =
        [
            new("layer", config.Layers), new("head", config.Heads), new("kv_head", config.KvHeads), new("d_head", config.DHead),
            new("d_model", config.DModel), .. neurons, .. experts, new("vocab", config.VocabularySize),
        ];
        return axes.ToEquatableArray();
    }

    /// <summary>
    /// The sites, in the order of computation. Beside are the ports of attention, scores, pattern, results of heads, scales, and what is
    /// inside experts: the ordinary path does not compute them.
    /// </summary>
    internal static EquatableArray<SiteDefinition> Sites(DecoderConfig config)
    {
        // Where attention and the feed-forward block share a norm, no reader has a stream of its own until one is written.
        bool sharesNorm = config.Block == BlockKind.ParallelWithOneNorm, isRotary = config.Rotary is not null;
        SiteDefinition[] sites =
        [
            Site("embed", s_residual),
            .. If(config.EmbeddingNorm, Site("embed_norm", s_residual)),
            .. If(config.LearnedPositions, Site("pos_embed", s_residual) with { SameStep = true }),
            Block("resid_pre", s_residual),
            Block("attn_in", s_residual) with { Beside = sharesNorm },
            Block("attn.q_input", s_port) with { Beside = true },
            Block("attn.k_input", s_port) with { Beside = true, SameStep = true },
            Block("attn.v_input", s_port) with { Beside = true, SameStep = true },
            .. If(config.NormsBefore, Norm("ln1")),
            Block("attn.q", s_query),
            Block("attn.k", s_key) with { SameStep = true },
            Block("attn.v", s_key) with { SameStep = true },
            .. If(isRotary, Block("attn.rot_q", s_query), Block("attn.rot_k", s_key) with { SameStep = true }),
            Block("attn.scores", s_pattern) with { Beside = true },
            Block("attn.pattern", s_pattern) with { Beside = true },
            Block("attn.z", s_query),
            Block("attn.result", s_port) with { Beside = true },
            .. If(config.NormsAfter, Norm("ln1_post")),
            Block("attn_out", s_residual),
            .. If(config.Block == BlockKind.Sequential, Block("resid_mid", s_residual)),
            .. If(config.HasMlp, Block("mlp_in", s_residual) with { Beside = sharesNorm }),
            .. If(config.HasMlp && config.NormsBefore && !sharesNorm, Norm("ln2")),
            .. Mlp(config),
            .. If(config.HasMlp && config.NormsAfter, Norm("ln2_post")),
            .. If(config.HasMlp, Block("mlp_out", s_residual)),
            Block("resid_post", s_residual),
            .. If(config.FinalNorm, Site("ln_final.scale", s_scale) with { Beside = true }, Site("ln_final.normalized", s_residual)),
            Site("logits", s_logits),
        ];
        return sites.ToEquatableArray();
    }

    /// <summary>The sites that other families have and this decoder has not, each with the reason.</summary>
    internal static EquatableArray<AbsentSite> Absent(DecoderConfig config)
    {
        string family = DecoderFamily.TitleOf(config.Family);
        string onePlace = $"{family}'s block adds attention and feed-forward to the same stream";
        string experts = $"{family} has experts, each with neurons of its own", noMlp = $"{family} has no feed-forward block";
        string noNorms = config.NormsAfter ? $"{family} has norms behind its blocks only" : $"{family} has no norms before its blocks";
        (bool isMixture, bool hasMlp) = (config.Experts is not null, config.HasMlp);
        (string Site, bool IsAbsent, string Reason)[] all =
        [
            ("embed_norm", !config.EmbeddingNorm, $"{family} has no norm behind the embedding"),
            ("pos_embed", !config.LearnedPositions, $"{family} has no learned positions"),
            .. Each(["attn.rot_q", "attn.rot_k"], config.Rotary is null, $"{family} has no rotary positions"),
            ("resid_mid", config.Block != BlockKind.Sequential, hasMlp ? onePlace : noMlp),
            .. Each(["mlp_in", "mlp_out"], !hasMlp, noMlp),
            .. Each(["ln1.scale", "ln1.normalized"], !config.NormsBefore, noNorms),
            .. Each(
                ["ln2.scale", "ln2.normalized"], !hasMlp || !config.NormsBefore || config.Block == BlockKind.ParallelWithOneNorm,
                !hasMlp ? noMlp : config.NormsBefore ? $"{family}'s attention and feed-forward share one norm, ln1" : noNorms),
            .. Each(
                ["ln1_post.scale", "ln1_post.normalized", "ln2_post.scale", "ln2_post.normalized"], !config.NormsAfter,
                $"{family} has no norms behind its blocks"),
            .. Each(["mlp.pre", "mlp.post"], isMixture || !hasMlp, hasMlp ? experts : noMlp),
            (
                "mlp.pre_linear", isMixture || !hasMlp || !config.GatedMlp,
                isMixture ? experts : hasMlp ? $"{family}'s feed-forward has no gate" : noMlp),
            .. Each(
                [
                    "mlp.router_probs", "mlp.router_indices", "mlp.router_weights", "mlp.experts.pre", "mlp.experts.pre_linear",
                    "mlp.experts.post",
                ],
                !isMixture, $"{family} has no experts"),
            .. Each(["ln_final.scale", "ln_final.normalized"], !config.FinalNorm, $"{family} has no norm before the unembedding"),
        ];
        return all.Where(site => site.IsAbsent).Select(site => new AbsentSite(
            site.Site.Contains("embed") || site.Site.StartsWith("ln_final", StringComparison.Ordinal) ? site.Site : Layer + site.Site,
            site.Reason)).ToEquatableArray();
    }

    private const string Layer = "blocks.{layer}.";

    private static SiteDefinition[] Mlp(DecoderConfig config) => !config.HasMlp ? [] : config.Experts is not null
        ?
        [
            Block("mlp.router_probs", s_expert),
            Block("mlp.router_indices", s_choice) with { WholeNumbers = true },
            Block("mlp.router_weights", s_choice),
            Block("mlp.experts.pre", s_inExpert) with { Beside = true },
            Block("mlp.experts.pre_linear", s_inExpert) with { Beside = true, SameStep = true },
            Block("mlp.experts.post", s_inExpert) with { Beside = true },
        ]
        :
        [
            Block("mlp.pre", s_neuron),
            .. If(config.GatedMlp, Block("mlp.pre_linear", s_neuron) with { SameStep = true }),
            Block("mlp.post", s_neuron),
        ];

    private static SiteDefinition[] Norm(string name) =>
        [Block($"{name}.scale", s_scale) with { Beside = true }, Block($"{name}.normalized", s_residual)];

    private static SiteDefinition Block(string name, string[] axes) => Site(Layer + name, axes);

    private static SiteDefinition Site(string path, string[] axes) => new(path, axes.ToEquatableArray());

    private static SiteDefinition[] If(bool isThere, params SiteDefinition[] sites) => isThere ? sites : [];

    private static IEnumerable<(string, bool, string)> Each(string[] sites, bool isAbsent, string reason) =>
        sites.Select(site => (site, isAbsent, reason));
}
