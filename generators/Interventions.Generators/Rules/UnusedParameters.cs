using System.Collections.Immutable;
using Interventions.Generators.Declarations;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Suppresses the compiler's advice to remove unused parameters: a patch that replaces a value need not read it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class UnusedParameters : DiagnosticSuppressor
{
    private static readonly ImmutableArray<SuppressionDescriptor> Suppressions =
    [
        .. new[] { "IDE0060", "CA1801" }.Select((id, i) =>
            new SuppressionDescriptor($"INVS0{i + 1}", id, "The parameters of a declared method say what it may read.")),
    ];

    /// <inheritdoc/>
    public override ImmutableArray<SuppressionDescriptor> SupportedSuppressions => Suppressions;

    /// <inheritdoc/>
    public override void ReportSuppressions(SuppressionAnalysisContext context)
    {
        foreach (Diagnostic diagnostic in context.ReportedDiagnostics)
        {
            if (diagnostic.Location.SourceTree is not { } tree)
                continue;
            SyntaxNode parameter = tree.GetRoot(context.CancellationToken).FindNode(diagnostic.Location.SourceSpan);
            ISymbol? symbol = context.GetSemanticModel(tree).GetDeclaredSymbol(parameter, context.CancellationToken);
            if (symbol is IParameterSymbol { ContainingSymbol: IMethodSymbol method } && DeclaredMethod.KindOf(method) is not null)
                context.ReportSuppression(Suppression.Create(
                    Suppressions.First(suppression => suppression.SuppressedDiagnosticId == diagnostic.Id), diagnostic));
        }
    }
}
