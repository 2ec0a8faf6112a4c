using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators;

/// <summary>Adds a fingerprint, a vocabulary, factories and the base of results to <c>[PromptSchema]</c> classes.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class PromptSchemaGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<PromptSchemaModel?> schemas = context.SyntaxProvider
            .ForAttributeWithMetadataName(KnownNames.PromptSchema, static (node, _) => node is TypeDeclarationSyntax, PromptSchemaParser.Parse)
            .WithTrackingName(TrackingNames.PromptSchemas);

        context.RegisterSourceOutput(schemas, static (output, model) =>
        {
            if (model is not null)
                output.AddSource(model.Type.HintName, PromptSchemaEmitter.Emit(model));
        });
    }
}
