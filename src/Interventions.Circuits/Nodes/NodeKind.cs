using Interventions.ModelGraphs;

namespace Interventions.Circuits;

/// <summary>What a node is: a value of the model that is patched, or attributed to, as one.</summary>
public enum NodeKind
{
    /// <summary>The token embedding as it enters the residual stream: <c>embed</c>. By position.</summary>
    Embed,

    /// <summary>The residual stream before a layer: <c>resid_pre</c>. By layer and position.</summary>
    ResidPre,

    /// <summary>What attention adds to the stream: <c>attn_out</c>. By layer and position.</summary>
    AttnOut,

    /// <summary>What a feed-forward block adds to the stream: <c>mlp_out</c>. By layer and position.</summary>
    MlpOut,

    /// <summary>A neuron of a feed-forward block, behind its nonlinearity: <c>mlp.post</c>. By layer, neuron and position.</summary>
    Neuron,

    /// <summary>A head's mixed values: <c>attn.z</c>. By layer, head and position.</summary>
    Z,

    /// <summary>A head's queries: <c>attn.q</c>. By layer, head and position.</summary>
    Query,

    /// <summary>A query head's keys, which are its own also where heads share them. By layer, head and position.</summary>
    Key,

    /// <summary>A query head's values, which are its own also where heads share them. By layer, head and position.</summary>
    Value,

    /// <summary>A head's attention pattern: <c>attn.pattern</c>. By layer, head, query and key.</summary>
    Pattern,

    /// <summary>Keys as they are stored, those of all heads that share them: <c>attn.k</c>. By layer, key head and position.</summary>
    KeyGroup,

    /// <summary>Values as they are stored, those of all heads that share them: <c>attn.v</c>. By layer, key head and position.</summary>
    ValueGroup,
}

/// <summary>Where the nodes of a model are among its sites.</summary>
internal sealed class NodeSites
{
    private readonly HashSet<string> _sites;
    private readonly HookedModel _model;
    private readonly string _name;

    private NodeSites(HookedModel model)
    {
        _model = model;
        _name = model.Schema.Model;
        _sites = [.. model.Schema.Sites.Select(site => site.Path)];
        Embed = EmbedOf(model);
        Layers = model.Schema.SizeOf("layer") ?? throw new InterventionException($"{_name} has no axis 'layer', which nodes need.");
        Heads = model.Schema.SizeOf("head") ?? 0;
        KeyHeads = model.Schema.SizeOf("kv_head") ?? Heads;
    }

    /// <summary>The site of the token embedding as it enters the residual stream.</summary>
    public string Embed { get; }

    /// <summary>The number of layers.</summary>
    public int Layers { get; }

    /// <summary>The number of query heads of a layer; 0 where there are none.</summary>
    public int Heads { get; }

    /// <summary>The number of heads of keys and values of a layer.</summary>
    public int KeyHeads { get; }

    /// <summary>Whether several query heads share keys and values.</summary>
    public bool SharesKeys => KeyHeads < Heads;

    /// <summary>Whether there are feed-forward blocks.</summary>
    public bool HasMlps => Has("mlp_out");

    public static NodeSites Of(HookedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new NodeSites(model);
    }

    /// <summary>The sites of the scales that norms between blocks, and before the unembedding, divide by.</summary>
    public string[] Scales =>
    [
        .. new[] { "ln1.scale", "ln1_post.scale", "ln2.scale", "ln2_post.scale" }.Where(Has).Select(site => $"blocks.*.{site}"),
        .. new[] { "ln_final.scale" }.Where(_sites.Contains),
    ];

    /// <summary>Whether every layer has a site.</summary>
    public bool Has(string site) => _sites.Contains("blocks.{layer}." + site);

    /// <summary>The site of a kind, without layer and selectors: <c>attn.z</c>; <c>embed</c> is that of the model.</summary>
    /// <exception cref="InterventionException">The model lacks it.</exception>
    public string SiteOf(NodeKind kind)
    {
        string site = kind switch
        {
            NodeKind.Embed => Embed,
            NodeKind.ResidPre => "resid_pre",
            NodeKind.AttnOut => "attn_out",
            NodeKind.MlpOut => "mlp_out",
            NodeKind.Neuron => "mlp.post",
            NodeKind.Z => "attn.z",
            NodeKind.Query => "attn.q",
            // A port gives its query head keys and values of its own.
            NodeKind.Key => SharesKeys ? "attn.k_input" : "attn.k",
            NodeKind.Value => SharesKeys ? "attn.v_input" : "attn.v",
            NodeKind.Pattern => "attn.pattern",
            NodeKind.KeyGroup => "attn.k",
            NodeKind.ValueGroup => "attn.v",
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such kind of nodes."),
        };
        return kind == NodeKind.Embed ? _sites.Contains(site) ? site : throw Missing(site)
            : Has(site) ? site : throw Missing("blocks.{layer}." + site);

        InterventionException Missing(string path) => new($"{_name} has no site '{path}', which nodes of kind {kind} need.");
    }

    /// <summary>Where a component writes, before heads' output projection.</summary>
    /// <param name="source">The component.</param>
    /// <param name="at">The positions, as paths name them; null for all.</param>
    /// <exception cref="InterventionException">It writes nothing.</exception>
    public string SiteOf(Component source, string? at) => source.Kind switch
    {
        ComponentKind.Embed => Selected(Embed, null, at),
        ComponentKind.Head => Selected($"blocks.{source.Layer}.attn.z", $"head={source.Head}", at),
        ComponentKind.Mlp => Selected($"blocks.{source.Layer}.mlp_out", null, at),
        _ => throw new InterventionException($"'{source}' writes nothing to the stream."),
    };

    /// <summary>A path with selectors of a head and of positions.</summary>
    /// <param name="site">The site.</param>
    /// <param name="unit">The selector of a head; null for none.</param>
    /// <param name="at">The positions; null for all.</param>
    public static string Selected(string site, string? unit, string? at) => With(site, unit, at is null ? null : $"pos={at}");

    /// <summary>A path with selectors.</summary>
    /// <param name="site">The site.</param>
    /// <param name="selectors">The selectors; null for none.</param>
    public static string With(string site, params IEnumerable<string?> selectors)
    {
        string all = string.Join("; ", selectors.OfType<string>());
        return all.Length == 0 ? site : $"{site}[{all}]";
    }

    /// <summary>The site of the token embedding as it enters the residual stream: behind a norm, where there is one.</summary>
    public static string EmbedOf(HookedModel model) =>
        model.Schema.Sites.Any(site => site.Path == "embed_norm") ? "embed_norm" : "embed";

    /// <summary>The axis that tells a kind's nodes of a layer and position apart, as selectors call it; null where there is none.</summary>
    public string? UnitOf(NodeKind kind) => kind switch
    {
        NodeKind.Neuron => "neuron",
        NodeKind.Z or NodeKind.Query or NodeKind.Pattern => "head",
        NodeKind.Key or NodeKind.Value => SharesKeys ? "head" : "kv_head",
        NodeKind.KeyGroup or NodeKind.ValueGroup => "kv_head",
        _ => null,
    };

    /// <summary>The same axis as results call it: keys and values of query heads are those of heads, whether shared or not.</summary>
    public NodeAxis? AxisOf(NodeKind kind) => UnitOf(kind) is not { } unit ? null
        : NodeAxis.Of(kind is NodeKind.Key or NodeKind.Value ? "head" : unit, CountOf(unit));

    /// <summary>How many nodes there are along an axis.</summary>
    private int CountOf(string unit) => unit switch
    {
        "head" => Heads,
        "kv_head" => KeyHeads,
        _ => _model.Schema.SizeOf(unit) ?? throw new InterventionException($"{_name} has no axis '{unit}', which nodes need."),
    };

    /// <summary>The axis of positions: of a pattern that of queries.</summary>
    public static string PositionOf(NodeKind kind) => kind == NodeKind.Pattern ? "query" : "pos";
}
