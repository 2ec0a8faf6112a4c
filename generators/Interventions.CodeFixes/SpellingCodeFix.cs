using System.Collections.Immutable;
using System.Composition;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace Interventions.CodeFixes;

/// <summary>Replaces a name by the one that the message suggests.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SpellingCodeFix))]
[Shared]
public sealed class SpellingCodeFix : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } =
        ["INV001", "INV002", "INV004", "INV005", "INV007", "INV008", "INV009", "INV010", "INV208"];

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false) is not { } root)
            return;
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            if (!diagnostic.Properties.TryGetValue(FixProperties.Suggestion, out string? suggestion) || suggestion is null)
                continue;
            // A path that is put together from constants has no one place to repair.
            if (root.FindToken(diagnostic.Location.SourceSpan.Start).Parent is not LiteralExpressionSyntax literal
                || !literal.IsKind(SyntaxKind.StringLiteralExpression))
                continue;
            // What the repair changes stands in its title, so that no number changes in silence.
            string title = $"Write '{suggestion}'"
                + (diagnostic.Properties.TryGetValue(FixProperties.Remark, out string? remark) ? $", {remark}" : "");
            context.RegisterCodeFix(
                CodeAction.Create(
                    title, _ => Task.FromResult(Replace(context.Document, root, literal, suggestion)), suggestion),
                diagnostic);
        }
    }

    private static Document Replace(Document document, SyntaxNode root, LiteralExpressionSyntax literal, string suggestion) =>
        document.WithSyntaxRoot(root.ReplaceToken(literal.Token, SyntaxFactory.Literal(suggestion).WithTriviaFrom(literal.Token)));
}
