using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>A property with <c>[Include]</c> or <c>[Parameter]</c>.</summary>
/// <param name="Symbol">The property.</param>
/// <param name="Attribute">The attribute.</param>
/// <param name="IsInclude">Whether the attribute is <c>[Include]</c>.</param>
internal sealed record DeclaredProperty(IPropertySymbol Symbol, AttributeData Attribute, bool IsInclude)
{
    /// <summary>The name.</summary>
    public string Name => Symbol.Name;

    /// <summary>Where the name stands.</summary>
    public Location Location => Symbol.Locations[0];

    /// <summary>The explicit order of an included intervention's writes; see <see cref="InterventionDeclaration.Steps"/>.</summary>
    public int Order => Attribute.Named("Order", 0);

    /// <summary>Reads a property.</summary>
    public static IEnumerable<DeclaredProperty> Read(IPropertySymbol property)
    {
        if (property.Attribute(KnownNames.Include) is { } include)
            yield return new DeclaredProperty(property, include, IsInclude: true);
        if (property.Attribute(KnownNames.Parameter) is { } parameter)
            yield return new DeclaredProperty(property, parameter, IsInclude: false);
    }
}

/// <summary>Looks into included interventions. A circle of includes, which is an error of its own, ends where it meets itself.</summary>
internal static class Includes
{
    /// <summary>Why an intervention cannot be included.</summary>
    public static IncludeFault Fault(InterventionDeclaration declaration, DeclaredProperty include)
    {
        if (declaration.Included(include) is not { } included)
            return IncludeFault.NoIntervention;
        return
            include.Symbol.GetMethod is null || include.Symbol.IsIndexer ? IncludeFault.NoValue :
            !declaration.Model.SelfAndBaseTypes().Any(model => model.IsSame(included.Model)) ? IncludeFault.OtherModel :
            !declaration.Prompts.IsSame(included.Prompts) ? IncludeFault.OtherPrompts :
            Reaches(included, declaration.Type, []) ? IncludeFault.Circle :
            IncludeFault.None;
    }

    /// <summary>
    /// The names of the trained values of included interventions in the outer graph, in textual order: <c>Inner.Direction</c>.
    /// </summary>
    public static IEnumerable<string> Parameters(InterventionDeclaration declaration) => Parameters(declaration, []);

    /// <summary>The lists that placeholders go through, own ones first.</summary>
    public static IEnumerable<DeclaredSweep> Lists(InterventionDeclaration declaration) => Lists(declaration, []);

    private static IEnumerable<DeclaredSweep> Lists(InterventionDeclaration declaration, HashSet<ISymbol> seen)
    {
        if (!seen.Add(declaration.Type.OriginalDefinition))
            return [];
        return declaration.Sweeps.Concat(declaration.Includes.Select(declaration.Included).OfType<InterventionDeclaration>()
            .SelectMany(included => Lists(included, seen)));
    }

    private static IEnumerable<string> Parameters(InterventionDeclaration declaration, HashSet<ISymbol> seen)
    {
        if (!seen.Add(declaration.Type.OriginalDefinition))
            yield break;
        foreach (DeclaredProperty include in declaration.Includes)
            if (declaration.Included(include) is { } included)
                foreach (string parameter in included.Parameters.Select(own => own.Name).Concat(Parameters(included, seen)))
                    yield return $"{include.Name}.{parameter}";
        seen.Remove(declaration.Type.OriginalDefinition);
    }

    private static bool Reaches(InterventionDeclaration from, INamedTypeSymbol target, HashSet<ISymbol> seen) =>
        from.Type.OriginalDefinition.IsSame(target.OriginalDefinition)
        || (seen.Add(from.Type.OriginalDefinition)
            && from.Includes.Any(include => from.Included(include) is { } next && Reaches(next, target, seen)));
}

/// <summary>Why an intervention cannot be included; the first reason counts.</summary>
internal enum IncludeFault
{
    /// <summary>It can.</summary>
    None,

    /// <summary>The property's type is no intervention.</summary>
    NoIntervention,

    /// <summary>The property has no value to read.</summary>
    NoValue,

    /// <summary>It intervenes on another model.</summary>
    OtherModel,

    /// <summary>It is about other prompts.</summary>
    OtherPrompts,

    /// <summary>It includes the declaration that includes it.</summary>
    Circle,
}
