using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
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
        context.RegisterOperationAction(AnalyzeCall, OperationKind.Invocation);
        context.RegisterOperationAction(AnalyzeUsing, OperationKind.Using);
    }

    private static void AnalyzeCall(OperationAnalysisContext context)
    {
        var call = (IInvocationOperation)context.Operation;
        // A view has a handle of its own, which may be disposed.
        if (call is { TargetMethod.Name: "Dispose" or "DecoupleFromNativeHandle", Instance: IParameterReferenceOperation argument })
            Report(context, argument);
    }

    private static void AnalyzeUsing(OperationAnalysisContext context)
    {
        if (context.Operation is IUsingOperation { Resources: IParameterReferenceOperation argument })
            Report(context, argument);
    }

    private static void Report(OperationAnalysisContext context, IParameterReferenceOperation argument)
    {
        if (BorrowedTensor.Find(argument, context.ContainingSymbol) is { } name)
            context.ReportDiagnostic(Diagnostic.Create(Rules.DisposedArgument, argument.Syntax.GetLocation(), name));
    }
}
