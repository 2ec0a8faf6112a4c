using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators;

/// <summary>Adds a fingerprint, a schema and <c>Load</c> to <c>[ModelSchema]</c> classes.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class ModelSchemaGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<ModelSchemaModel?> schemas = context.SyntaxProvider
            .ForAttributeWithMetadataName(KnownNames.ModelSchema, static (node, _) => node is TypeDeclarationSyntax, ModelSchemaParser.Parse)
            .WithTrackingName(TrackingNames.ModelSchemas);

        context.RegisterSourceOutput(schemas, static (output, model) =>
        {
            if (model is not null)
                output.AddSource(model.Type.HintName, ModelSchemaEmitter.Emit(model));
        });
    }
}
