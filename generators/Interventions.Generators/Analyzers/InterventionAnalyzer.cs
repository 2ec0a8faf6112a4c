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
    private readonly Check _check;

    /// <param name="rule">What is reported.</param>
    /// <param name="check">What finds it, and problems of other rules, which are left to their own analyzers. It is asked once, whoever asks.</param>
    private protected InterventionAnalyzer(DiagnosticDescriptor rule, Check check) => (_rule, _check) = (rule, check);

    /// <inheritdoc/>
    public sealed override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [_rule];

    /// <inheritdoc/>
    public sealed override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSymbolAction(Analyze, SymbolKind.NamedType);
    }

    private void Analyze(SymbolAnalysisContext context)
    {
        if (InterventionDeclaration.Of((INamedTypeSymbol)context.Symbol, context.Compilation, context.CancellationToken) is not { } declaration)
            return;
        foreach (Problem problem in declaration.Problems(_check, context.CancellationToken))
            if (problem.Rule == _rule)
                context.ReportDiagnostic(problem.ToDiagnostic());
    }
}
