using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV109: a declared method in a class that is no intervention would silently never run.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class OutsideInterventionAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.OutsideIntervention];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSymbolAction(Analyze, SymbolKind.Method);
    }

    private static void Analyze(SymbolAnalysisContext context)
    {
        var method = (IMethodSymbol)context.Symbol;
        INamedTypeSymbol type = method.ContainingType;
        if (DeclaredMethod.Read(method) is not null
            && type.Attribute(KnownNames.InterventionOverModel) is null && type.Attribute(KnownNames.InterventionOverModelAndPrompts) is null)
            context.ReportDiagnostic(Diagnostic.Create(Rules.OutsideIntervention, method.Locations[0], method.Name, type.Name));
    }
}
