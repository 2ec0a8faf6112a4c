using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV013: a schema declares something that no path could name.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class InvalidSchemaAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.InvalidSchema];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSymbolAction(
            static symbol =>
            {
                foreach (Problem problem in SchemaCheck.Problems((INamedTypeSymbol)symbol.Symbol, symbol.CancellationToken))
                    symbol.ReportDiagnostic(problem.ToDiagnostic());
            },
            SymbolKind.NamedType);
    }
}
