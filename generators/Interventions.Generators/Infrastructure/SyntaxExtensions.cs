using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Infrastructure;

/// <summary>Questions about syntax.</summary>
internal static class SyntaxExtensions
{
    /// <summary>The name of what is called; empty when it has none.</summary>
    public static string Name(this InvocationExpressionSyntax call) => call.Expression switch
    {
        SimpleNameSyntax name => name.Identifier.ValueText,
        MemberAccessExpressionSyntax { Name: var name } => name.Identifier.ValueText,
        MemberBindingExpressionSyntax { Name: var name } => name.Identifier.ValueText,
        _ => "",
    };
}
