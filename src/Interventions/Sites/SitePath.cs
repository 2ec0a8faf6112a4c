using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>
/// A parsed site path: <c>blocks.{layer}.attn.z[head=6,9; pos=end]</c>. It knows the grammar only; <see cref="SiteResolver"/> compares it
/// with a model.
/// </summary>
/// <param name="Text">What was written.</param>
/// <param name="Segments">The dotted part.</param>
/// <param name="Selectors">What stands in the trailing brackets.</param>
internal sealed record SitePath(string Text, EquatableArray<PathSegment> Segments, EquatableArray<PathSelector> Selectors)
{
    /// <summary>What was written, without the trailing selectors.</summary>
    public string Site
    {
        get
        {
            PathSpan last = Segments[Segments.Count - 1].Span;
            return Text.Substring(0, last.Start + last.Length);
        }
    }

    /// <summary>What was written after the site: the trailing selectors with their brackets, or nothing.</summary>
    public string SelectorText => Text.Substring(Site.Length);

    /// <summary>Every use of a placeholder, in the order of the text.</summary>
    public IEnumerable<PlaceholderUse> Placeholders
    {
        get
        {
            foreach (PathSegment segment in Segments)
                if (segment.Indices?.Selection.Placeholder is { } name)
                    yield return new PlaceholderUse(name, segment.Span);
            foreach (PathSelector selector in Selectors)
                if (selector.Indices.Selection.Placeholder is { } name)
                    yield return new PlaceholderUse(name, selector.Indices.Span);
        }
    }

    /// <summary>One position of a site: <c>logits[pos=end]</c>.</summary>
    /// <param name="site">The site, one segment.</param>
    /// <param name="text">The position as it was written.</param>
    /// <param name="position">What it says.</param>
    public static SitePath At(string site, string text, SelectionItem position)
    {
        const string Axis = "pos";
        var axis = new PathSpan(site.Length + 1, Axis.Length);
        var item = new PathSpan(axis.Start + axis.Length + 1, text.Length);
        var indices = new PathIndices(new Selection(null, EquatableArray.Of(position)), EquatableArray.Of(item), item);
        return new SitePath(
            $"{site}[{Axis}={text}]",
            EquatableArray.Of(new PathSegment(site, null, new PathSpan(0, site.Length))),
            EquatableArray.Of(new PathSelector(Axis, axis, indices)));
    }

    /// <summary>Parses a path.</summary>
    /// <exception cref="FormatException">It breaks the grammar; the message says where.</exception>
    public static SitePath Parse(string text) =>
        TryParse(text, out SitePath? path, out SiteProblem? problem) ? path : throw new FormatException(problem.Message);

    /// <summary>Parses a path, or says what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out SitePath? path, [NotNullWhen(false)] out SiteProblem? problem)
    {
        try
        {
            path = new SitePathParser(text).Path();
            problem = null;
            return true;
        }
        catch (SitePathParser.SyntaxException syntax)
        {
            path = null;
            problem = syntax.Problem;
            return false;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>The site paths of a declaration by their text, so that each is parsed once.</summary>
internal sealed class SitePaths
{
    private readonly Dictionary<string, (SitePath? Path, SiteProblem? Problem)> _parsed = new();

    /// <summary>Parses a path where that was not done yet, and compares it with a model and a prompt set.</summary>
    /// <returns>A path that breaks the grammar has that as its only problem, and no resolution.</returns>
    public (SiteResolution? Resolution, EquatableArray<SiteProblem> Problems) Resolve(
        string text, ModelSchema schema, PromptVocabulary? prompts)
    {
        if (!_parsed.TryGetValue(text, out (SitePath? Path, SiteProblem? Problem) known))
        {
            SitePath.TryParse(text, out SitePath? path, out SiteProblem? problem);
            _parsed[text] = known = (path, problem);
        }
        if (known.Path is null)
            return (null, EquatableArray.Of(known.Problem!));
        SiteResolution resolution = SiteResolver.Resolve(known.Path, schema, prompts);
        return (resolution, resolution.Problems);
    }
}

/// <summary>Where something stands in a path's text.</summary>
/// <param name="Start">The first character.</param>
/// <param name="Length">How many characters.</param>
internal readonly record struct PathSpan(int Start, int Length);

/// <summary>One dotted segment: a name, or indices (<c>3</c>, <c>*</c>, <c>[6..8]</c>, <c>{layer}</c>).</summary>
/// <param name="Name">The name; <see langword="null"/> for indices.</param>
/// <param name="Indices">The indices; <see langword="null"/> for a name.</param>
/// <param name="Span">Where it stands.</param>
internal sealed record PathSegment(string? Name, PathIndices? Indices, PathSpan Span);

/// <summary>One trailing selector: <c>head=6,9</c>.</summary>
/// <param name="Axis">The axis.</param>
/// <param name="AxisSpan">Where the axis stands.</param>
/// <param name="Indices">What is selected.</param>
internal sealed record PathSelector(string Axis, PathSpan AxisSpan, PathIndices Indices);

/// <summary>A selection as it was written.</summary>
/// <param name="Selection">What it says.</param>
/// <param name="ItemSpans">Where each of the selection's items stands.</param>
/// <param name="Span">Where the whole stands, brackets or braces included.</param>
internal sealed record PathIndices(Selection Selection, EquatableArray<PathSpan> ItemSpans, PathSpan Span);

/// <summary>A placeholder in a path.</summary>
/// <param name="Name">The name inside the braces.</param>
/// <param name="Span">Where it stands, braces included.</param>
internal readonly record struct PlaceholderUse(string Name, PathSpan Span);
