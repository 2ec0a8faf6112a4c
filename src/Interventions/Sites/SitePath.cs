using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
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

    /// <summary>
    /// The placeholders of a text that may break the grammar, and whether names are listed for them. The generator gives a declaration with
    /// such a path the members that it would have, so that the path's mistake is the only error.
    /// </summary>
    public static IEnumerable<(string Name, bool HasNames)> PlaceholdersIn(string text)
    {
        for (int at = text.IndexOf('{'); at >= 0; at = text.IndexOf('{', at + 1))
        {
            int end = text.IndexOf('}', at);
            string[] parts = text.Substring(at + 1, (end < 0 ? text.Length : end) - at - 1).Split('=');
            string name = parts[0].TrimEnd('!', ' ').TrimStart();
            if (BracedName.IsName(name))
                yield return (name, parts.Length > 1 && parts[1].Any(char.IsLetter));
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

    /// <summary>Parses a path; null when the text breaks the grammar.</summary>
    public static SitePath? OrNull(string text) => TryParse(text, out SitePath? path, out _) ? path : null;

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

/// <summary>
/// Which indices of an axis a path names: all of them, some at once (brackets), one at a time (braces), or every one but some (<c>!=</c>).
/// </summary>
/// <param name="Placeholder">The name inside braces, when the indices are swept one at a time; otherwise <see langword="null"/>.</param>
/// <param name="Items">What is listed, in order; empty means every index of the axis.</param>
internal sealed record Selection(string? Placeholder, EquatableArray<SelectionItem> Items)
{
    /// <summary>Whether the items are left out, and every other index is selected: <c>head!=6</c>.</summary>
    public bool Except { get; init; }

    /// <summary>Every index, at once: <c>*</c>.</summary>
    public static Selection All { get; } = new(null, default);

    /// <summary>Whether the indices are swept one at a time.</summary>
    public bool IsSweep => Placeholder is not null;

    /// <summary>Whether it selects one index at a time: a single one, or a placeholder's.</summary>
    public bool IsOne => IsSweep || (!Except && Items.Count == 1 && Items[0].First == Items[0].Last);
}

/// <summary>One entry of a selection: an index, an inclusive range of indices, or a named position with an offset.</summary>
/// <param name="Name">A position's name; <see langword="null"/> for numbers.</param>
/// <param name="First">The first index (negative counts from the end), or the offset from the named position.</param>
/// <param name="Last">
/// The last index, included; equal to <paramref name="First"/> for a single index and for a named position, except for
/// <see cref="NewTokens.New"/>.
/// </param>
internal sealed record SelectionItem(string? Name, int First, int Last);

/// <summary>
/// The names that every prompt set has beside its own positions: <c>prompt</c>, all tokens of the prompt, <c>new</c>, the tokens that are
/// generated after it, and <c>named</c>, each of its own positions. New token k, counted from 0, stands at position prompt length + k.
/// </summary>
internal static class NewTokens
{
    /// <summary>All tokens of the prompt.</summary>
    public const string Prompt = "prompt";

    /// <summary>The tokens that are generated.</summary>
    public const string New = "new";

    /// <summary>Each position that the prompt set names.</summary>
    public const string Named = "named";

    /// <summary>Each new token: <c>new</c>.</summary>
    public static SelectionItem Every { get; } = new(New, 0, int.MaxValue);

    /// <summary>Names that a prompt set may not give a position.</summary>
    public static IReadOnlyList<string> Reserved { get; } = [Named, Prompt, New];

    /// <summary>Whether a prompt set may not give a position this name.</summary>
    public static bool IsReserved(string name) => Reserved.Contains(name);

    /// <summary>Whether an item selects new tokens.</summary>
    public static bool IsNew(this SelectionItem item) => item.Name == New;

    /// <summary>Whether new token <paramref name="step"/> is among an item's.</summary>
    public static bool IsNewAt(this SelectionItem item, int step) => item.IsNew() && item.First <= step && step <= item.Last;

    /// <summary>The same selection with each of the prompt set's names in the place of <c>named</c>.</summary>
    public static Selection WithNames(this Selection selection, PromptVocabulary prompts) =>
        selection.Items.Any(item => item.Name == Named)
            ? selection with
            {
                Items = selection.Items
                    .SelectMany(item => item.Name == Named ? prompts.Positions.Select(name => new SelectionItem(name, 0, 0)) : [item])
                    .Distinct().ToEquatableArray(),
            }
            : selection;

    /// <summary>The same selection of the prompt alone; <see langword="null"/> when it selects nothing of it.</summary>
    public static Selection? OfPrompt(this Selection selection)
    {
        if (selection.Items.Count == 0)
            return selection;
        SelectionItem[] items = selection.Items.Where(item => !item.IsNew())
            .Select(item => item.Name == Prompt ? new SelectionItem(null, 0, -1) : item).ToArray();
        return items.Length == 0 ? null : selection with { Items = items.ToEquatableArray() };
    }
}
