using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV205: a member called like one that the generator adds.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ReservedNameAnalyzer() : InterventionAnalyzer(Rules.ReservedName, Problems)
{
    private static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (ISymbol member in ReservedNames.Collisions(declaration))
            yield return new Problem(Rules.ReservedName, member.Locations[0], member.Name, declaration.Type.Name);
    }
}
