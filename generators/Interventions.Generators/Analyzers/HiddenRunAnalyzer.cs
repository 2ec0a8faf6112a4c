using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV224: what is kept is called like the property of a run, or like another member of every result.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class HiddenRunAnalyzer() : InterventionAnalyzer(Rules.HiddenRun, Problems)
{
    private static readonly string[] Members = ["Dispose", "Effects", "Equals", "GetHashCode", "GetType", "Prompts", "Save", "ToString", "Warnings"];

    private static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        PromptVocabulary? prompts = VocabularyReader.Of(declaration);
        IReadOnlyList<string> runs = prompts is null ? [] : PromptSchemaParser.RunProperties(prompts);
        foreach (DeclaredMethod method in declaration.Methods)
        {
            string name = method.Symbol.Name;
            int run = runs.ToList().IndexOf(name);
            if (method.Kind != NodeKind.Patch && (run >= 0 || Members.Contains(name)))
                yield return new Problem(
                    Rules.HiddenRun, method.Symbol.Locations[0], name, run >= 0 ? $"the values in run {Literals.Quote(prompts!.Runs[run])}" : name is "Effects" or "Warnings" ? "what its writes did" : name is "Prompts" ? "which prompts it is of" : $"{name}()");
        }
    }
}
