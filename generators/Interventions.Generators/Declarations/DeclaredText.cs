using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Declarations;

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
