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
        var syntax = attribute.ApplicationSyntaxReference?.GetSyntax(cancellation) as AttributeSyntax;
        return new TextLocation(attribute.Text(index), syntax, attribute.Argument(index, cancellation));
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
