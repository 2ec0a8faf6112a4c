using System.Collections.Immutable;
using Interventions.Generators.Configs;
using Interventions.Generators.Declarations;
using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators;

/// <summary>Adds a schema to <c>[HookedModel]</c> classes: the sizes that a <c>config.json</c> says.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class HookedModelGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValueProvider<ImmutableArray<ConfigSpec>> configs = context.AdditionalTextsProvider
            .Where(ConfigParser.IsCandidate)
            .Select(ConfigParser.Parse)
            .WithTrackingName(TrackingNames.Configs)
            .Collect();

        // Only the model that names a file depends on it: the specs of the others stay equal, and nothing of them is written again.
        IncrementalValuesProvider<HookedModelSpec?> models = context
            .Classes(KnownNames.HookedModel, TrackingNames.HookedModelDeclarations, ModelSchemaParser.ParseHooked)
            .Combine(configs)
            .Select(static (pair, _) => pair.Left is { } declaration
                ? ModelSchemaParser.Resolve(declaration, ConfigPath.Named(declaration.Config, pair.Right))
                : null)
            .WithTrackingName(TrackingNames.HookedModels);

        context.Write(models, spec => spec.Model.Type.HintName, ModelSchemaEmitter.Emit);
    }
}
