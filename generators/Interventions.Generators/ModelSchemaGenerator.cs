using Interventions.Generators.Declarations;
using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators;

/// <summary>Adds a fingerprint, a schema and <c>Load</c> to <c>[ModelSchema]</c> classes.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class ModelSchemaGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context) => context.Write(
        context.Classes(KnownNames.ModelSchema, TrackingNames.ModelSchemas, ModelSchemaParser.Parse), spec => spec.Type.HintName,
        ModelSchemaEmitter.Emit);
}
