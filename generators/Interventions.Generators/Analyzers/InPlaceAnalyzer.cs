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
        // By syntax: what operations are of is bound, all of it, and nearly no call or assignment is one of these.
        context.RegisterSyntaxNodeAction(AnalyzeCall, SyntaxKind.InvocationExpression);
        context.RegisterSyntaxNodeAction(
            AnalyzeAssignment, SyntaxKind.SimpleAssignmentExpression, SyntaxKind.AddAssignmentExpression, SyntaxKind.SubtractAssignmentExpression,
            SyntaxKind.MultiplyAssignmentExpression, SyntaxKind.DivideAssignmentExpression, SyntaxKind.ModuloAssignmentExpression,
            SyntaxKind.AndAssignmentExpression, SyntaxKind.OrAssignmentExpression, SyntaxKind.ExclusiveOrAssignmentExpression);
    }

    private static void AnalyzeCall(SyntaxNodeAnalysisContext context)
    {
        if (!((InvocationExpressionSyntax)context.Node).Name().EndsWith("_", StringComparison.Ordinal)
            || context.SemanticModel.GetOperation(context.Node, context.CancellationToken) is not IInvocationOperation call)
            return;
        // zero_ of a tensor, or a function such as init.normal_, which writes into its first argument.
        IOperation? target = call.Instance ?? call.Arguments.FirstOrDefault()?.Value;
        if (BorrowedTensor.Find(target, context.ContainingSymbol!) is { } name)
            context.ReportDiagnostic(Diagnostic.Create(Rules.InPlace, call.Syntax.GetLocation(), call.TargetMethod.Name, name));
    }

    private static void AnalyzeAssignment(SyntaxNodeAnalysisContext context)
    {
        if (((AssignmentExpressionSyntax)context.Node).Left is ElementAccessExpressionSyntax
            && context.SemanticModel.GetOperation(context.Node, context.CancellationToken) is IAssignmentOperation assignment
            && assignment.Target is IPropertyReferenceOperation { Property.IsIndexer: true, Instance: var tensor }
            && BorrowedTensor.Find(tensor, context.ContainingSymbol!) is { } name)
            context.ReportDiagnostic(Diagnostic.Create(Rules.InPlace, assignment.Syntax.GetLocation(), "The assignment", name));
    }
}
