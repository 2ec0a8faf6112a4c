using System;
using System.Collections.Generic;

namespace Interventions.Sites;

/// <summary>
/// TransformerLens's names of hook points: those of <c>HookedTransformer</c> (<c>attn.hook_z</c>) and those of <c>TransformerBridge</c>
/// (<c>attn.o.hook_in</c>).
/// </summary>
internal static class TransformerLensNames
{
    public const string Library = "TransformerLens";

    /// <summary>Names of values that are the same in every model.</summary>
    private static readonly Dictionary<string, string> s_same = new()
    {
        ["hook_in"] = "resid_pre",
        ["hook_out"] = "resid_post",
        ["hook_resid_pre"] = "resid_pre",
        ["hook_resid_mid"] = "resid_mid",
        ["hook_resid_post"] = "resid_post",
        ["hook_mlp_in"] = "mlp_in",
        ["hook_q_input"] = "attn.q_input",
        ["attn.hook_q_input"] = "attn.q_input",
        ["attn.hook_q"] = "attn.q",
        ["attn.hook_k"] = "attn.k",
        ["attn.hook_v"] = "attn.v",
        ["attn.q.hook_out"] = "attn.q",
        ["attn.k.hook_out"] = "attn.k",
        ["attn.v.hook_out"] = "attn.v",
        ["attn.hook_rot_q"] = "attn.rot_q",
        ["attn.hook_rot_k"] = "attn.rot_k",
        ["attn.hook_pattern"] = "attn.pattern",
        ["attn.hook_z"] = "attn.z",
        ["attn.o.hook_in"] = "attn.z",
        ["attn.hook_result"] = "attn.result",
        ["mlp.hook_pre"] = "mlp.pre",
        ["mlp.gate.hook_out"] = "mlp.pre",
        ["mlp.hook_pre_linear"] = "mlp.pre_linear",
        ["mlp.hook_post"] = "mlp.post",
        ["mlp.out.hook_in"] = "mlp.post",
        ["mlp.hook_expert_weights"] = "mlp.router_probs",
        ["mlp.hook_expert_indices"] = "mlp.router_indices",
    };

    /// <summary>What a name means; <see langword="null"/> when it is none of the library's.</summary>
    public static ForeignName? Find(ForeignPath path)
    {
        string name = path.Name!;
        int dot = name.LastIndexOf('.');
        if (!name.Substring(dot + 1).StartsWith("hook_", StringComparison.Ordinal))
            return null;
        if (!path.InBlock && Outside(name, path) is { } outside)
            return outside;
        return OfBlock(name, path) ?? (dot > 0 ? OfNorm(name.Substring(0, dot), name.Substring(dot + 1), path) : null);
    }

    /// <summary>What a name within a block means, norms left out.</summary>
    public static ForeignName? OfBlock(string name, ForeignPath path) =>
        s_same.TryGetValue(name, out string? same) ? Same(same) : DependingOnModel(name, path);

    private static ForeignName? DependingOnModel(string name, ForeignPath path) => name switch
    {
        "mlp.in.hook_out" => Same(path.IsGated ? "mlp.pre_linear" : "mlp.pre"),
        "hook_attn_out" => path.HasNormsBehindOnly ? BeforeNorm("attn_out", path) : Same("attn_out"),
        "hook_mlp_out" => path.HasNormsBehindOnly ? BeforeNorm("mlp_out", path) : Same("mlp_out"),
        "attn.hook_out" or "attn.o.hook_out" => Added("attn_out", path),
        "mlp.hook_out" or "mlp.out.hook_out" => Added("mlp_out", path),
        "attn.hook_attn_scores" => Same("attn.scores", "where masked scores read as 0, not as −∞, and stay masked"),
        "hook_attn_in" or "attn.hook_attn_in" => path.SelectsHeads
            ? Nowhere(
                "it is what one head reads; " + path.Here("attn.q_input") + ", " + path.Here("attn.k_input") + " and "
                + path.Here("attn.v_input") + " are what it reads for its queries, keys and values, to be written alike")
            : Same("attn_in", "one value for all heads, without an axis of heads"),
        "hook_k_input" or "attn.hook_k_input" => OfKey("attn.k_input", path),
        "hook_v_input" or "attn.hook_v_input" => OfKey("attn.v_input", path),
        "attn.hook_in" => OfReader("ln1.normalized", "attn_in", path),
        "mlp.hook_in" => OfReader("ln2.normalized", "mlp_in", path),
        "mlp.in.hook_in" when !path.IsGated => OfReader("ln2.normalized", "mlp_in", path),
        "attn.q.hook_in" => OfProjection("queries", "attn.q_input", path),
        "attn.k.hook_in" => OfProjection("keys", "attn.k_input", path),
        "attn.v.hook_in" => OfProjection("values", "attn.v_input", path),
        _ => null,
    };

    private static ForeignName? Outside(string name, ForeignPath path) => name switch
    {
        "hook_embed" => path.HasTop("embed_norm")
            ? Nowhere("it is 'embed_norm' in a HookedTransformer, and 'embed' in a TransformerBridge; write the one that you mean")
            : new(Library, "embed"),
        "embed.hook_out" => new(Library, "embed"),
        "embed_ln.hook_out" => new(Library, "embed_norm"),
        "hook_pos_embed" or "pos_embed.hook_out" => new(Library, "pos_embed"),
        "ln_final.hook_scale" => new(Library, "ln_final.scale"),
        "ln_final.hook_out" or "unembed.hook_in" => new(Library, "ln_final.normalized"),
        "ln_final.hook_normalized" => BeforeGain("'ln_final.normalized'", path.InLast("resid_post"), "'ln_final.scale'"),
        "ln_final.hook_in" => Nowhere($"it is the residual stream behind the last block, {path.InLast("resid_post")}"),
        "unembed.hook_out" => new(Library, "logits", "behind the soft cap or divisor that some models have"),
        _ => null,
    };

    /// <summary>Names of norms. Where there are norms behind blocks only, the library calls those <c>ln1</c> and <c>ln2</c>.</summary>
    private static ForeignName? OfNorm(string norm, string hook, ForeignPath path)
    {
        if (norm is not ("ln1" or "ln2" or "ln1_post" or "ln2_post"))
            return null;
        string ours = path.HasNormsBehindOnly && norm.Length == 3 ? norm + "_post" : norm;
        if (!path.Has(ours + ".normalized"))
            return Same(ours + ".normalized"); // The model says why it has none.
        bool isBehind = ours.Length > 3;
        string input = ours == "ln1" ? "attn_in" : "mlp_in";
        return hook switch
        {
            "hook_scale" => Same(ours + ".scale"),
            "hook_out" => Same(ours + ".normalized"),
            "hook_normalized" when isBehind => Nowhere(
                "it is before the norm's gain and bias, and " + path.Here(ours + ".normalized") + " is behind them"),
            "hook_normalized" => BeforeGain(path.Here(ours + ".normalized"), path.Here(input), path.Here(ours + ".scale")),
            "hook_in" when isBehind => BeforeNorm(ours == "ln1_post" ? "attn_out" : "mlp_out", path),
            "hook_in" when path.SharesNorm => Nowhere(
                "attention and the feed-forward block read it, and here each has a port of its own: " + path.Here("attn_in") + " and "
                + path.Here("mlp_in") + ", to be written alike"),
            "hook_in" => Same(input),
            _ => null,
        };
    }

    private static ForeignName Same(string site, string? remark = null) => new(Library, ForeignPath.OfBlock(site), remark);

    private static ForeignName Nowhere(string why) => new(Library, null, why);

    private static ForeignName BeforeGain(string normalized, string input, string scale) => Nowhere(
        $"it is before the norm's gain and bias, and {normalized} is behind them; divide the norm's input, {input} (less its mean in a "
        + $"LayerNorm), by {scale}");

    private static ForeignName BeforeNorm(string site, ForeignPath path) => Nowhere(
        "it is before the norm behind the block, and " + path.Here(site) + ", which is added to the residual stream, is behind that");

    private static ForeignName Added(string site, ForeignPath path) => path.HasNormsBehind
        ? BeforeNorm(site, path)
        : Same(site, "what is added to the residual stream, after the factor that some models have");

    private static ForeignName OfKey(string site, ForeignPath path) => path.IsGrouped
        ? Nowhere("it has one for each key/value head, and " + path.Here(site) + " one for each query head that reads it")
        : Same(site);

    private static ForeignName OfReader(string normalized, string port, ForeignPath path) =>
        path.HasNormsBehindOnly ? Same(port)
        : path.SharesNorm ? Nowhere(
            "it belongs to one reader of the norm; " + path.Here("ln1.normalized") + " has the same values for both, and " + path.Here(port)
            + " is what this one reads before the norm")
        : Same(normalized);

    private static ForeignName OfProjection(string what, string port, ForeignPath path) => Nowhere(
        $"it is what {what} alone are made of; {path.Here(port)} is what one head reads for them, before the norm");
}
