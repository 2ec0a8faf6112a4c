using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV201: two results of one name.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class DuplicateResultAnalyzer() : InterventionAnalyzer(Rules.DuplicateResult, Problems)
{
    private static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        var names = new HashSet<string>();
        foreach (DeclaredMethod method in declaration.Methods)
            if (method.Kind != NodeKind.Patch && !names.Add(method.Symbol.Name))
                yield return new Problem(Rules.DuplicateResult, method.Symbol.Locations[0], method.Symbol.Name);
        foreach (DeclaredMethod method in declaration.Methods)
            if (method.Kind is NodeKind.Capture or NodeKind.Gradient && RaggedPath.MayBe(method.Site) && !names.Add(method.Symbol.Name + "Mask"))
                yield return new Problem(Rules.DuplicateResult, method.Symbol.Locations[0], method.Symbol.Name + "Mask");
        foreach (DeclaredProperty parameter in declaration.Parameters)
            if (!names.Add(parameter.Symbol.Name + "Gradient"))
                yield return new Problem(Rules.DuplicateResult, parameter.Symbol.Locations[0], parameter.Symbol.Name + "Gradient");
        foreach (string parameter in IncludedParameters.Of(declaration, cancellation))
            if (!names.Add(ResultNames.Gradient(parameter)))
                yield return new Problem(
                    Rules.DuplicateResult, declaration.Includes.First(include => parameter.StartsWith(include.Symbol.Name + ".", StringComparison.Ordinal)).Symbol.Locations[0],
                    ResultNames.Gradient(parameter));
    }
}
