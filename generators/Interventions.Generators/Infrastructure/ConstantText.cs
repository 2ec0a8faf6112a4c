using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Infrastructure;

/// <summary>
/// Reads the value of a text from its syntax alone. A generator does not see the constants of <c>Sites</c> that it adds to the same
/// project, but their names say their values. The rule of hidden constants reports each text that the compiler reads otherwise.
/// </summary>
internal static class ConstantText
{
    /// <summary>The value; null when the syntax does not say it.</summary>
    public static string? Evaluate(ExpressionSyntax? expression) => expression switch
    {
        LiteralExpressionSyntax literal when literal.IsKind(SyntaxKind.StringLiteralExpression) => literal.Token.ValueText,
        ParenthesizedExpressionSyntax { Expression: var inner } => Evaluate(inner),
        BinaryExpressionSyntax { Left: var left, Right: var right } sum when sum.IsKind(SyntaxKind.AddExpression) =>
            Evaluate(left) is { } first && Evaluate(right) is { } second ? first + second : null,
        InterpolatedStringExpressionSyntax { Contents: var contents } text
            when !text.StringStartToken.Text.EndsWith("\"\"\"", StringComparison.Ordinal) => Interpolated(contents),
        MemberAccessExpressionSyntax member => Site(member),
        InvocationExpressionSyntax call when IsNameOf(call) && call.ArgumentList.Arguments[0].Expression is var named =>
            (named as SimpleNameSyntax ?? (named as MemberAccessExpressionSyntax)?.Name)?.Identifier.ValueText,
        _ => null,
    };

    /// <summary>Whether an expression is <c>nameof(…)</c>.</summary>
    public static bool IsNameOf(SyntaxNode expression) => expression is InvocationExpressionSyntax
    {
        Expression: IdentifierNameSyntax { Identifier.ValueText: "nameof" }, ArgumentList.Arguments.Count: 1,
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
