using System.Text;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Parsing;

/// <summary>
/// The value of a text that names constants of <c>Sites</c>, by its syntax alone: to the generator, whose own output those constants may be, they do not
/// exist yet. An analyzer, which sees them, reports whatever is read otherwise here than by the compiler.
/// </summary>
internal static class ConstantText
{
    /// <summary>The value; null when syntax alone does not say it.</summary>
    public static string? Evaluate(ExpressionSyntax? expression) => expression switch
    {
        LiteralExpressionSyntax literal when literal.IsKind(SyntaxKind.StringLiteralExpression) => literal.Token.ValueText,
        ParenthesizedExpressionSyntax { Expression: var inner } => Evaluate(inner),
        BinaryExpressionSyntax { Left: var left, Right: var right } sum when sum.IsKind(SyntaxKind.AddExpression) =>
            Evaluate(left) is { } first && Evaluate(right) is { } second ? first + second : null,
        InterpolatedStringExpressionSyntax { Contents: var contents } text when !text.StringStartToken.Text.EndsWith("\"\"\"", StringComparison.Ordinal) =>
            Interpolated(contents),
        MemberAccessExpressionSyntax member => Site(member),
        InvocationExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.ValueText: "nameof" }, ArgumentList.Arguments: { Count: 1 } arguments } =>
            (arguments[0].Expression as SimpleNameSyntax ?? (arguments[0].Expression as MemberAccessExpressionSyntax)?.Name)?.Identifier.ValueText,
        _ => null,
    };

    private static string? Interpolated(IEnumerable<InterpolatedStringContentSyntax> contents)
    {
        var text = new StringBuilder();
        foreach (InterpolatedStringContentSyntax content in contents)
        {
            string? part = content switch
            {
                InterpolatedStringTextSyntax { TextToken: var token } => token.ValueText.Replace("{{", "{").Replace("}}", "}"),
                InterpolationSyntax { Expression: var inner, AlignmentClause: null, FormatClause: null } => Evaluate(inner),
                _ => null,
            };
            if (part is null)
                return null;
            text.Append(part);
        }
        return text.ToString();
    }

    private static string? Site(MemberAccessExpressionSyntax member)
    {
        var names = new List<string>();
        ExpressionSyntax at = member;
        for (; at is MemberAccessExpressionSyntax { Name: IdentifierNameSyntax name, Expression: var left }; at = left)
        {
            if (name.Identifier.ValueText == SiteNames.Class)
                return SiteNames.Path(names);
            names.Insert(0, name.Identifier.ValueText);
        }
        return at is IdentifierNameSyntax { Identifier.ValueText: SiteNames.Class } ? SiteNames.Path(names) : null;
    }
}
