using System.Collections.Immutable;
using Interventions.Generators.Configs;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>The base of analyzers that compare a <c>[HookedModel]</c> class with the files that it names, and report at the attribute.</summary>
public abstract class HookedModelAnalyzer : DiagnosticAnalyzer
{
    private readonly DiagnosticDescriptor _rule;

    private protected HookedModelAnalyzer(DiagnosticDescriptor rule) => _rule = rule;

    /// <inheritdoc/>
    public sealed override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [_rule];

    /// <inheritdoc/>
    public sealed override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterSymbolAction(Analyze, SymbolKind.NamedType);
    }

    /// <summary>What is wrong; null if nothing.</summary>
    private protected abstract string? Message(INamedTypeSymbol type, string name, IReadOnlyList<ConfigModel> named);

    private void Analyze(SymbolAnalysisContext context)
    {
        if (context.Symbol.Attribute(KnownNames.HookedModel) is not { } attribute)
            return;
        var argument = TextLocation.Argument(attribute, 0, context.CancellationToken);
        List<ConfigModel> named = context.Options.AdditionalFiles
            .Where(file => ConfigParser.IsCandidate(file) && ConfigPath.IsNamed(file.Path, argument.Text))
            .Select(file => ConfigParser.Parse(file, context.CancellationToken)).ToList();
        if (Message((INamedTypeSymbol)context.Symbol, argument.Text, named) is { } message)
            context.ReportDiagnostic(Diagnostic.Create(_rule, argument.At(0, argument.Text.Length), message));
    }
}
