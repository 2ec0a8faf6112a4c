using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Analyzers;

/// <summary>The base of analyzers of placeholders.</summary>
public abstract class PlaceholderAnalyzer : InterventionAnalyzer
{
    private protected PlaceholderAnalyzer(DiagnosticDescriptor rule)
        : base(rule)
    {
    }

    private protected sealed override Type Check => typeof(PlaceholderCheck);

    private protected sealed override IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        PlaceholderCheck.Problems(declaration, cancellation);
}
