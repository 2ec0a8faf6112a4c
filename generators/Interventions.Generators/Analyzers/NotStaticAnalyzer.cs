using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV110: an intervention is a value, and the generator's file must see its class.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NotStaticAnalyzer() : InterventionAnalyzer(Rules.NotStatic, Problems)
{
    private static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        if (declaration.Type.IsStatic || declaration.Type.IsFileLocal)
            yield return new Problem(
                Rules.NotStatic, declaration.Type.Locations[0], declaration.Type.Name, declaration.Type.IsStatic ? "static" : "file-local");
    }
}
