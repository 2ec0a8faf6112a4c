using Interventions.Generators.Emission;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators;

/// <summary>Adds its family's sites to a <c>[FamilySites]</c> class: the library's own, from which users' models derive.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class FamilySitesGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context) => context.Write(
        context.Classes(KnownNames.FamilySites, TrackingNames.FamilySites, Parse), model => model.Type.HintName, FamilySitesEmitter.Emit);

    private static FamilySitesModel? Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation) =>
        context.TargetSymbol is INamedTypeSymbol type && type.IsPartial(cancellation) && SchemaReader.FamilySites(type) is { } sites
            ? new FamilySitesModel(TypeModelParser.Parse(type), sites)
            : null;
}
