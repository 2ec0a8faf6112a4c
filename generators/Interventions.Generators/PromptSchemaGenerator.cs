using Interventions.Generators.Declarations;
using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators;

/// <summary>Adds a fingerprint, a vocabulary, factories and the base of results to <c>[PromptSchema]</c> classes.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class PromptSchemaGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context) => context.Write(
        context.Classes(KnownNames.PromptSchema, TrackingNames.PromptSchemas, PromptSchemaParser.Parse), spec => spec.Type.HintName,
        PromptSchemaEmitter.Emit);
}
