using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Interventions.Generators.Rules;

/// <summary>
/// Finds methods that write into a tensor that they borrow, or dispose it. Torch's functions that write in place have names that end with
/// an underscore. Local variables are not followed: strict mode catches those uses at run time.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Memory() : RuleAnalyzer(ChangedArgument, DisposedArgument)
{
    public static readonly DiagnosticDescriptor ChangedArgument = Rule.Memory(
        "INV301", "A declared method changes an argument", "{0} writes into '{1}', which other variants share; compute a new tensor");

    public static readonly DiagnosticDescriptor DisposedArgument = Rule.Memory(
        "INV302", "A declared method disposes an argument", "'{0}' is borrowed: other variants share it, and the run frees it");

    /// <summary>The functions that return a view: a write into it is a write into the tensor.</summary>
    private static readonly HashSet<string> s_views = new(StringComparer.Ordinal)
    {
        "alias", "detach", "diagonal", "expand", "expand_as", "flatten", "index", "movedim", "narrow", "permute", "ravel", "reshape",
        "select", "slice", "squeeze", "swapaxes", "t", "transpose", "unbind", "unfold", "unsqueeze", "view", "view_as",
        "T", "mT", "H", "this[]",
    };

    protected override void Register(AnalysisContext context)
    {
        // Actions on operations would bind every method of the project; the syntax already tells nearly every call and assignment apart.
        context.RegisterSyntaxNodeAction(Call, SyntaxKind.InvocationExpression);
        context.RegisterSyntaxNodeAction(Using, SyntaxKind.UsingStatement);
        context.RegisterSyntaxNodeAction(
            Assignment, SyntaxKind.SimpleAssignmentExpression, SyntaxKind.AddAssignmentExpression, SyntaxKind.SubtractAssignmentExpression,
            SyntaxKind.MultiplyAssignmentExpression, SyntaxKind.DivideAssignmentExpression, SyntaxKind.ModuloAssignmentExpression,
            SyntaxKind.AndAssignmentExpression, SyntaxKind.OrAssignmentExpression, SyntaxKind.ExclusiveOrAssignmentExpression);
    }

    private static void Call(SyntaxNodeAnalysisContext context)
    {
        string name = Name((InvocationExpressionSyntax)context.Node);
        bool writes = name.EndsWith("_", StringComparison.Ordinal), disposes = name is "Dispose" or "DecoupleFromNativeHandle";
        if ((!writes && !disposes)
            || context.SemanticModel.GetOperation(context.Node, context.CancellationToken) is not IInvocationOperation call)
            return;
        // x.zero_() writes into its instance; a function such as init.normal_(x) writes into its first argument.
        if (writes && Borrowed(call.Instance ?? call.Arguments.FirstOrDefault()?.Value, context) is { } argument)
            context.ReportDiagnostic(
                new Problem(ChangedArgument, call.Syntax.GetLocation(), call.TargetMethod.Name, argument).ToDiagnostic(context.Options));
        else if (disposes)
            Disposed(call.Instance, context);
    }

    private static void Assignment(SyntaxNodeAnalysisContext context)
    {
        if (((AssignmentExpressionSyntax)context.Node).Left is ElementAccessExpressionSyntax
            && context.SemanticModel.GetOperation(context.Node, context.CancellationToken) is IAssignmentOperation assignment
            && assignment.Target is IPropertyReferenceOperation { Property.IsIndexer: true, Instance: var tensor }
            && Borrowed(tensor, context) is { } argument)
            context.ReportDiagnostic(
                new Problem(ChangedArgument, assignment.Syntax.GetLocation(), "The assignment", argument).ToDiagnostic(context.Options));
    }

    private static void Using(SyntaxNodeAnalysisContext context)
    {
        if (((UsingStatementSyntax)context.Node).Expression is { } resource)
            Disposed(context.SemanticModel.GetOperation(resource, context.CancellationToken), context);
    }

    /// <summary>A view has a handle of its own, which may be disposed.</summary>
    private static void Disposed(IOperation? tensor, SyntaxNodeAnalysisContext context)
    {
        if (tensor is IParameterReferenceOperation && Borrowed(tensor, context) is { } argument)
            context.ReportDiagnostic(new Problem(DisposedArgument, tensor.Syntax.GetLocation(), argument).ToDiagnostic(context.Options));
    }

    /// <summary>The name of the declared method's parameter behind an expression, through views of it; null when there is none.</summary>
    private static string? Borrowed(IOperation? expression, SyntaxNodeAnalysisContext context)
    {
        while (true)
        {
            switch (expression)
            {
                case IParameterReferenceOperation { Parameter: var parameter }:
                    return parameter.Type.Is(KnownNames.Tensor) && parameter.ContainingSymbol.IsSame(context.ContainingSymbol)
                        && context.ContainingSymbol is IMethodSymbol method && DeclaredMethod.KindOf(method) is not null
                        ? parameter.Name
                        : null;
                case IInvocationOperation { TargetMethod: var view, Instance: { } instance } when s_views.Contains(view.Name):
                    expression = instance;
                    break;
                case IPropertyReferenceOperation { Property: var view, Instance: { } instance } when s_views.Contains(view.Name):
                    expression = instance;
                    break;
                case IConversionOperation { Operand: var operand }:
                    expression = operand;
                    break;
                default:
                    return null;
            }
        }
    }

    private static string Name(InvocationExpressionSyntax call) => call.Expression switch
    {
        SimpleNameSyntax name => name.Identifier.ValueText,
        MemberAccessExpressionSyntax { Name: var name } => name.Identifier.ValueText,
        MemberBindingExpressionSyntax { Name: var name } => name.Identifier.ValueText,
        _ => "",
    };
}
