using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Analyzers;

/// <summary>Constants that a generator, unlike an analyzer, does not see: those that are generated into the same project.</summary>
internal static class GeneratedConstants
{
    /// <summary>Whether a constant of the expression is generated, or made from one that is.</summary>
    public static bool IsIn(SyntaxNode expression, SemanticModel? model, CancellationToken cancellation)
    {
        foreach (IdentifierNameSyntax name in expression.DescendantNodesAndSelf().OfType<IdentifierNameSyntax>())
        {
            // In another file there is no model at hand; its text says enough.
            if (model is null)
            {
                if (name.Identifier.ValueText == SiteNames.Class)
                    return true;
                continue;
            }
            if (model.GetSymbolInfo(name, cancellation).Symbol is not IFieldSymbol { IsConst: true } field)
                continue;
            foreach (SyntaxReference reference in field.DeclaringSyntaxReferences)
            {
                if (reference.SyntaxTree.FilePath.EndsWith(".g.cs", StringComparison.Ordinal))
                    return true;
                if (reference.GetSyntax(cancellation) is VariableDeclaratorSyntax { Initializer.Value: var initial }
                    && IsIn(initial, reference.SyntaxTree == model.SyntaxTree ? model : null, cancellation))
                    return true;
            }
        }
        return false;
    }
}
