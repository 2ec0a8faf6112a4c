using Interventions.Runtime;

namespace Interventions.Generators.Model;

/// <summary>A <c>[FamilySites]</c> class.</summary>
/// <param name="Type">The class.</param>
/// <param name="Sites">The sites of its family, in the order of computation.</param>
internal sealed record FamilySitesModel(TypeModel Type, EquatableArray<SiteDefinition> Sites);
