using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Analyzers;

/// <summary>The base of analyzers of the signatures of declared methods.</summary>
public abstract class SignatureAnalyzer : InterventionAnalyzer
{
    private protected SignatureAnalyzer(DiagnosticDescriptor rule)
        : base(rule)
    {
    }

    private protected sealed override Type Check => typeof(SignatureCheck);

    private protected sealed override IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        SignatureCheck.Problems(declaration);
}
