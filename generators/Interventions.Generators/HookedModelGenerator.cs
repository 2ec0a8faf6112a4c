using System.Collections.Immutable;
using Interventions.Generators.Configs;
using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators;

/// <summary>Adds a schema to <c>[HookedModel]</c> classes: the sizes that a <c>config.json</c> says.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class HookedModelGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValueProvider<ImmutableArray<ConfigModel>> configs = context.AdditionalTextsProvider
            .Where(ConfigParser.IsCandidate)
            .Select(ConfigParser.Parse)
            .WithTrackingName(TrackingNames.Configs)
            .Collect();

        // What a file says reaches only the model that names it; the other models' values stay equal, and nothing of them is written again.
        IncrementalValuesProvider<HookedModelModel?> models = context.Classes(KnownNames.HookedModel, TrackingNames.HookedModelDeclarations, HookedModelParser.Parse)
            .Combine(configs)
            .Select(static (pair, _) => pair.Left is { } declaration ? HookedModelParser.Resolve(declaration, ConfigPath.Named(declaration.Config, pair.Right)) : null)
            .WithTrackingName(TrackingNames.HookedModels);

        context.Write(models, model => model.Model.Type.HintName, HookedModelEmitter.Emit);
    }
}
