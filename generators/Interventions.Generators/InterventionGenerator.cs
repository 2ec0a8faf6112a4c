using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators;

/// <summary>Adds the graph, <c>Run</c> and the result types to <c>[Intervention]</c> classes.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class InterventionGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        Register(context, KnownNames.InterventionOverModel, TrackingNames.Interventions);
        Register(context, KnownNames.InterventionOverModelAndPrompts, TrackingNames.InterventionsOverPrompts);
        Register(context, KnownNames.Intervention, TrackingNames.GenericInterventions);
    }

    private static void Register(IncrementalGeneratorInitializationContext context, string attribute, string trackingName)
    {
        IncrementalValuesProvider<InterventionModel?> interventions = context.SyntaxProvider
            .ForAttributeWithMetadataName(attribute, static (node, _) => node is TypeDeclarationSyntax, InterventionParser.Parse)
            .WithTrackingName(trackingName);

        context.RegisterSourceOutput(interventions, static (output, model) =>
        {
            if (model is not null)
                output.AddSource(model.Type.HintName, InterventionEmitter.Emit(model));
        });
    }
}
