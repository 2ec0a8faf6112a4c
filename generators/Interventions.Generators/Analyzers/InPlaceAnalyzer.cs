using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Interventions.Generators.Analyzers;

/// <summary>INV301: a declared method writes into an argument. Torch's own functions that do so end with an underscore.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class InPlaceAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.InPlace];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterOperationAction(AnalyzeCall, OperationKind.Invocation);
        context.RegisterOperationAction(AnalyzeAssignment, OperationKind.SimpleAssignment, OperationKind.CompoundAssignment);
    }

    private static void AnalyzeCall(OperationAnalysisContext context)
    {
        var call = (IInvocationOperation)context.Operation;
        if (!call.TargetMethod.Name.EndsWith("_", StringComparison.Ordinal))
            return;
        // zero_ of a tensor, or a function such as init.normal_, which writes into its first argument.
        IOperation? target = call.Instance ?? call.Arguments.FirstOrDefault()?.Value;
        if (BorrowedTensor.Find(target, context.ContainingSymbol) is { } name)
            context.ReportDiagnostic(Diagnostic.Create(Rules.InPlace, call.Syntax.GetLocation(), call.TargetMethod.Name, name));
    }

    private static void AnalyzeAssignment(OperationAnalysisContext context)
    {
        var assignment = (IAssignmentOperation)context.Operation;
        if (assignment.Target is IPropertyReferenceOperation { Property.IsIndexer: true, Instance: var tensor }
            && BorrowedTensor.Find(tensor, context.ContainingSymbol) is { } name)
            context.ReportDiagnostic(Diagnostic.Create(Rules.InPlace, assignment.Syntax.GetLocation(), "The assignment", name));
    }
}
