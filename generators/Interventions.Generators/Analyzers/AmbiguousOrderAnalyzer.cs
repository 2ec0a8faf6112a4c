using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV222: two writes to one place of which the text does not say which comes first.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class AmbiguousOrderAnalyzer() : InterventionAnalyzer(Rules.AmbiguousOrder)
{
    private protected override Type Check => typeof(WriteOrderCheck);

    private protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        WriteOrderCheck.Problems(declaration, cancellation);
}
