using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>Compares splices with a model: they replace whole vectors at positions, in every variant.</summary>
internal static class SpliceResolver
{
    /// <summary>Finds what a splice replaces and what it encodes.</summary>
    public static SpliceResolution Resolve(SpliceNames splice, ModelSchema schema, SitePaths paths)
    {
        SpliceResolution none = new(splice, null, default, null, default, null);
        if (Problem(splice, splice.Site, schema, paths, out SiteDefinition? site, out EquatableArray<int> layers) is { } wrong)
            return none with { Problem = new SpliceProblem(wrong.Problem, false, wrong.IsName) };
        if (Named(splice) is { } unnamed)
            return none with { Problem = new SpliceProblem(unnamed, false, false) };
        if (splice.Reads is null)
            return none with { Site = site, Layers = layers };
        if (Problem(splice, splice.Reads, schema, paths, out SiteDefinition? read, out EquatableArray<int> readLayers) is { } wrongRead)
            return none with { Problem = new SpliceProblem(wrongRead.Problem, true, wrongRead.IsName) };
        // One site may be read by every layer; else the first layer reads the first one.
        if (readLayers.Count != 0 && readLayers.Count != layers.Count && schema.SizeOf("layer") is not null)
        {
            SiteProblem uneven = Whole(
                splice.Reads,
                $"'{splice.Reads}' names {Count(readLayers)} and '{splice.Site}' {Count(layers)}: " +
                "each splice reads one site, in the order of the paths");
            return none with { Problem = new SpliceProblem(uneven, true, false) };
        }
        return new SpliceResolution(splice, site, layers, read, readLayers, null);
    }

    /// <summary>The first node that a splice replaces though an earlier one does.</summary>
    public static string? Shared(SpliceResolution splice, IEnumerable<SpliceResolution> before)
    {
        var taken = new HashSet<string>(before.SelectMany(other => other.Nodes).Select(pair => pair.Node));
        return splice.Nodes.Select(pair => pair.Node).FirstOrDefault(taken.Contains);
    }

    /// <summary>Says that two splices replace one node.</summary>
    public static string Twice(string node) => $"'{node}' is spliced twice; one splice stands at a site";

    /// <summary>Says that no ordinary run computes what a splice replaces.</summary>
    public static string Beside(string site) =>
        $"'{site}' lies beside the model's ordinary path, so nothing would read a splice there; splice a site that every run computes";

    /// <summary>Says that what a splice encodes is computed after what it replaces.</summary>
    public static string Later(string read, string node) => $"'{read}' is computed after '{node}', so a splice there cannot read it";

    private static (SiteProblem Problem, bool IsName)? Problem(
        SpliceNames splice, string text, ModelSchema schema, SitePaths paths, out SiteDefinition? site, out EquatableArray<int> layers)
    {
        (SiteResolution? resolution, EquatableArray<SiteProblem> problems) = paths.Resolve(text, schema, prompts: null);
        (site, layers) = (resolution?.Site, default);
        if (problems.Count > 0 || resolution is null || site is null)
            return (problems[0], true);
        if (resolution.Path.Selectors.Count > 0)
        {
            PathSpan selectors = new(resolution.Path.Site.Length, resolution.Path.SelectorText.Length);
            return (SiteProblem.At(
                SiteProblemKind.Splice, selectors,
                $"a splice replaces a whole value, so '{text}' takes no selectors; select inside it, as in " +
                $"'{splice.Inner(resolution.Path.Site, SplicedSites.Error)}[pos=end]'"), false);
        }
        foreach (PlaceholderUse use in resolution.Path.Placeholders)
            return (SiteProblem.At(
                SiteProblemKind.Splice, use.Span,
                $"a splice stands in every variant, so '{text}' sweeps nothing: list its layers, and sweep its features or its error"),
                false);
        if (site.Axes.Count < 3 || site.Axes[0] != "batch" || site.Axes[1] != "pos")
            return (Whole(
                text, $"'{text}' has axes [{string.Join(", ", site.Axes)}]; a splice replaces vectors at positions, [batch, pos, …]"),
                false);
        if (resolution.Layer is { } layer)
            layers = Layers(layer, schema.SizeOf("layer"));
        return null;
    }

    /// <summary>The selected layers; none where they depend on the number of layers, and a generic declaration's schema has none.</summary>
    private static EquatableArray<int> Layers(Selection layer, int? count) =>
        count is null && (layer.Items.Count == 0 || layer.Except || layer.Items.Any(item => item.First < 0 || item.Last < 0))
            ? default
            : SiteExpansion.Indices(layer, count ?? 0).ToEquatableArray();

    private static SiteProblem? Named(SpliceNames splice) =>
        splice.Features is < 1
            ? Whole(splice.Site, $"'{splice.Property}' has {splice.Features} features; it needs at least one")
        : !BracedName.IsName(splice.Segment)
            ? Whole(splice.Site, $"'{splice.Property}' is not a name that a path can have: letters, digits and '_', a letter first")
        : null;

    private static SiteProblem Whole(string text, string message) => new(SiteProblemKind.Splice, message, 0, text.Length);

    private static string Count(EquatableArray<int> layers) => layers.Count < 2 ? "one site" : $"{layers.Count} layers";
}

/// <summary>A declared splice by its names.</summary>
/// <param name="Property">The property that holds it.</param>
/// <param name="Site">The path of what it replaces.</param>
/// <param name="Reads">The path of what it encodes; <see langword="null"/> for what it replaces.</param>
/// <param name="Features">How many features it has; <see langword="null"/> where it is not said.</param>
internal sealed record SpliceNames(string Property, string Site, string? Reads, int? Features)
{
    /// <summary>The property's name as a segment of a path: <c>ResidualSae</c> is <c>residual_sae</c>.</summary>
    public string Segment
    {
        get
        {
            var segment = new StringBuilder();
            for (int i = 0; i < Property.Length; i++)
            {
                bool isWord = char.IsUpper(Property[i]) && i > 0 && Property[i - 1] != '_'
                    && (!char.IsUpper(Property[i - 1]) || IsBeforeWord(i + 1));
                segment.Append(isWord ? "_" : "").Append(char.ToLowerInvariant(Property[i]));
            }
            return segment.ToString();
        }
    }

    /// <summary>
    /// Whether a capital letter before this place starts a word: the last of several capitals does (SAEOfMlp is sae_of_mlp), unless a
    /// plural's s follows (SAEs).
    /// </summary>
    private bool IsBeforeWord(int next) =>
        next < Property.Length && char.IsLower(Property[next])
        && !(Property[next] == 's' && (next + 1 == Property.Length || !char.IsLower(Property[next + 1])));

    /// <summary>A site inside it: <c>blocks.4.resid_post.sae.features</c>.</summary>
    /// <param name="site">The spliced site: a template, a path or a node.</param>
    /// <param name="name">One of <see cref="SplicedSites"/>.</param>
    public string Inner(string site, string name) => $"{site}.{Segment}.{name}";

    /// <summary>Compares it with a model.</summary>
    /// <param name="schema">The model's names.</param>
    /// <param name="paths">The declaration's paths, if they are parsed already.</param>
    public SpliceResolution Resolve(ModelSchema schema, SitePaths? paths = null) =>
        SpliceResolver.Resolve(this, schema, paths ?? new SitePaths());
}

/// <summary>A splice compared with a model.</summary>
/// <param name="Names">The splice.</param>
/// <param name="Site">The site that it replaces; <see langword="null"/> when there is none of that name.</param>
/// <param name="Layers">The layers whose site it replaces, in the order of the path; empty for a site without a layer.</param>
/// <param name="ReadSite">The site that it encodes, where it is another one.</param>
/// <param name="ReadLayers">For each layer the one whose site is encoded; empty for a site without a layer.</param>
/// <param name="Problem">What is wrong; <see langword="null"/> if nothing.</param>
internal sealed record SpliceResolution(
    SpliceNames Names,
    SiteDefinition? Site,
    EquatableArray<int> Layers,
    SiteDefinition? ReadSite,
    EquatableArray<int> ReadLayers,
    SpliceProblem? Problem)
{
    /// <summary>The nodes that are replaced, each with the node that is encoded; <see langword="null"/> for the replaced one.</summary>
    public IEnumerable<(string Node, string? Reads)> Nodes => Places.Select(place => (place.Node, place.ReadNode));

    /// <summary>The places at which it stands.</summary>
    public IEnumerable<SplicedPlace> Places
    {
        get
        {
            if (Problem is not null || Site is null)
                yield break;
            for (int i = 0; i < Math.Max(1, Layers.Count); i++)
            {
                int layer = Layers.Count == 0 ? 0 : Layers[i], readLayer = ReadLayers.Count == 0 ? 0 : ReadLayers[i];
                var place = new SplicedPlace(Site, layer, ReadSite, readLayer);
                yield return place.ReadNode == place.Node ? place with { Read = null } : place;
            }
        }
    }
}

/// <summary>A place at which a splice stands.</summary>
/// <param name="Site">The site that it replaces.</param>
/// <param name="Layer">Its layer; 0 for a site without one.</param>
/// <param name="Read">The site that it encodes; <see langword="null"/> for the replaced one.</param>
/// <param name="ReadLayer">The layer of that.</param>
internal sealed record SplicedPlace(SiteDefinition Site, int Layer, SiteDefinition? Read, int ReadLayer)
{
    /// <summary>The node that is replaced.</summary>
    public string Node => SiteExpansion.Concrete(Site, Layer);

    /// <summary>The node that is encoded; <see langword="null"/> for the replaced one.</summary>
    public string? ReadNode => Read is null ? null : SiteExpansion.Concrete(Read, ReadLayer);
}

/// <summary>What is wrong with a splice.</summary>
/// <param name="Problem">What, and where in the text.</param>
/// <param name="IsOfReads">Whether the text is the path of what is encoded.</param>
/// <param name="IsName">Whether a name of the model is wrong, as any path may have it.</param>
internal sealed record SpliceProblem(SiteProblem Problem, bool IsOfReads, bool IsName);

/// <summary>
/// The sites inside splices: <c>original</c>, <c>features</c>, <c>reconstruction</c> and <c>error</c>, below the spliced site and the
/// property's name in snake case: <c>blocks.4.resid_post.sae.features</c>.
/// </summary>
internal static class SplicedSites
{
    /// <summary>The axis of features.</summary>
    public const string Feature = "feature";

    /// <summary>The value that the model computed, which the splice replaces.</summary>
    public const string Original = "original";

    /// <summary>The encoded value, which can be edited: <c>[batch, pos, feature]</c>.</summary>
    public const string Features = "features";

    /// <summary>The value that is decoded from the features.</summary>
    public const string Reconstruction = "reconstruction";

    /// <summary>The difference between the original and the reconstruction of the unedited features.</summary>
    public const string Error = "error";

    /// <summary>The schema with the sites of splices. A splice that is in error has none.</summary>
    public static ModelSchema With(this ModelSchema schema, IEnumerable<SpliceResolution> splices)
    {
        List<SiteDefinition>? sites = null;
        foreach (SpliceResolution splice in splices)
            if (splice is { Problem: null, Site: { } site })
                foreach (SiteDefinition inner in Inside(splice, site))
                    Put(sites ??= [.. schema.Sites], inner);
        return sites is null ? schema : schema with { Sites = sites.ToEquatableArray() };
    }

    private static IEnumerable<SiteDefinition> Inside(SpliceResolution splice, SiteDefinition site)
    {
        foreach (string name in new[] { Original, Features, Reconstruction, Error })
        {
            bool isFeatures = name == Features;
            yield return new SiteDefinition(
                splice.Names.Inner(site.Path, name), isFeatures ? EquatableArray.Of("batch", "pos", Feature) : site.Axes)
            {
                Splice = splice.Names.Property,
                Layers = splice.Layers.OrderBy(layer => layer).ToEquatableArray(),
                Sizes = isFeatures && splice.Names.Features is { } size ? EquatableArray.Of(new AxisSize(Feature, size)) : default,
            };
        }
    }

    /// <summary>Adds a site. Several attributes may splice one property into it: the site then has the layers of all of them.</summary>
    private static void Put(List<SiteDefinition> sites, SiteDefinition inner)
    {
        int known = sites.FindIndex(site => site.Path == inner.Path);
        if (known < 0)
            sites.Add(inner);
        else
            sites[known] = inner with
            {
                Layers = sites[known].Layers.Concat(inner.Layers).Distinct().OrderBy(layer => layer).ToEquatableArray(),
                Sizes = sites[known].Sizes == inner.Sizes ? inner.Sizes : default,
            };
    }
}
