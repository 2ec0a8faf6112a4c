using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Diagnostics;

/// <summary>A string that an attribute was given, and where its characters stand in the source.</summary>
internal sealed class TextLocation
{
    private readonly AttributeSyntax? _attribute;
    private readonly ExpressionSyntax? _expression;

    private TextLocation(string text, AttributeSyntax? attribute, ExpressionSyntax? expression)
    {
        Text = text;
        _attribute = attribute;
        _expression = expression;
    }

    /// <summary>The string's value.</summary>
    public string Text { get; }

    /// <summary>An argument of the attribute's constructor.</summary>
    public static TextLocation Argument(AttributeData attribute, int index, CancellationToken cancellation)
    {
        (AttributeSyntax? syntax, AttributeArgumentSyntax? found) = Find(attribute, index, cancellation);
        return new TextLocation(attribute.Text(index), syntax, found?.Expression);
    }

    /// <summary>One string of an array argument, which is written as an array or as a list of arguments.</summary>
    public static TextLocation Item(AttributeData attribute, int index, int item, CancellationToken cancellation)
    {
        (AttributeSyntax? syntax, AttributeArgumentSyntax? first) = Find(attribute, index, cancellation);
        ExpressionSyntax? expression = first?.Expression switch
        {
            ArrayCreationExpressionSyntax { Initializer: { } items } => items.Expressions.ElementAtOrDefault(item),
            ImplicitArrayCreationExpressionSyntax { Initializer: { } items } => items.Expressions.ElementAtOrDefault(item),
            CollectionExpressionSyntax items => (items.Elements.ElementAtOrDefault(item) as ExpressionElementSyntax)?.Expression,
            _ when item == 0 => first?.Expression,
            _ => Find(attribute, index + item, cancellation).Found?.Expression,
        };
        return new TextLocation(attribute.Items(index).ElementAtOrDefault(item) ?? "", syntax, expression);
    }

    /// <summary>A property that the attribute sets; null when it does not.</summary>
    public static TextLocation? Property(AttributeData attribute, string name, CancellationToken cancellation)
    {
        if (attribute.Named(name) is not { } text)
            return null;
        var syntax = attribute.ApplicationSyntaxReference?.GetSyntax(cancellation) as AttributeSyntax;
        AttributeArgumentSyntax? found = syntax?.ArgumentList?.Arguments.FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == name);
        return new TextLocation(text, syntax, found?.Expression);
    }

    /// <summary>The strings of an array that the attribute sets by name; none when it does not.</summary>
    public static IEnumerable<TextLocation> Items(AttributeData attribute, string name, CancellationToken cancellation)
    {
        var syntax = attribute.ApplicationSyntaxReference?.GetSyntax(cancellation) as AttributeSyntax;
        ExpressionSyntax? array = syntax?.ArgumentList?.Arguments.FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == name)?.Expression;
        List<ExpressionSyntax> elements = array is null ? [] : SymbolExtensions.Elements(array)?.ToList() ?? [];
        return attribute.NamedItems(name)?.Select((text, i) => new TextLocation(text, syntax, elements.ElementAtOrDefault(i) ?? array)) ?? [];
    }

    private static (AttributeSyntax? Attribute, AttributeArgumentSyntax? Found) Find(AttributeData attribute, int index, CancellationToken cancellation)
    {
        var syntax = attribute.ApplicationSyntaxReference?.GetSyntax(cancellation) as AttributeSyntax;
        string? parameter = attribute.AttributeConstructor?.Parameters.ElementAtOrDefault(index)?.Name;
        AttributeArgumentSyntax[] arguments = syntax?.ArgumentList?.Arguments.Where(argument => argument.NameEquals is null).ToArray() ?? [];
        return (syntax,
            arguments.FirstOrDefault(argument => argument.NameColon is { } name && name.Name.Identifier.ValueText == parameter)
            ?? arguments.Where(argument => argument.NameColon is null).ElementAtOrDefault(index));
    }

    /// <summary>Some characters of the string; the whole expression where they cannot be told apart (escapes, constants).</summary>
    public Location At(int start, int length)
    {
        if (_expression is LiteralExpressionSyntax { Token: var token })
        {
            int value = Text.Length == 0 ? -1 : token.Text.IndexOf(Text, StringComparison.Ordinal);
            if (value >= 0 && length > 0)
                return Location.Create(token.SyntaxTree!, new TextSpan(token.SpanStart + value + start, length));
        }
        return _expression?.GetLocation() ?? _attribute?.GetLocation() ?? Location.None;
    }
}
