using System;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Interventions.Sites;

/// <summary>
/// Compares paths with schemas, each once: declarations name the same paths. The result is kept as long as the schema.
/// </summary>
internal static class ResolvedPath
{
    private static readonly ConditionalWeakTable<ModelSchema, ConditionalWeakTable<object, ConcurrentDictionary<string, SiteResolution>>>
        s_resolved = new();

    /// <summary>
    /// The site that a path names, and the problems of the path. Without prompts the names of positions are not looked at.
    /// </summary>
    public static SiteResolution Of(SitePath path, ModelSchema schema, PromptVocabulary? prompts = null)
    {
        ConcurrentDictionary<string, SiteResolution> known = s_resolved.GetValue(schema, static _ => new())
            .GetValue((object?)prompts ?? schema, static _ => new(StringComparer.Ordinal));
        return known.TryGetValue(path.Text, out SiteResolution? resolution)
            ? resolution
            : known.GetOrAdd(path.Text, SiteResolver.Resolve(path, schema, prompts));
    }
}
