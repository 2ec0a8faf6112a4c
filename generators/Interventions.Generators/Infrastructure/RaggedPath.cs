using Interventions.Sites;

namespace Interventions.Generators.Infrastructure;

/// <summary>Whether a prompt's length may decide how many values a path selects, by its text alone.</summary>
internal static class RaggedPath
{
    /// <summary>True unless brackets list every axis that counts tokens: <c>pos</c>, or <c>query</c> and <c>key</c>.</summary>
    public static bool MayBe(string site) =>
        ParsedPath.Of(site).Path is { } path && !IsListed(path, "pos") && !(IsListed(path, "query") && IsListed(path, "key"));

    private static bool IsListed(SitePath path, string axis) =>
        path.Selectors.Any(selector => selector.Axis == axis && selector.Indices.Selection is var selection
            && (selection.IsSweep || (selection.Items.Count > 0 && selection.Items.All(item => item.Name is not null || (item.First < 0) == (item.Last < 0)))));
}
