using System.Collections.Immutable;
using System.Composition;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace Interventions.CodeFixes;

/// <summary>Writes the value that an expression has, where only its value can be read.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(LiteralCodeFix))]
[Shared]
public sealed class LiteralCodeFix : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ["INV018", "INV020"];

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false) is not { } root)
            return;
        foreach (Diagnostic diagnostic in context.Diagnostics)
            if (diagnostic.Properties.TryGetValue(FixProperties.Literal, out string? literal) && literal is not null
                && root.FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true) is ExpressionSyntax expression)
                context.RegisterCodeFix(
                    CodeAction.Create(
                        $"Write {literal}",
                        _ => Task.FromResult(context.Document.WithSyntaxRoot(
                            root.ReplaceNode(expression, SyntaxFactory.ParseExpression(literal).WithTriviaFrom(expression)))),
                        literal),
                    diagnostic);
    }
}
