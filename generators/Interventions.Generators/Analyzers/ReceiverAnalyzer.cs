using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV212: a receiver that the sender cannot reach.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ReceiverAnalyzer() : InterventionAnalyzer(Rules.Receiver)
{
    private protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        CausalityCheck.Problems(declaration, cancellation);
}
