using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>The base of analyzers that look at one intervention at a time and report one rule.</summary>
public abstract class InterventionAnalyzer : DiagnosticAnalyzer
{
    private readonly DiagnosticDescriptor _rule;

    private protected InterventionAnalyzer(DiagnosticDescriptor rule) => _rule = rule;

    /// <inheritdoc/>
    public sealed override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [_rule];

    /// <inheritdoc/>
    public sealed override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSymbolAction(Analyze, SymbolKind.NamedType);
    }

    /// <summary>What is wrong with an intervention. Problems of other rules are left to their own analyzers.</summary>
    private protected abstract IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation);

    /// <summary>The check that finds the problems: analyzers of one check share what it finds.</summary>
    private protected virtual Type Check => GetType();

    private void Analyze(SymbolAnalysisContext context)
    {
        var cache = InterventionCache.Of(context.Compilation);
        if (cache.Read((INamedTypeSymbol)context.Symbol, context.Compilation, context.CancellationToken) is not { } declaration)
            return;
        foreach (Problem problem in cache.Problems(declaration, Check, () => Problems(declaration, context.CancellationToken)))
            if (problem.Rule == _rule)
                context.ReportDiagnostic(problem.ToDiagnostic());
    }
}
