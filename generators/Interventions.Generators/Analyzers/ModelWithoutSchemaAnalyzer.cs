using Interventions.Generators.Diagnostics;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Analyzers;

/// <summary>INV011: the model type declares no sites.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ModelWithoutSchemaAnalyzer() : InterventionAnalyzer(Rules.ModelWithoutSchema, Problems)
{
    private static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        if (declaration.ModelParameter is null && declaration.Model.TypeKind != TypeKind.Error && !SchemaReader.IsDeclared(declaration.Model))
            yield return new Problem(Rules.ModelWithoutSchema, declaration.TypeArgument(0, cancellation), declaration.Model.Name);
    }
}
