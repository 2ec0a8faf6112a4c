using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Interventions.Generators.Analyzers;

/// <summary>INV019: a generic intervention is closed over a model that it does not fit.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ClosedUseAnalyzer : DiagnosticAnalyzer
{
    private static readonly SymbolDisplayFormat s_name = new(genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.ClosedUse];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterCompilationStartAction(static start =>
        {
            // Most projects have no generic intervention, and to look at members everything must be bound.
            if (!GenericInterventions.Exist(start.Compilation, start.CancellationToken))
                return;
            start.RegisterSyntaxNodeAction(AnalyzeName, SyntaxKind.GenericName);
            start.RegisterOperationAction(AnalyzeMember, OperationKind.Invocation, OperationKind.PropertyReference, OperationKind.FieldReference);
        });
    }

    /// <summary>The type as it is written, wherever: a creation, a field, a base, an included property; and what a written method returns.</summary>
    private static void AnalyzeName(SyntaxNodeAnalysisContext context)
    {
        if (context.Node.Parent is AttributeSyntax)
            return;
        ISymbol? symbol = context.SemanticModel.GetSymbolInfo(context.Node, context.CancellationToken).Symbol;
        if (symbol is IMethodSymbol method)
            symbol = method.OriginalDefinition.ReturnType is ITypeParameterSymbol ? null : method.ReturnType;
        Report(symbol, context.Node, context.Compilation, context.ReportDiagnostic, context.CancellationToken);
    }

    /// <summary>The type as it follows from another one: an inferred type argument, a member of a generic class.</summary>
    private static void AnalyzeMember(OperationAnalysisContext context)
    {
        if (context.Operation.Type is not INamedTypeSymbol { IsGenericType: true } type)
            return;
        ISymbol? member = context.Operation switch
        {
            IInvocationOperation call => call.TargetMethod,
            IPropertyReferenceOperation property => property.Property,
            IFieldReferenceOperation field => field.Field,
            _ => null,
        };
        ITypeSymbol? declared = member?.OriginalDefinition switch
        {
            IMethodSymbol method => method.ReturnType,
            IPropertySymbol property => property.Type,
            IFieldSymbol field => field.Type,
            _ => null,
        };
        bool isWritten = context.Operation.Syntax is InvocationExpressionSyntax { Expression: var called }
            && called.DescendantNodesAndSelf().OfType<GenericNameSyntax>().Any(name => name.Identifier.ValueText == member!.Name);
        if (!isWritten && declared is INamedTypeSymbol && !SymbolEqualityComparer.Default.Equals(declared, type))
            Report(type, context.Operation.Syntax, context.Compilation, context.ReportDiagnostic, context.CancellationToken);
    }

    private static void Report(ISymbol? symbol, SyntaxNode at, Compilation compilation, Action<Diagnostic> report, CancellationToken cancellation)
    {
        if (symbol is not INamedTypeSymbol { IsGenericType: true } type)
            return;
        foreach (string message in ClosedUseCheck.Messages(type, compilation, cancellation))
            report(Diagnostic.Create(
                Rules.ClosedUse, at.GetLocation(), type.ToDisplayString(s_name), message));
    }
}
