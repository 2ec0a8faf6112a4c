using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>
/// A parsed site path: <c>blocks.{layer}.attn.z[head=6,9; pos=end]</c>. It knows the grammar only; <see cref="SiteResolver"/> compares it with a model.
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
