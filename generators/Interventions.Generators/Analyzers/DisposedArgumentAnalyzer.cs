using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Interventions.Generators.Analyzers;

/// <summary>INV302: a declared method disposes an argument, which it only borrows.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class DisposedArgumentAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.DisposedArgument];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        // By syntax: what operations are of is bound, all of it, and nearly no call is one of these.
        context.RegisterSyntaxNodeAction(AnalyzeCall, SyntaxKind.InvocationExpression);
        context.RegisterSyntaxNodeAction(AnalyzeUsing, SyntaxKind.UsingStatement);
    }

    private static void AnalyzeCall(SyntaxNodeAnalysisContext context)
    {
        // A view has a handle of its own, which may be disposed.
        if (((InvocationExpressionSyntax)context.Node).Name() is "Dispose" or "DecoupleFromNativeHandle"
            && context.SemanticModel.GetOperation(context.Node, context.CancellationToken) is IInvocationOperation { Instance: IParameterReferenceOperation argument })
            Report(context, argument);
    }

    private static void AnalyzeUsing(SyntaxNodeAnalysisContext context)
    {
        if (((UsingStatementSyntax)context.Node).Expression is { } resource
            && context.SemanticModel.GetOperation(resource, context.CancellationToken) is IParameterReferenceOperation argument)
            Report(context, argument);
    }

    private static void Report(SyntaxNodeAnalysisContext context, IParameterReferenceOperation argument)
    {
        if (BorrowedTensor.Find(argument, context.ContainingSymbol!) is { } name)
            context.ReportDiagnostic(Diagnostic.Create(Rules.DisposedArgument, argument.Syntax.GetLocation(), name));
    }
}
