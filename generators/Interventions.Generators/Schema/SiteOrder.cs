using Interventions.Sites;

namespace Interventions.Generators.Schema;

/// <summary>
/// When a value is computed: by layer, and within one by the place of its site in the forward pass. A site that is not known here has no order, and is
/// not compared.
/// </summary>
internal static class SiteOrder
{
    private static readonly string[] InLayer =
    [
        "resid_pre", "attn_in", "attn.q_input|attn.k_input|attn.v_input", "ln1.scale", "ln1.normalized", "attn.q|attn.k|attn.v", "attn.rot_q|attn.rot_k",
        "attn.scores", "attn.pattern", "attn.z", "attn.result", "ln1_post.scale", "ln1_post.normalized", "attn_out", "resid_mid", "mlp_in", "ln2.scale",
        "ln2.normalized", "mlp.pre|mlp.pre_linear", "mlp.post", "ln2_post.scale", "ln2_post.normalized", "mlp_out", "resid_post",
    ];

    private static readonly string[] BeforeLayers = ["embed", "pos_embed"];

    private static readonly string[] AfterLayers = ["ln_final.scale", "ln_final.normalized", "logits"];

    /// <summary>Whether a value surely does not depend on another one: it is computed before it, or at the same time.</summary>
    public static bool IsNotAfter(SitePath path, SitePath other, ModelSchema schema) =>
        Place(path, schema) is { } place && Place(other, schema) is { } otherPlace && place.CompareTo(otherPlace) <= 0;

    /// <summary>Layer and place; null where the path names several layers, or an unknown site.</summary>
    private static (int Layer, int Place)? Place(SitePath path, ModelSchema schema)
    {
        PathSegment[] segments = path.Segments.ToArray();
        int layered = Array.FindIndex(segments, segment => segment.Indices is not null);
        string name = string.Join(".", segments.Skip(layered + 1).Select(segment => segment.Name));
        if (layered < 0)
        {
            int before = Array.IndexOf(BeforeLayers, name), after = Array.IndexOf(AfterLayers, name);
            // Embeddings are added to each other: neither is after the other.
            return before >= 0 ? (-1, 0) : after >= 0 ? (int.MaxValue, after) : null;
        }
        int place = Array.FindIndex(InLayer, names => names.Split('|').Contains(name));
        Selection layers = segments[layered].Indices!.Selection;
        return place >= 0 && schema.SizeOf("layer") is { } count && layers is { IsSweep: false, Items: { Count: 1 } items } && items[0].First == items[0].Last
            ? (items[0].First < 0 ? items[0].First + count : items[0].First, place)
            : null;
    }
}
