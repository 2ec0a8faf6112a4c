using System.Collections.Generic;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>Compares splices with a model: they replace whole vectors at positions, in every variant.</summary>
internal static class SpliceResolver
{
    public static SpliceResolution Resolve(SpliceNames splice, ModelSchema schema)
    {
        SpliceResolution none = new(splice, null, default, null, default, null);
        if (Problem(splice, splice.Site, schema, out SiteDefinition? site, out EquatableArray<int> layers) is { } wrong)
            return none with { Problem = new SpliceProblem(wrong.Problem, false, wrong.IsName) };
        if (Named(splice) is { } unnamed)
            return none with { Problem = new SpliceProblem(unnamed, false, false) };
        if (splice.Reads is null)
            return none with { Site = site, Layers = layers };
        if (Problem(splice, splice.Reads, schema, out SiteDefinition? read, out EquatableArray<int> readLayers) is { } wrongRead)
            return none with { Problem = new SpliceProblem(wrongRead.Problem, true, wrongRead.IsName) };
        // One site may be read by every layer; else the first layer reads the first one.
        if (readLayers.Count != 0 && readLayers.Count != layers.Count && schema.SizeOf("layer") is not null)
            return none with
            {
                Problem = new SpliceProblem(
                    Whole(splice.Reads, $"'{splice.Reads}' names {Count(readLayers)} and '{splice.Site}' {Count(layers)}: each splice reads one site, in the order of the paths"),
                    true, false),
            };
        return new SpliceResolution(splice, site, layers, read, readLayers, null);
    }

    private static (SiteProblem Problem, bool IsName)? Problem(
        SpliceNames splice, string text, ModelSchema schema, out SiteDefinition? site, out EquatableArray<int> layers)
    {
        (SiteResolution? resolution, EquatableArray<SiteProblem> problems) = SiteResolver.Resolve(text, schema, prompts: null);
        (site, layers) = (resolution?.Site, default);
        if (problems.Count > 0 || resolution is null || site is null)
            return (problems[0], true);
        if (resolution.Path.Selectors.Count > 0)
        {
            PathSpan selectors = new(resolution.Path.Site.Length, resolution.Path.SelectorText.Length);
            return (SiteProblem.At(
                SiteProblemKind.Splice, selectors,
                $"a splice replaces a whole value, so '{text}' takes no selectors; select inside it, as in '{splice.Inner(resolution.Path.Site, SplicedSites.Error)}[pos=end]'"), false);
        }
        foreach (PlaceholderUse use in resolution.Path.Placeholders)
            return (SiteProblem.At(
                SiteProblemKind.Splice, use.Span, $"a splice stands in every variant, so '{text}' sweeps nothing: list its layers, and sweep its features or its error"), false);
        if (site.Axes.Count < 3 || site.Axes[0] != "batch" || site.Axes[1] != "pos")
            return (Whole(text, $"'{text}' has axes [{string.Join(", ", site.Axes)}]; a splice replaces vectors at positions, [batch, pos, …]"), false);
        if (resolution.Layer is { } layer)
            layers = Layers(layer, schema.SizeOf("layer"));
        return null;
    }

    /// <summary>None where the model does not say how many it has, and that matters: a generic declaration's.</summary>
    private static EquatableArray<int> Layers(Selection layer, int? count) =>
        count is null && (layer.Items.Count == 0 || layer.Items.Any(item => item.First < 0 || item.Last < 0))
            ? default
            : SiteExpansion.Indices(layer, count ?? 0).ToEquatableArray();

    private static SiteProblem? Named(SpliceNames splice) =>
        splice.Features is < 1 ? Whole(splice.Site, $"'{splice.Property}' has {splice.Features} features; it needs at least one") :
        !SitePath.TryParse(splice.Segment, out SitePath? path, out _) || path.Segments.Count != 1 || path.Segments[0].Name != splice.Segment
            ? Whole(splice.Site, $"'{splice.Property}' is not a name that a path can have: letters, digits and '_', a letter first")
        : null;

    /// <summary>The first node that two splices replace.</summary>
    public static string? Shared(SpliceResolution splice, IEnumerable<SpliceResolution> before)
    {
        var taken = new HashSet<string>(before.SelectMany(other => other.Nodes).Select(pair => pair.Node));
        return splice.Nodes.Select(pair => pair.Node).FirstOrDefault(taken.Contains);
    }

    private static SiteProblem Whole(string text, string message) => new(SiteProblemKind.Splice, message, 0, text.Length);

    private static string Count(EquatableArray<int> layers) => layers.Count < 2 ? "one site" : $"{layers.Count} layers";
}
