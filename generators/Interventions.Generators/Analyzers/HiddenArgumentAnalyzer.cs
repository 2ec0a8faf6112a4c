using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>
/// INV020: beside a generated constant, which is an error to the compiler that the generator asks, no other argument of the attribute has a value either. What the
/// generator cannot read by its syntax it would take for the default.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class HiddenArgumentAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.HiddenArgument];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSyntaxNodeAction(Analyze, SyntaxKind.Attribute);
    }

    private static void Analyze(SyntaxNodeAnalysisContext context)
    {
        var attribute = (AttributeSyntax)context.Node;
        if (attribute.ArgumentList?.Arguments is not { Count: > 1 } arguments)
            return;
        // Nearly every argument is a literal: that is asked first.
        List<ExpressionSyntax> values = arguments.SelectMany(argument => Elements(argument.Expression)).ToList();
        if (values.TrueForAll(value => value is LiteralExpressionSyntax)
            || context.SemanticModel.GetSymbolInfo(attribute, context.CancellationToken).Symbol?.ContainingNamespace.ToDisplayString() != nameof(Interventions))
            return;
        List<ExpressionSyntax> generated = values.FindAll(value => GeneratedConstants.IsIn(value, context.SemanticModel, context.CancellationToken));
        if (generated.Count == 0)
            return;
        foreach (ExpressionSyntax value in values.Except(generated))
        {
            if (value is TypeOfExpressionSyntax || SymbolExtensions.Literal(value) is not null || ConstantText.Evaluate(value) is not null
                || context.SemanticModel.GetConstantValue(value, context.CancellationToken) is not { HasValue: true, Value: { } constant })
                continue;
            string literal = SymbolDisplay.FormatPrimitive(constant, quoteStrings: true, useHexadecimalNumbers: false)!;
            context.ReportDiagnostic(new Problem(Rules.HiddenArgument, value.GetLocation(), literal) { Literal = literal }.ToDiagnostic());
        }
    }

    private static IEnumerable<ExpressionSyntax> Elements(ExpressionSyntax argument) => SymbolExtensions.Elements(argument) ?? [argument];
}
