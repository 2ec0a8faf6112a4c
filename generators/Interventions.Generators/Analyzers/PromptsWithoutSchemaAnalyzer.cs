using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV012: the prompt set declares no names.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class PromptsWithoutSchemaAnalyzer() : InterventionAnalyzer(Rules.PromptsWithoutSchema, Problems)
{
    private static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        if (declaration.Prompts is null)
            yield return new Problem(Rules.PromptsWithoutSchema, declaration.TypeArgument(1, cancellation), KnownNames.DefaultPrompts);
        else if (declaration.Prompts.TypeKind != TypeKind.Error && declaration.Prompts.Attribute(KnownNames.PromptSchema) is null)
            yield return new Problem(Rules.PromptsWithoutSchema, declaration.TypeArgument(1, cancellation), declaration.Prompts.Name);
    }
}
