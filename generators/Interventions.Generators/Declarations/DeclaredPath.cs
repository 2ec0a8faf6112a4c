using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Interventions.Generators.Infrastructure;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

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

    /// <summary>The names of the path's placeholders, in the order of the text.</summary>
    public IEnumerable<string> Placeholders =>
        Path?.Placeholders.Select(use => use.Name) ?? SitePath.PlaceholdersIn(Value).Select(placeholder => placeholder.Name);

    /// <summary>The placeholders that go through named positions.</summary>
    public IEnumerable<string> PlaceholdersOfNames =>
        Path?.Selectors.Select(selector => selector.Indices.Selection)
            .Where(selection => selection.IsSweep && selection.Items.Any(item => item.Name is not null))
            .Select(selection => selection.Placeholder!)
        ?? SitePath.PlaceholdersIn(Value).Where(placeholder => placeholder.HasNames).Select(placeholder => placeholder.Name);

    /// <summary>
    /// Whether a prompt's length may decide how many values the path selects: brackets list neither <c>pos</c> nor both <c>query</c> and
    /// <c>key</c>.
    /// </summary>
    public bool IsRagged => Path is { } path && !IsListed(path, "pos") && !(IsListed(path, "query") && IsListed(path, "key"));

    /// <summary>Whether the path names several layers at once, so that what is kept of it has an axis of layers.</summary>
    public bool IsStacked => Path is { } path && path.Segments.Any(segment => segment.Indices is { Selection.IsOne: false });

    /// <summary>Parses a text.</summary>
    public static DeclaredPath Of(DeclaredText text, string? reader = null) => new(text, reader);

    /// <summary>Where a part of the path stands.</summary>
    public Location At(PathSpan span) => Text.At(span.Start, span.Length);

    private static bool IsListed(SitePath path, string axis) => path.Selectors.Any(
        selector => selector.Axis == axis && selector.Indices.Selection is var selection
            && (selection.IsSweep || (selection.Items.Count > 0 && !selection.Except && selection.Items.All(IsOfKnownCount))));

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

/// <summary>A string that an attribute was given, and where its characters stand in the source.</summary>
internal sealed class DeclaredText
{
    private readonly AttributeData _attribute;
    private readonly Func<ExpressionSyntax?> _find;

    private DeclaredText(string value, AttributeData attribute, Func<ExpressionSyntax?> find) =>
        (Value, _attribute, _find) = (value, attribute, find);

    /// <summary>The string's value.</summary>
    public string Value { get; }

    /// <summary>Where the whole string stands.</summary>
    public Location Location => At(0, Value.Length);

    /// <summary>An argument of the attribute's constructor.</summary>
    public static DeclaredText Argument(AttributeData attribute, int index) =>
        new(attribute.Text(index), attribute, () => attribute.Argument(index));

    /// <summary>The strings of the constructor's last argument, an array.</summary>
    public static IEnumerable<DeclaredText> Items(AttributeData attribute, int index) =>
        attribute.Items(index).Select((text, i) => new DeclaredText(text, attribute, () => attribute.ItemExpression(index, i)));

    /// <summary>The strings of a constructor's argument that is an array; null where it is one string.</summary>
    public static IEnumerable<DeclaredText>? List(AttributeData attribute, int index) =>
        attribute.List(index)?.Select((text, i) => new DeclaredText(text, attribute, () => attribute.ItemExpression(index, i)));

    /// <summary>A string that the attribute sets by name; null when it sets none.</summary>
    public static DeclaredText? Named(AttributeData attribute, string name) =>
        attribute.Named(name) is { } text ? new DeclaredText(text, attribute, () => attribute.NamedExpression(name)) : null;

    /// <summary>The strings of an array that the attribute sets by name; null when it sets none.</summary>
    public static IEnumerable<DeclaredText>? NamedItems(AttributeData attribute, string name) =>
        attribute.NamedItems(name)?.Select((text, i) => new DeclaredText(text, attribute, () => attribute.NamedItemExpression(name, i)));

    /// <summary>
    /// Where some of the characters stand: the whole expression where they cannot be told apart (escapes, constants). The source is looked
    /// at only here, because most strings are right.
    /// </summary>
    public Location At(int start, int length)
    {
        ExpressionSyntax? expression = _find();
        if (expression is LiteralExpressionSyntax { Token: var token })
        {
            int value = Value.Length == 0 ? -1 : token.Text.IndexOf(Value, StringComparison.Ordinal);
            if (value >= 0 && length > 0)
                return Location.Create(token.SyntaxTree!, new TextSpan(token.SpanStart + value + start, length));
        }
        return expression?.GetLocation() ?? _attribute.Location() ?? Location.None;
    }
}
