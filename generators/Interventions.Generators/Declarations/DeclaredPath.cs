using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>A site path that a declaration contains. It is parsed once, when the declaration is read.</summary>
internal sealed class DeclaredPath
{
    private DeclaredPath(DeclaredText text, string? reader)
    {
        (Text, Reader) = (text, reader);
        if (SitePath.TryParse(text.Value, out SitePath? path, out SiteProblem? problem))
            Path = path;
        else
            Problem = problem;
    }

    /// <summary>The text.</summary>
    public DeclaredText Text { get; }

    /// <summary>The name of the parameter's attribute that reads the path; null where no parameter does.</summary>
    public string? Reader { get; }

    /// <summary>The path; null when the text breaks the grammar.</summary>
    public SitePath? Path { get; }

    /// <summary>The mistake of a text that breaks the grammar; otherwise null.</summary>
    public SiteProblem? Problem { get; }

    /// <summary>The path as it was written.</summary>
    public string Value => Text.Value;

    /// <summary>The names of the path's placeholders, in the order of the text; none when it breaks the grammar.</summary>
    public IEnumerable<string> Placeholders => Path?.Placeholders.Select(use => use.Name) ?? [];

    /// <summary>
    /// Whether a prompt's length may decide how many values the path selects: brackets list neither <c>pos</c> nor both <c>query</c> and
    /// <c>key</c>.
    /// </summary>
    public bool IsRagged => Path is { } path && !IsListed(path, "pos") && !(IsListed(path, "query") && IsListed(path, "key"));

    /// <summary>Parses a text.</summary>
    public static DeclaredPath Of(DeclaredText text, string? reader = null) => new(text, reader);

    /// <summary>Where a part of the path stands.</summary>
    public Location At(PathSpan span) => Text.At(span.Start, span.Length);

    private static bool IsListed(SitePath path, string axis) => path.Selectors.Any(
        selector => selector.Axis == axis && selector.Indices.Selection is var selection
            && (selection.IsSweep || (selection.Items.Count > 0 && selection.Items.All(IsOfKnownCount))));

    private static bool IsOfKnownCount(SelectionItem item) => item.Name is not null || (item.First < 0) == (item.Last < 0);
}

/// <summary>
/// Compares paths with schemas, each once: the declarations of a project name the same paths. The result is kept as long as the schema.
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
