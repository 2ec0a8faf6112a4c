using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV018: a text made from generated constants in a way that the generator, which does not see them, cannot read.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class HiddenConstantAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.HiddenConstant];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSyntaxNodeAction(Analyze, SyntaxKind.AttributeArgument);
    }

    private static void Analyze(SyntaxNodeAnalysisContext context)
    {
        // Nearly every argument is a literal: that is asked first.
        ExpressionSyntax expression = ((AttributeArgumentSyntax)context.Node).Expression;
        if (expression is LiteralExpressionSyntax
            || context.SemanticModel.GetConstantValue(expression, context.CancellationToken).Value is not string value
            || ConstantText.Evaluate(expression) == value
            || context.SemanticModel.GetSymbolInfo(context.Node.Parent!.Parent!, context.CancellationToken).Symbol?.ContainingType is not { } attribute
            || attribute.ContainingNamespace.ToDisplayString() != nameof(Interventions))
            return;
        if (GeneratedConstants.IsIn(expression, context.SemanticModel, context.CancellationToken))
            context.ReportDiagnostic(new Problem(Rules.HiddenConstant, expression.GetLocation(), value) { Literal = Literals.Quote(value) }.ToDiagnostic());
    }
}
