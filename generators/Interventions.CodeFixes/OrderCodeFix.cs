using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace Interventions.CodeFixes;

/// <summary>
/// Says that a write comes after the other one: <c>Order = 1</c>, which is also the order in which the writes have stood so far.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(OrderCodeFix))]
[Shared]
public sealed class OrderCodeFix : CodeFixProvider
{
    private const string Title = "Let it come later: 'Order = 1'";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ["INV222"];

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false) is not { } root)
            return;
        foreach (Diagnostic diagnostic in context.Diagnostics)
            if (Attribute(root.FindToken(diagnostic.Location.SourceSpan.Start).Parent) is { } attribute && !HasOrder(attribute))
                context.RegisterCodeFix(
                    CodeAction.Create(
                        Title, _ => Task.FromResult(context.Document.WithSyntaxRoot(root.ReplaceNode(attribute, Later(attribute)))), Title),
                    diagnostic);
    }

    /// <summary>The attribute around a path, or the [Include] of a property.</summary>
    private static AttributeSyntax? Attribute(SyntaxNode? node) =>
        node?.FirstAncestorOrSelf<AttributeSyntax>()
        ?? node?.FirstAncestorOrSelf<PropertyDeclarationSyntax>()?.AttributeLists.SelectMany(list => list.Attributes)
            .FirstOrDefault(attribute => attribute.Name.ToString().Split('.').Last() is "Include" or "IncludeAttribute");

    private static bool HasOrder(AttributeSyntax attribute) =>
        attribute.ArgumentList?.Arguments.Any(argument => argument.NameEquals?.Name.Identifier.ValueText == "Order") == true;

    private static AttributeSyntax Later(AttributeSyntax attribute)
    {
        NameEqualsSyntax name = SyntaxFactory.NameEquals(
            SyntaxFactory.IdentifierName("Order").WithTrailingTrivia(SyntaxFactory.Space),
            SyntaxFactory.Token(SyntaxKind.EqualsToken).WithTrailingTrivia(SyntaxFactory.Space));
        AttributeArgumentSyntax order = SyntaxFactory.AttributeArgument(SyntaxFactory.ParseExpression("1")).WithNameEquals(name);
        AttributeArgumentListSyntax? list = attribute.ArgumentList;
        return attribute.WithArgumentList(list is null || list.Arguments.Count == 0
            ? SyntaxFactory.AttributeArgumentList(SyntaxFactory.SingletonSeparatedList(order))
            : list.WithArguments(list.Arguments.Add(order.WithLeadingTrivia(SyntaxFactory.Space))));
    }
}
