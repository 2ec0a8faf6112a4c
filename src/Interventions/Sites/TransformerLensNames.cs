using System;
using System.Collections.Generic;
using System.Linq;

namespace Interventions.Sites;

/// <summary>Understands TransformerLens's names of hook points: <c>blocks.1.attn.hook_z</c> is our <c>blocks.1.attn.z</c>.</summary>
internal static class TransformerLensNames
{
    private const string Hook = "hook_";

    /// <summary>Our site and the message; <see langword="null"/> when the path is not in that spelling or the model lacks the site.</summary>
    public static (SiteDefinition? Site, SiteProblem Problem)? Translate(SitePath path, ModelSchema schema)
    {
        var ours = new List<PathSegment>();
        PathSpan? hook = null;
        foreach (PathSegment segment in path.Segments)
        {
            string? parent = ours.LastOrDefault()?.Name;
            if (segment.Name is { } name && name.StartsWith(Hook, StringComparison.Ordinal))
            {
                hook ??= segment.Span;
                ours.AddRange(Rename(parent, name.Substring(Hook.Length)).Select(renamed => new PathSegment(renamed, null, segment.Span)));
            }
            else
            {
                ours.Add(segment);
            }
        }
        if (hook is not { } span || SiteMatcher.Find(ours, schema) is not { } site)
            return null;
        string meant = SiteMatcher.Fill(SiteMatcher.Split(site), path);
        return (site, SiteProblem.At(
            SiteProblemKind.TransformerLensSpelling, span,
            $"'{path.Site}' is TransformerLens's spelling; here the site is called '{meant}'", meant + path.SelectorText));
    }

    private static string[] Rename(string? parent, string name) => name switch
    {
        "attn_scores" when parent == "attn" => ["scores"],
        // One head's view of the residual hangs from the block there, from the attention here.
        "q_input" or "k_input" or "v_input" when parent != "attn" => ["attn", name],
        _ => [name],
    };
}
