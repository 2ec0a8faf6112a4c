using Interventions.Sites;

namespace Interventions.Generation;

/// <summary>What a schema says about the axes of a model graph's nodes.</summary>
internal sealed class ModelSites
{
    private readonly Dictionary<string, SiteDefinition> _sites = [];

    public ModelSites(ModelSchema schema)
    {
        int layers = schema.SizeOf("layer") ?? 0;
        foreach (SiteDefinition site in schema.Sites)
            foreach (string name in site.Path.Contains(SiteMatcher.Layer, StringComparison.Ordinal)
                ? Enumerable.Range(0, layers).Select(layer => SiteExpansion.Concrete(site, layer))
                : [site.Path])
                _sites[name] = site;
    }

    /// <summary>The axis of a node that counts the positions that are computed. Values within the model have it after the batch.</summary>
    public int RowAxis(string node) => RowAxisOrNull(node) ?? 1;

    /// <summary>Whether the schema says which axis counts the positions that are computed.</summary>
    public bool HasRows(string node) => RowAxisOrNull(node) is not null;

    /// <summary>Whether a node has a column for every position that is looked at.</summary>
    public bool HasKeys(string node) => _sites.TryGetValue(node, out SiteDefinition? site) && site.Axes.Contains("key");

    private int? RowAxisOrNull(string node) =>
        _sites.TryGetValue(node, out SiteDefinition? site) && site.Axes.ToList().FindIndex(axis => axis is "pos" or "query") is >= 0 and int axis ? axis : null;
}
