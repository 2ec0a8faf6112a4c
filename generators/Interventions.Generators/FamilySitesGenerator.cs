using Interventions.Generators.Declarations;
using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators;

/// <summary>Adds its family's sites to a <c>[FamilySites]</c> class: the library's own, from which users' models derive.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class FamilySitesGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context) => context.Write(
        context.Classes(KnownNames.FamilySites, TrackingNames.FamilySites, ModelSchemaParser.ParseFamily), spec => spec.Type.HintName,
        ModelSchemaEmitter.Emit);
}
