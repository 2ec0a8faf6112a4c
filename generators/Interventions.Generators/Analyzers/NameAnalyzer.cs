using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Analyzers;

/// <summary>The base of analyzers that compare names with schemas.</summary>
public abstract class NameAnalyzer : InterventionAnalyzer
{
    private protected NameAnalyzer(DiagnosticDescriptor rule)
        : base(rule)
    {
    }

    private protected sealed override Type Check => typeof(NameCheck);

    private protected sealed override IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        NameCheck.Problems(declaration, cancellation);
}
