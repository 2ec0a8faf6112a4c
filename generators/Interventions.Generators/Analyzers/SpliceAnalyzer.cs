using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV230: a splice where none can stand.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SpliceAnalyzer() : InterventionAnalyzer(Rules.Splice)
{
    private protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        SpliceCheck.Problems(declaration, cancellation);
}
