using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Tracing;

/// <summary>A site in one layer.</summary>
/// <param name="Node">Its concrete path, which is the node's name.</param>
/// <param name="Definition">The site.</param>
/// <param name="Layer">The layer; <see langword="null"/> where the site has none.</param>
internal sealed record TracedName(string Node, SiteDefinition Definition, int? Layer);

/// <summary>Paths to sites, with the same messages as declarations.</summary>
internal static class TracedNames
{
    /// <summary>The sites that paths name, each once; all of the model where no path is given.</summary>
    /// <exception cref="InterventionException">A path names no site, or selects a part of one.</exception>
    public static Dictionary<string, TracedName> Of(HookedModel model, IReadOnlyCollection<string> paths)
    {
        IEnumerable<TracedName> names = paths.Count == 0
            ? model.Schema.Sites.SelectMany(site => Layers(site, site.Path.Contains("{layer}", StringComparison.Ordinal) ? Selection.All : null, model.Schema))
            : paths.SelectMany(path => Of(model.Schema, path).Names);
        Dictionary<string, TracedName> found = [];
        foreach (TracedName name in names)
            found[name.Node] = model.Graph.Contains(name.Node)
                ? name
                : throw new InterventionException($"Trace: {model.Schema.Model} has a site '{name.Node}' in its schema, and no node of that name in its graph.");
        return found;
    }

    /// <summary>The sites that a path names, in the order of its layers, and whether that may be several.</summary>
    /// <exception cref="InterventionException">It names no site, or selects a part of one.</exception>
    public static (IReadOnlyList<TracedName> Names, bool AreSeveral) Of(ModelSchema schema, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        (SiteResolution? resolution, EquatableArray<SiteProblem> problems) = SiteResolver.Resolve(path, schema, null);
        if (resolution is null || problems.Count > 0)
            throw new InterventionException($"Trace: {string.Join("; ", problems.Select(problem => problem.Message))}");
        if (resolution.Axes.Count > 0)
            throw new InterventionException($"Trace: '{path}' selects a part of a site; a trace offers whole values. Write '{resolution.Path.Site}', and index the tensor.");
        if (resolution.Layer is { IsSweep: true })
            throw new InterventionException($"Trace: '{path}' sweeps over layers one at a time; a trace is one pass. Write '*' or a range in brackets.");
        return ([.. Layers(resolution.Site!, resolution.Layer, schema)], resolution.Layer is { IsOne: false });
    }

    private static IEnumerable<TracedName> Layers(SiteDefinition site, Selection? layers, ModelSchema schema) => layers is null
        ? [new TracedName(site.Path, site, null)]
        : SiteExpansion.Layers(site, layers, schema.SizeOf("layer") ?? 0).Select(layer => new TracedName(SiteExpansion.Concrete(site, layer), site, layer));
}
