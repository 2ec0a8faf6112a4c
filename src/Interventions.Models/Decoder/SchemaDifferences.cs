namespace Interventions.Models.Decoder;

/// <summary>How a loaded model differs from what its type declares.</summary>
internal static class SchemaDifferences
{
    private static readonly Dictionary<string, string> Words = new()
    {
        ["layer"] = "layers",
        ["head"] = "heads",
        ["kv_head"] = "key/value heads",
        ["d_head"] = "coordinates a head",
        ["d_model"] = "residual coordinates",
        ["neuron"] = "neurons a layer",
        ["expert"] = "experts a layer",
        ["choice"] = "experts a token",
        ["vocab"] = "tokens",
    };

    /// <summary>Each difference, as text. A declared type may have fewer sites than the loaded model.</summary>
    public static IReadOnlyList<string> Find(ModelSchema loaded, ModelSchema declared)
    {
        List<string> differences = [];
        Dictionary<string, int> sizes = loaded.Axes.ToDictionary(axis => axis.Axis, axis => axis.Size);
        foreach (AxisSize axis in declared.Axes)
        {
            if (!sizes.TryGetValue(axis.Axis, out int size))
                differences.Add($"it has no axis '{axis.Axis}', which {declared.Model} declares");
            else if (size != axis.Size)
                differences.Add($"it has {size} {Words.GetValueOrDefault(axis.Axis, axis.Axis)}; {declared.Model} declares {axis.Size}");
        }
        Dictionary<string, SiteDefinition> sites = loaded.Sites.ToDictionary(site => site.Path);
        foreach (SiteDefinition site in declared.Sites)
        {
            if (!sites.TryGetValue(site.Path, out SiteDefinition? actual))
                differences.Add($"it has no site '{site.Path}', which {declared.Model} declares");
            else if (actual.Axes != site.Axes)
                differences.Add($"its site '{site.Path}' has axes {Text(actual)}; {declared.Model} declares {Text(site)}");
        }
        return differences;
    }

    private static string Text(SiteDefinition site) => $"[{string.Join(", ", site.Axes)}]";
}
