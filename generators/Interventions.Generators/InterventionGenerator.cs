using Interventions.Generators.Declarations;
using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators;

/// <summary>Adds the graph, <c>Run</c> and the result types to <c>[Intervention]</c> classes and those that derive from them.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class InterventionGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        Register(KnownNames.InterventionOverModel, TrackingNames.Interventions);
        Register(KnownNames.InterventionOverModelAndPrompts, TrackingNames.InterventionsOverPrompts);
        Register(KnownNames.Intervention, TrackingNames.GenericInterventions);
        Write(context.SyntaxProvider
            .CreateSyntaxProvider(static (node, _) => InterventionParser.IsDerived(node), InterventionParser.ParseDerived)
            .WithTrackingName(TrackingNames.DerivedInterventions).Where(static spec => spec is not null));

        void Register(string attribute, string trackingName) =>
            Write(context.Classes(attribute, trackingName, InterventionParser.Parse));

        void Write(IncrementalValuesProvider<InterventionSpec?> specs) =>
            context.Write(specs, spec => spec.Type.HintName, InterventionEmitter.Emit);
    }
}
