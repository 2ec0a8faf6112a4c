using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;

namespace Interventions.Generators.Emission;

/// <summary>Writes what <c>[FamilySites]</c> adds: an attribute a site, in the order of computation.</summary>
internal static class FamilySitesEmitter
{
    public static string Emit(FamilySitesModel model) =>
        TypeEmitter.Emit(model.Type, model.Sites.Select(Attribute), model.Type.Header, _ => { });

    private static string Attribute(SiteDefinition site) =>
        $"global::Interventions.Site({string.Join(", ", site.Axes.Prepend(site.Path).Select(Literals.Quote).Concat(Flags(site)))})";

    /// <summary>The flags of a site that are set, as assignments.</summary>
    public static IEnumerable<string> Flags(SiteDefinition site)
    {
        if (site.SameStep)
            yield return "SameStep = true";
        if (site.Beside)
            yield return "Beside = true";
    }
}
