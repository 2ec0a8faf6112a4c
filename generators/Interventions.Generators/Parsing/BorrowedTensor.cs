using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Interventions.Generators.Parsing;

/// <summary>
/// Finds the parameter of a declared method behind an expression, through views of it (<c>z.select(1, 0)</c>). Local variables are not followed: what
/// goes through them is caught at run time, in strict mode.
/// </summary>
internal static class BorrowedTensor
{
    private static readonly HashSet<string> Views = new(StringComparer.Ordinal)
    {
        "alias", "detach", "diagonal", "expand", "expand_as", "flatten", "index", "movedim", "narrow", "permute", "ravel", "reshape", "select", "slice",
        "squeeze", "swapaxes", "t", "transpose", "unbind", "unfold", "unsqueeze", "view", "view_as", "T", "mT", "H", "this[]",
    };

    /// <summary>The parameter's name; null when the expression is no parameter, nor a view of one, or the method is not declared.</summary>
    public static string? Find(IOperation? expression, ISymbol containing)
    {
        while (true)
        {
            switch (expression)
            {
                case IParameterReferenceOperation { Parameter: var parameter }:
                    return parameter.Type.Is(KnownNames.Tensor) && SymbolEqualityComparer.Default.Equals(parameter.ContainingSymbol, containing)
                        && containing is IMethodSymbol method && DeclaredMethod.Read(method) is not null
                        ? parameter.Name
                        : null;
                case IInvocationOperation { TargetMethod: var view, Instance: { } instance } when Views.Contains(view.Name):
                    expression = instance;
                    break;
                case IPropertyReferenceOperation { Property: var view, Instance: { } instance } when Views.Contains(view.Name):
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
}
