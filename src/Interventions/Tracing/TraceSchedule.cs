using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Tracing;

/// <summary>What a trace does at each node, from the first to the last that it offers.</summary>
/// <param name="Steps">The nodes, in their order.</param>
internal sealed record TraceSchedule(ImmutableArray<TraceStep> Steps)
{
    /// <summary>
    /// The steps up to the last offered site. A node of the ordinary path is computed in its turn; a site beside it (a port, a head's
    /// result, a norm's scale) when the loop reads its value, or when a detour leads through it. A value is held until its last possible
    /// reader, detours included.
    /// </summary>
    /// <param name="graph">The forward pass.</param>
    /// <param name="offered">By node, the site that is offered.</param>
    public static TraceSchedule Of(ModelGraph graph, IReadOnlyDictionary<string, TracedName> offered)
    {
        HashSet<string> ordinary = Needed(graph, [graph.Output]), needed = Needed(graph, [.. offered.Keys]);
        bool[] computed = [.. graph.Nodes.Select(node => ordinary.Contains(node.Name) && needed.Contains(node.Name))];
        Dictionary<string, int> last = [];
        for (int i = graph.Nodes.Length - 1; i >= 0; i--)
        {
            ModelNode node = graph.Nodes[i];
            // A node that is not computed in its turn may be computed as late as its own last reader.
            int reads = computed[i] ? i : last.GetValueOrDefault(node.Name, i);
            IEnumerable<Definition> definitions = node.Detours.Select(detour => detour.Definition).Prepend(node.Definition);
            foreach (NodeInput input in definitions.SelectMany(definition => definition.Inputs))
                last[input.Node] = Math.Max(last.GetValueOrDefault(input.Node), reads);
            last.TryAdd(node.Name, i);
        }
        ILookup<int, string> freed = last.ToLookup(pair => pair.Value, pair => pair.Key);
        int end = graph.Nodes.Select((node, i) => offered.ContainsKey(node.Name) ? i : -1).Max();
        return new([.. graph.Nodes.Take(end + 1).Select(Step)]);

        TraceStep Step(ModelNode node, int i) => new(node, computed[i], offered.GetValueOrDefault(node.Name), [.. freed[i]]);
    }

    /// <summary>The step that offers a site; −1 if none does.</summary>
    /// <param name="node">Its concrete path.</param>
    public int PlaceOf(string node)
    {
        for (int i = 0; i < Steps.Length; i++)
            if (Steps[i].Offered?.Node == node)
                return i;
        return -1;
    }

    private static HashSet<string> Needed(ModelGraph graph, HashSet<string> wanted) =>
        [.. NodeOrder.Of(graph, wanted, new HashSet<string>()).Steps.Select(step => step.Node.Name)];
}

/// <summary>One node's turn.</summary>
/// <param name="Node">The node.</param>
/// <param name="IsComputed">Whether it is computed in its turn, also if the loop does not read its value.</param>
/// <param name="Offered">The site that is offered; <see langword="null"/> for a node that is computed for others only.</param>
/// <param name="Freed">The values whose last reader it was.</param>
internal sealed record TraceStep(ModelNode Node, bool IsComputed, TracedName? Offered, ImmutableArray<string> Freed);

/// <summary>A site in one layer.</summary>
/// <param name="Node">Its concrete path, which is the node's name.</param>
/// <param name="Definition">The site.</param>
/// <param name="Layer">The layer; <see langword="null"/> where the site has none.</param>
internal sealed record TracedName(string Node, SiteDefinition Definition, int? Layer);

/// <summary>What a path of a trace names.</summary>
/// <param name="Names">The sites, in the order of the path's layers.</param>
/// <param name="Site">The path without its selectors.</param>
/// <param name="Selects">Whether it selects a part of them.</param>
/// <param name="AreSeveral">Whether it may name several.</param>
internal sealed record TracedPath(IReadOnlyList<TracedName> Names, string Site, bool Selects, bool AreSeveral);

/// <summary>Paths to sites, with the same messages as declarations.</summary>
internal static class TracedNames
{
    /// <summary>The sites that paths name, each once; all of the model where no path is given.</summary>
    /// <exception cref="InterventionException">A path names no site, or selects a part of one.</exception>
    public static Dictionary<string, TracedName> Of(HookedModel model, IReadOnlyCollection<string> paths)
    {
        IEnumerable<TracedName> names = paths.Count == 0
            ? model.Schema.Sites.SelectMany(site => Layers(site, HasLayers(site) ? Selection.All : null, model.Schema))
            : paths.SelectMany(path => Of(model.Schema, path).Names);
        Dictionary<string, TracedName> found = [];
        foreach (TracedName name in names)
            found[name.Node] = model.Graph.Contains(name.Node)
                ? name
                : throw new InterventionException(
                    $"Trace: {model.Schema.Model} has a site '{name.Node}' in its schema, and no node of that name in its graph.");
        return found;

        static bool HasLayers(SiteDefinition site) => site.Path.Contains(SiteMatcher.Layer, StringComparison.Ordinal);
    }

    /// <summary>The sites that a path names, in the order of its layers, and whether that may be several.</summary>
    /// <exception cref="InterventionException">It names no site, or selects a part of one.</exception>
    public static (IReadOnlyList<TracedName> Names, bool AreSeveral) Of(ModelSchema schema, string path)
    {
        TracedPath found = Find(schema, path);
        return !found.Selects
            ? (found.Names, found.AreSeveral)
            : throw new InterventionException(
                $"Trace: '{path}' selects a part of a site; a trace offers whole values. "
                + $"Write '{found.Site}', and read the part with At(…), or of the trace afterwards.");
    }

    /// <summary>The same, of a path that may select; positions are not looked at.</summary>
    /// <exception cref="InterventionException">It names no site.</exception>
    public static TracedPath Find(ModelSchema schema, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        (SiteResolution? resolution, EquatableArray<SiteProblem> problems) = SiteResolver.Resolve(path, schema, null);
        if (resolution is null || problems.Count > 0)
            throw new InterventionException($"Trace: {string.Join("; ", problems.Select(problem => problem.Message))}");
        if (resolution.Layer is { IsSweep: true })
            throw new InterventionException(
                $"Trace: '{path}' sweeps over layers one at a time; a trace is one pass. Write '*' or a range in brackets.");
        IReadOnlyList<TracedName> names = [.. Layers(resolution.Site!, resolution.Layer, schema)];
        return new TracedPath(names, resolution.Path.Site, resolution.Axes.Count > 0, resolution.Layer is { IsOne: false });
    }

    private static IEnumerable<TracedName> Layers(SiteDefinition site, Selection? layers, ModelSchema schema) => layers is null
        ? [new TracedName(site.Path, site, null)]
        : SiteExpansion.Layers(site, layers, schema.SizeOf("layer") ?? 0)
            .Select(layer => new TracedName(SiteExpansion.Concrete(site, layer), site, layer));
}
