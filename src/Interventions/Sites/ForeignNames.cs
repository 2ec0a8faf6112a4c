using System;
using System.Globalization;
using System.Linq;

namespace Interventions.Sites;

/// <summary>
/// Understands the names that other libraries give to values of a model: <c>blocks.1.attn.hook_z</c> is our <c>blocks.1.attn.z</c>. A name
/// is translated only where both mean the same numbers; otherwise the message says what is different, and what to write instead.
/// </summary>
internal static class ForeignNames
{
    private const string Hook = "hook_";

    /// <summary>
    /// The message, and our site where there is one; <see langword="null"/> when no library has that name, or the model lacks the site.
    /// </summary>
    public static (SiteDefinition? Site, SiteProblem Problem)? Explain(SitePath path, ModelSchema schema)
    {
        ForeignPath foreign = new(path, schema);
        if (Find(foreign) is not { } name)
            return null;
        PathSpan last = path.Segments[path.Segments.Count - 1].Span;
        if (name.Ours is null)
            return (null, SiteProblem.At(
                SiteProblemKind.ForeignSpelling, last,
                $"'{path.Site}' is {name.Library}'s name of a value that no site has: {name.Remark}"));
        if (schema.Sites.FirstOrDefault(site => site.Path == name.Ours) is not { } site)
            return null;
        if (foreign.LacksLayer(site))
            return (null, SiteProblem.At(
                SiteProblemKind.ForeignSpelling, last,
                $"'{path.Site}' is {name.Library}'s spelling; here each block has the site: write "
                    + SiteMatcher.Layers(SiteMatcher.Split(site), schema)));
        string[] ours = SiteMatcher.Split(site);
        string meant = SiteMatcher.Fill(ours, path);
        int same = Math.Min(SiteMatcher.Prefix(path.Segments, ours), path.Segments.Count - 1);
        PathSpan first = path.Segments[same].Span;
        SiteProblem problem = SiteProblem.At(
            SiteProblemKind.ForeignSpelling, new PathSpan(first.Start, last.Start + last.Length - first.Start),
            $"'{path.Site}' is {name.Library}'s spelling; here the site is called '{meant}'"
                + (name.Remark is null ? "" : $", {name.Remark}"),
            meant + path.SelectorText);
        return (site, problem with { Remark = name.Remark });
    }

    /// <summary>The reason why a model has no site of that name in another library's spelling, if it gives one.</summary>
    public static string? WhyAbsent(SitePath path, ModelSchema schema) =>
        Find(new ForeignPath(path, schema))?.Ours is { } ours ? schema.Absent.FirstOrDefault(site => site.Path == ours)?.Reason : null;

    private static ForeignName? Find(ForeignPath path) =>
        path.Name is null ? null : TransformerLensNames.Find(path) ?? PyveneNames.Find(path) ?? WithoutHook(path);

    /// <summary>A user's own model may have sites that decoders do not have: there <c>hook_</c> is all that is different.</summary>
    private static ForeignName? WithoutHook(ForeignPath path)
    {
        string ours = string.Join(".", path.Template.Split('.').Select(
            word => word.StartsWith(Hook, StringComparison.Ordinal) ? word.Substring(Hook.Length) : word));
        return ours == path.Template ? null : new ForeignName(TransformerLensNames.Library, ours);
    }
}

/// <summary>What a name of another library means.</summary>
/// <param name="Library">The library.</param>
/// <param name="Ours">The path of the site with the same numbers, <c>{layer}</c> for the layer; <see langword="null"/> if none has.</param>
/// <param name="Remark">
/// What is different: beside a site, something that its numbers do not show; without one, why there is none and what to write.
/// </param>
internal sealed record ForeignName(string Library, string? Ours, string? Remark = null);

/// <summary>A path in another library's spelling, and what the meaning of such names depends on.</summary>
internal sealed class ForeignPath
{
    private const string Block = "blocks." + SiteMatcher.Layer + ".";

    private readonly SitePath _path;
    private readonly ModelSchema _schema;

    public ForeignPath(SitePath path, ModelSchema schema)
    {
        (_path, _schema) = (path, schema);
        Template = string.Join(".", path.Segments.Select(segment => segment.Name ?? SiteMatcher.Layer));
        InBlock = Template.StartsWith(Block, StringComparison.Ordinal);
        string name = InBlock ? Template.Substring(Block.Length) : Template;
        Name = name.Contains(SiteMatcher.Layer) ? null : name;
    }

    /// <summary>The whole path, with <c>{layer}</c> for the layer.</summary>
    public string Template { get; }

    /// <summary>Whether it begins with a block.</summary>
    public bool InBlock { get; }

    /// <summary>The name behind the block, or the whole; <see langword="null"/> where indices stand in between.</summary>
    public string? Name { get; }

    /// <summary>Whether a gate multiplies the feed-forward block's activation.</summary>
    public bool IsGated => Has("mlp.pre_linear");

    /// <summary>Whether what blocks add goes through a norm first.</summary>
    public bool HasNormsBehind => Has("ln1_post.normalized");

    /// <summary>Whether that is the only norm of a block.</summary>
    public bool HasNormsBehindOnly => HasNormsBehind && !Has("ln1.normalized");

    /// <summary>Whether attention and the feed-forward block read one norm.</summary>
    public bool SharesNorm => Has("ln1.normalized") && !Has("ln2.normalized") && Has("mlp_in");

    /// <summary>Whether several query heads share a key.</summary>
    public bool IsGrouped => _schema.SizeOf("kv_head") is { } keys && _schema.SizeOf("head") is { } heads && keys < heads;

    /// <summary>Whether the model has a site outside blocks.</summary>
    public bool HasTop(string site) => _schema.Sites.Any(known => known.Path == site);

    /// <summary>Whether the path selects heads.</summary>
    public bool SelectsHeads => _path.Selectors.Any(selector => selector.Axis == "head");

    /// <summary>The path of a block's site, as a template.</summary>
    public static string OfBlock(string site) => Block + site;

    /// <summary>A block's site in quotes, with the layer of the path.</summary>
    public string Here(string site) => $"'{SiteMatcher.Fill(OfBlock(site).Split('.'), _path)}'";

    /// <summary>A site of the last block, in quotes.</summary>
    public string InLast(string site) =>
        $"'blocks.{((_schema.SizeOf("layer") ?? 0) - 1).ToString(CultureInfo.InvariantCulture)}.{site}'";

    /// <summary>Whether the site is in each block, and the path names none.</summary>
    public bool LacksLayer(SiteDefinition site) =>
        site.Path.Contains(SiteMatcher.Layer) && !_path.Segments.Any(segment => segment.Indices is not null);

    /// <summary>Whether each block of the model has a site.</summary>
    public bool Has(string site) => HasTop(OfBlock(site));
}
