using System;
using System.Collections.Generic;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>Says why a selector names no axis: a slip, another library's word, or a head that shares its key with others.</summary>
internal static class AxisDiagnosis
{
    private const string Head = "head", KeyHead = "kv_head";

    /// <summary>Words of other libraries for our axes.</summary>
    private static readonly Dictionary<string, string> s_words = new(StringComparer.OrdinalIgnoreCase)
    {
        ["token"] = "pos",
        ["tokens"] = "pos",
        ["seq"] = "pos",
        ["hidden"] = "neuron",
        ["latent"] = "feature",
        ["dest"] = "query",
        ["destination"] = "query",
        ["src"] = "key",
        ["source"] = "key",
    };

    /// <summary>The problem of a selector whose axis the site lacks.</summary>
    public static SiteProblem Explain(SitePath path, SiteDefinition site, PathSelector selector, ModelSchema schema)
    {
        IReadOnlyList<string> axes = SiteResolver.SelectableAxes(site);
        string? shared = selector.Axis == Head && axes.Contains(KeyHead) ? Shared(path, site, selector, schema) : null;
        string? meant = shared is null ? Meant(selector.Axis, axes) : null;
        string has =
            shared is not null ? $": {shared}" :
            meant is not null ? $"; did you mean '{meant}'?" :
            axes.Count == 0 ? "; nothing of it can be selected" :
            $"; its axes are {Spelling.List(axes)}";
        return SiteProblem.At(
            SiteProblemKind.UnknownAxis, selector.AxisSpan, $"'{path.Site}' has no axis '{selector.Axis}'{has}",
            meant is null ? null : SiteResolver.Replace(path.Text, selector.AxisSpan, meant));
    }

    /// <summary>The axis that was meant: the nearest one, one that is spelled out or shortened, or another library's word.</summary>
    private static string? Meant(string written, IReadOnlyList<string> axes) =>
        Spelling.Nearest(written, axes)
        ?? axes.FirstOrDefault(axis =>
            written.StartsWith(axis, StringComparison.OrdinalIgnoreCase) || axis.StartsWith(written, StringComparison.OrdinalIgnoreCase))
        ?? (s_words.TryGetValue(written, out string? word) && axes.Contains(word) ? word : null);

    /// <summary>
    /// What to select instead of a query head of a key or value that several of them share: the shared head, or the port through which one
    /// query head alone can be changed.
    /// </summary>
    private static string Shared(SitePath path, SiteDefinition site, PathSelector selector, ModelSchema schema)
    {
        int end = site.Path.LastIndexOf('.') + 1, underscore = site.Path.LastIndexOf('_') + 1;
        string name = site.Path.Substring(Math.Max(end, underscore)), port = name + "_input";
        string instead =
            schema.SizeOf(Head) is { } heads && schema.SizeOf(KeyHead) is { } keyHeads && heads > keyHeads && heads % keyHeads == 0
            && selector.Indices.Selection is { IsSweep: false, IsOne: true, Items: { Count: 1 } items }
            && items[0] is { Name: null, First: >= 0 and var head } && head < heads
                ? $"head {head} shares {KeyHead} {head / (heads / keyHeads)} with others; select '{KeyHead}={head / (heads / keyHeads)}'"
                : $"several heads share one {KeyHead}; select '{KeyHead}'";
        if (!schema.Sites.Any(other => other.Path == site.Path.Substring(0, end) + port && other.Axes.Contains(Head)))
            return instead;
        string written = path.Site.Substring(0, path.Site.LastIndexOf('.') + 1) + port + path.SelectorText;
        return $"{instead}, or write '{written}', which gives that head a private {(name == "k" ? "key" : "value")}";
    }
}
