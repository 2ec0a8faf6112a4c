using System.Runtime.CompilerServices;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>
/// Compares the sites that a model declares with its graph. The compiler judges by their order what a write reaches, so a model of one's
/// own that lists them in another order would have sound declarations refused, and others run for nothing.
/// </summary>
internal static class SchemaChecks
{
    private static readonly ConditionalWeakTable<ModelGraph, ModelSchema> s_checked = [];

    /// <summary>Checks a model once, when it is first used.</summary>
    /// <exception cref="InterventionException">A site is listed before one that it is computed from.</exception>
    public static void Check(HookedModel model)
    {
        (ModelGraph graph, ModelSchema schema) = (model.Graph, model.Schema);
        if (s_checked.TryGetValue(graph, out ModelSchema? known) && ReferenceEquals(known, schema))
            return;
        CheckOrder(graph, schema);
        s_checked.AddOrUpdate(graph, schema);
    }

    private static void CheckOrder(ModelGraph graph, ModelSchema schema)
    {
        Dictionary<string, int> steps = Steps(schema);
        // By node the latest site that it is computed from; nodes without a site hand on what they read.
        Dictionary<string, string> latest = [];
        foreach (ModelNode node in graph.Nodes)
        {
            string? last = node.Detours.Select(detour => detour.Definition).Prepend(node.Definition)
                .SelectMany(definition => definition.Inputs).Select(input => latest.GetValueOrDefault(input.Node)).OfType<string>()
                .MaxBy(site => steps[site]);
            bool isSite = steps.TryGetValue(node.Name, out int step);
            if (isSite && last is not null && steps[last] >= step)
                throw new InterventionException(
                    $"{schema.Model} computes '{node.Name}' from '{last}', which its [Site] attributes list "
                    + (steps[last] == step ? "in the same step (SameStep)" : "after it")
                    + ": list the sites in the order of computation.");
            if ((isSite ? node.Name : last) is { } site)
                latest[node.Name] = site;
        }
    }

    /// <summary>The step of each site in each layer: sites with a layer that follow each other are computed layer by layer.</summary>
    private static Dictionary<string, int> Steps(ModelSchema schema)
    {
        Dictionary<string, int> steps = [];
        List<SiteDefinition> stage = [];
        int step = 0;
        foreach (SiteDefinition site in schema.Sites)
        {
            if (site.Path.Contains(SiteMatcher.Layer, StringComparison.Ordinal))
            {
                stage.Add(site);
                continue;
            }
            EndStage();
            Add(site, 0);
        }
        EndStage();
        return steps;

        void EndStage()
        {
            for (int layer = 0; layer < schema.SizeOf("layer"); layer++)
                foreach (SiteDefinition site in stage)
                    Add(site, layer);
            stage.Clear();
        }

        void Add(SiteDefinition site, int layer) => steps[SiteExpansion.Concrete(site, layer)] = site.SameStep ? step : ++step;
    }
}
