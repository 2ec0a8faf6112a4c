using System.Collections.Generic;
using System.Linq;

namespace Interventions.Sites;

/// <summary>Compares a path with site templates segment by segment.</summary>
internal static class SiteMatcher
{
    public const string Layer = "{layer}";

    public static SiteDefinition? Find(IReadOnlyList<PathSegment> segments, ModelSchema schema) =>
        schema.Sites.FirstOrDefault(site => IsAt(segments, site.Path));

    /// <summary>Whether the segments are the template's. It is not split: every path is compared with every site.</summary>
    private static bool IsAt(IReadOnlyList<PathSegment> segments, string template)
    {
        int start = 0;
        for (int i = 0; i < segments.Count; i++)
        {
            string? name = segments[i].Indices is null ? segments[i].Name : Layer;
            int end = start + name?.Length ?? 0;
            if (name is null || end > template.Length || string.CompareOrdinal(template, start, name, 0, name.Length) != 0
                || end < template.Length && template[end] != '.')
                return false;
            start = end + 1;
        }
        return start == template.Length + 1;
    }

    public static string[] Split(SiteDefinition site) => site.Path.Split('.');

    /// <summary>How many segments fit, from the first on.</summary>
    public static int Prefix(IReadOnlyList<PathSegment> segments, string[] template)
    {
        int i = 0;
        while (i < segments.Count && i < template.Length && Fits(segments[i], template[i]))
            i++;
        return i;
    }

    /// <summary>Indices stand where the template has its layer, names where it has the same name.</summary>
    public static bool Fits(PathSegment segment, string template) => template == Layer ? segment.Indices is not null : segment.Name == template;

    /// <summary>A site's name with a path's own indices: <c>blocks.[6..8].mlp_out</c>.</summary>
    public static string Fill(IEnumerable<string> template, SitePath path)
    {
        var indices = new Queue<string>(path.Segments.Where(segment => segment.Indices is not null).Select(segment => Text(segment, path)));
        return string.Join(".", template.Select(segment => segment == Layer && indices.Count > 0 ? indices.Dequeue() : segment));
    }

    public static string Text(PathSegment segment, SitePath path) => path.Text.Substring(segment.Span.Start, segment.Span.Length);
}
