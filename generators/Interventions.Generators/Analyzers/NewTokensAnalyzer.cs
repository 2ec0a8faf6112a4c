using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV240: new tokens that cannot be what is selected, or that lack what is read.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NewTokensAnalyzer() : InterventionAnalyzer(Rules.NewTokens)
{
    private protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        NewTokenCheck.Problems(declaration, cancellation);
}
