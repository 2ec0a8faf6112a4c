using Interventions.Generators.Declarations;
using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators;

/// <summary>Adds the graph, <c>Run</c> and the result types to <c>[Intervention]</c> classes.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class InterventionGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        Register(KnownNames.InterventionOverModel, TrackingNames.Interventions);
        Register(KnownNames.InterventionOverModelAndPrompts, TrackingNames.InterventionsOverPrompts);
        Register(KnownNames.Intervention, TrackingNames.GenericInterventions);

        void Register(string attribute, string trackingName) => context.Write(
            context.Classes(attribute, trackingName, InterventionParser.Parse), spec => spec.Type.HintName, InterventionEmitter.Emit);
    }
}
