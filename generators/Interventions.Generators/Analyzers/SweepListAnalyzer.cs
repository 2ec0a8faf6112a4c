using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV231: a sweep without values, or without a use.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SweepListAnalyzer() : InterventionAnalyzer(Rules.SweepList)
{
    private protected override Type Check => typeof(SweepCheck);

    private protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        SweepCheck.Problems(declaration, cancellation);
}
