using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Diagnostics;

/// <summary>A string that an attribute was given, and where its characters stand in the source.</summary>
internal sealed class TextLocation
{
    private readonly AttributeData _attribute;
    private readonly Func<AttributeSyntax, ExpressionSyntax?> _find;

    private TextLocation(string text, AttributeData attribute, Func<AttributeSyntax, ExpressionSyntax?> find) =>
        (Text, _attribute, _find) = (text, attribute, find);

    /// <summary>The string's value.</summary>
    public string Text { get; }

    /// <summary>An argument of the attribute's constructor.</summary>
    public static TextLocation Argument(AttributeData attribute, int index, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return new TextLocation(attribute.Text(index), attribute, syntax => Find(attribute, syntax, index));
    }

    /// <summary>One string of an array argument, which is written as an array or as a list of arguments.</summary>
    public static TextLocation Item(AttributeData attribute, int index, int item, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return new TextLocation(attribute.Items(index).ElementAtOrDefault(item) ?? "", attribute, syntax => Find(attribute, syntax, index) switch
        {
            ArrayCreationExpressionSyntax { Initializer: { } items } => items.Expressions.ElementAtOrDefault(item),
            ImplicitArrayCreationExpressionSyntax { Initializer: { } items } => items.Expressions.ElementAtOrDefault(item),
            CollectionExpressionSyntax items => (items.Elements.ElementAtOrDefault(item) as ExpressionElementSyntax)?.Expression,
            var first when item == 0 => first,
            _ => Find(attribute, syntax, index + item),
        });
    }

    /// <summary>A property that the attribute sets; null when it does not.</summary>
    public static TextLocation? Property(AttributeData attribute, string name, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return attribute.Named(name) is { } text ? new TextLocation(text, attribute, syntax => Named(syntax, name)) : null;
    }

    /// <summary>The strings of an array that the attribute sets by name; none when it does not.</summary>
    public static IEnumerable<TextLocation> Items(AttributeData attribute, string name, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return attribute.NamedItems(name)?.Select((text, i) => new TextLocation(
            text, attribute, syntax => Named(syntax, name) is { } array ? SymbolExtensions.Elements(array)?.ElementAtOrDefault(i) ?? array : null)) ?? [];
    }

    private static ExpressionSyntax? Named(AttributeSyntax syntax, string name) =>
        syntax.ArgumentList?.Arguments.FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == name)?.Expression;

    private static ExpressionSyntax? Find(AttributeData attribute, AttributeSyntax syntax, int index)
    {
        string? parameter = attribute.AttributeConstructor?.Parameters.ElementAtOrDefault(index)?.Name;
        AttributeArgumentSyntax[] arguments = syntax.ArgumentList?.Arguments.Where(argument => argument.NameEquals is null).ToArray() ?? [];
        AttributeArgumentSyntax? found =
            arguments.FirstOrDefault(argument => argument.NameColon is { } name && name.Name.Identifier.ValueText == parameter)
            ?? arguments.Where(argument => argument.NameColon is null).ElementAtOrDefault(index);
        return found?.Expression;
    }

    /// <summary>
    /// Some characters of the string; the whole expression where they cannot be told apart (escapes, constants). Only now is the source looked at: most
    /// strings are right.
    /// </summary>
    public Location At(int start, int length)
    {
        var syntax = _attribute.ApplicationSyntaxReference?.GetSyntax() as AttributeSyntax;
        ExpressionSyntax? expression = syntax is null ? null : _find(syntax);
        if (expression is LiteralExpressionSyntax { Token: var token })
        {
            int value = Text.Length == 0 ? -1 : token.Text.IndexOf(Text, StringComparison.Ordinal);
            if (value >= 0 && length > 0)
                return Location.Create(token.SyntaxTree!, new TextSpan(token.SpanStart + value + start, length));
        }
        return expression?.GetLocation() ?? syntax?.GetLocation() ?? Location.None;
    }
}
