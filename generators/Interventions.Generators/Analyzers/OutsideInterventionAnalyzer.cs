using System.Collections.Immutable;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV109: a declaration in a class that is no intervention would silently never run.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class OutsideInterventionAnalyzer : DiagnosticAnalyzer
{
    private static readonly string[] OfInterventions =
    [
        KnownNames.Zero, KnownNames.Scale, KnownNames.Freeze, KnownNames.Resample, KnownNames.Mean, KnownNames.PathPatch, KnownNames.Run, KnownNames.Changes,
        KnownNames.Add, KnownNames.ProjectOut, KnownNames.ProjectOnto, KnownNames.Include, KnownNames.Parameter, KnownNames.Splice, KnownNames.Mix, KnownNames.Sweep,
        KnownNames.Pointwise, KnownNames.AcrossBatch,
    ];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rules.OutsideIntervention];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSymbolAction(Analyze, SymbolKind.Method, SymbolKind.Property, SymbolKind.NamedType);
    }

    private static void Analyze(SymbolAnalysisContext context)
    {
        if ((context.Symbol as INamedTypeSymbol ?? context.Symbol.ContainingType) is not { } type
            || InterventionDeclaration.AttributeOf(type) is not null)
            return;
        if (context.Symbol is IMethodSymbol method && DeclaredMethod.Read(method) is not null)
            Report(method.Locations[0], method.Name);
        foreach (AttributeData attribute in context.Symbol.GetAttributes())
            if (attribute.AttributeClass is { } declaring && OfInterventions.Any(declaring.Is))
                Report(attribute.ApplicationSyntaxReference?.GetSyntax(context.CancellationToken).GetLocation() ?? type.Locations[0], attribute.ShortName());

        void Report(Location location, string what) =>
            context.ReportDiagnostic(Diagnostic.Create(Rules.OutsideIntervention, location, what, type.Name));
    }
}
