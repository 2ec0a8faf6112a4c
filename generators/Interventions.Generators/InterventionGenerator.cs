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
    }

    private static void Register(IncrementalGeneratorInitializationContext context, string attribute, string trackingName)
    {
        IncrementalValuesProvider<InterventionModel> interventions = context.SyntaxProvider
            .ForAttributeWithMetadataName(attribute, static (node, _) => node is TypeDeclarationSyntax, InterventionParser.Parse)
            .Where(static model => model is not null)
            .Select(static (model, _) => model!)
            .WithTrackingName(trackingName);

        context.RegisterSourceOutput(interventions, static (output, model) => output.AddSource(model.Type.HintName, InterventionEmitter.Emit(model)));
    }
}
