using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV209: runs that wait for each other.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class RunCycleAnalyzer() : InterventionAnalyzer(Rules.RunCycle)
{
    private protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        RunCheck.Problems(declaration, cancellation);
}
