using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Interventions.Sites;

namespace Interventions.Generators.Schema;

/// <summary>Paths compared with a model, each once: what was found is kept as long as the schema. Names of positions are not looked at.</summary>
internal static class ResolvedPath
{
    private static readonly ConditionalWeakTable<ModelSchema, ConcurrentDictionary<string, SiteResolution>> s_resolved = new();

    /// <summary>The site that a path names, and what is wrong with it.</summary>
    public static SiteResolution Of(SitePath path, ModelSchema schema)
    {
        ConcurrentDictionary<string, SiteResolution> known = s_resolved.GetValue(schema, static _ => new(StringComparer.Ordinal));
        return known.TryGetValue(path.Text, out SiteResolution? resolution) ? resolution : known.GetOrAdd(path.Text, SiteResolver.Resolve(path, schema, prompts: null));
    }
}
