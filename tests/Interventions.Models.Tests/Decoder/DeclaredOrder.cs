using System.Globalization;
using Interventions.ModelGraphs;

namespace Interventions.Models.Tests.Decoder;

/// <summary>Compares what a model's sites declare, their order and their flags, with its graph.</summary>
internal static class DeclaredOrder
{
    private const string Layer = "{layer}";

    public static void Check(HookedModel model)
    {
        Dictionary<string, int> steps = Steps(model.Schema);
        Dictionary<string, HashSet<string>> ancestors = [];
        foreach (ModelNode node in model.Graph.Nodes)
        {
            HashSet<string> before = ancestors[node.Name] = [];
            IEnumerable<Definition> definitions = node.Detours.Select(detour => detour.Definition).Prepend(node.Definition);
            foreach (NodeInput input in definitions.SelectMany(definition => definition.Inputs))
                before.UnionWith(ancestors.GetValueOrDefault(input.Node, []).Append(input.Node));
            if (steps.TryGetValue(node.Name, out int step))
                foreach (string earlier in before.Where(steps.ContainsKey))
                    Assert.True(steps[earlier] < step, $"{node.Name} is computed from {earlier}.");
        }
        Assert.Empty(steps.Keys.Except(ancestors.Keys));

        HashSet<string> needed = [model.Graph.Output];
        foreach (ModelNode node in model.Graph.Nodes.Reverse())
            if (needed.Contains(node.Name))
                needed.UnionWith(node.Definition.Inputs.Select(input => input.Node));
        Assert.All(model.Schema.Sites, site => Assert.Equal(!site.Beside, needed.Contains(In(site, 1))));
    }

    /// <summary>The step of each site in each layer: sites with a layer that follow each other are computed layer by layer.</summary>
    private static Dictionary<string, int> Steps(ModelSchema schema)
    {
        Dictionary<string, int> steps = [];
        int step = 0;
        void Add(SiteDefinition site, int layer) => steps.Add(In(site, layer), site.SameStep ? step : ++step);
        for (int i = 0; i < schema.Sites.Count;)
        {
            SiteDefinition[] stage = [.. schema.Sites.Skip(i).TakeWhile(site => site.Path.Contains(Layer, StringComparison.Ordinal))];
            for (int layer = 0; stage.Length > 0 && layer < schema.SizeOf("layer"); layer++)
                foreach (SiteDefinition site in stage)
                    Add(site, layer);
            if (stage.Length == 0)
                Add(schema.Sites[i], 0);
            i += Math.Max(1, stage.Length);
        }
        return steps;
    }

    private static string In(SiteDefinition site, int layer) =>
        site.Path.Replace(Layer, layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
