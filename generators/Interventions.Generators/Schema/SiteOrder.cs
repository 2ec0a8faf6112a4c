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

    private static readonly Dictionary<string, int> PlaceInLayer =
        InLayer.SelectMany((names, place) => names.Split('|').Select(name => (name, place))).ToDictionary(site => site.name, site => site.place);

    private static readonly string[] BeforeLayers = ["embed", "pos_embed"];

    private static readonly string[] AfterLayers = ["ln_final.scale", "ln_final.normalized", "logits"];

    /// <summary>Whether a value surely does not depend on another one: it is computed before it, or at the same time.</summary>
    public static bool IsNotAfter(SitePath path, SitePath other, ModelSchema schema) =>
        Place(path, schema, last: true) is { } place && Place(other, schema, last: false) is { } otherPlace && place.CompareTo(otherPlace) <= 0;

    /// <summary>Whether some of what is written is surely computed before what it reads in the same run, or at the same time.</summary>
    public static bool IsTooEarly(SitePath written, SitePath read, ModelSchema schema)
    {
        if (Named(written) is not var (writtenLayers, _, writtenPlace) || Named(read) is not var (readLayers, _, readPlace))
            return false;
        // Which layers a placeholder goes through, all of its uses say together; one placeholder is one layer at a time.
        if (writtenLayers is { IsSweep: true } || readLayers is { IsSweep: true })
            return writtenLayers?.Placeholder is { } sweep && sweep == readLayers?.Placeholder && writtenPlace <= readPlace;
        return Layers(writtenLayers, writtenPlace, schema) is var (first, _) && Layers(readLayers, readPlace, schema) is var (there, _)
            && (first < there || (first == there && writtenPlace <= readPlace));
    }

    /// <summary>Whether a write may change what is read in the same run: some of what is read is after some of what is written.</summary>
    /// <param name="written">The written path.</param>
    /// <param name="read">The path that is read.</param>
    /// <param name="before">Whether the value before the writes to the very site is read.</param>
    /// <param name="schema">The model.</param>
    public static bool MayReach(SitePath written, SitePath read, bool before, ModelSchema schema)
    {
        if (Named(written) is not var (writtenLayers, writtenName, writtenPlace) || Named(read) is not var (readLayers, readName, readPlace))
            return true;
        bool isSame = writtenName == readName && !before;
        // One placeholder is one layer at a time.
        if (writtenLayers is { IsSweep: true } && writtenLayers.Placeholder == readLayers?.Placeholder)
            return readPlace > writtenPlace || isSame;
        if (Layers(writtenLayers, writtenPlace, schema) is not var (first, _) || Layers(readLayers, readPlace, schema) is not var (_, last))
            return true;
        int order = last.CompareTo(first);
        return order > 0 || (order == 0 && (readPlace > writtenPlace || isSame));
    }

    /// <summary>The first and the last layer; what stands before or after them all counts as one; null when the model says too little.</summary>
    private static (int First, int Last)? Layers(Selection? layers, int place, ModelSchema schema)
    {
        if (layers is null)
            return place < 0 ? (-1, -1) : (int.MaxValue, int.MaxValue);
        if (schema.SizeOf("layer") is not { } count)
            return null;
        IReadOnlyList<int> indices = SiteExpansion.Indices(layers, count);
        return (indices.Min(), indices.Max());
    }

    /// <summary>A path's layers, its site's name behind them, and its place within; embeddings are at −1. Null for an unknown site.</summary>
    private static (Selection? Layers, string Name, int Place)? Named(SitePath path)
    {
        PathSegment? layered = path.Segments.FirstOrDefault(segment => segment.Indices is not null);
        string site = path.Site, name = layered is null ? site : site.Substring(Math.Min(site.Length, layered.Span.Start + layered.Span.Length + 1));
        int place =
            layered is null ? Array.IndexOf(AfterLayers, name) :
            PlaceInLayer.TryGetValue(name, out int known) ? known : -1;
        // Embeddings are added to each other: neither is after the other.
        return layered is null && BeforeLayers.Contains(name) ? (null, name, -1) :
            place < 0 ? null :
            (layered?.Indices!.Selection, name, place);
    }

    /// <summary>Layer and place, of several layers the first or the last; null where the layer is swept, or the site unknown.</summary>
    private static (int Layer, int Place)? Place(SitePath path, ModelSchema schema, bool last) =>
        Named(path) is not var (layers, _, place) || layers is { IsSweep: true } || Layers(layers, place, schema) is not { } range ? null :
        (last ? range.Last : range.First, range.First < 0 ? 0 : place);
}
