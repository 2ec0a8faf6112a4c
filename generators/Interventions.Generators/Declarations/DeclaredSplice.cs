using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>A declared splice. Its inner sites are names like the model's own.</summary>
/// <param name="Write">Its attribute and property.</param>
/// <param name="Include">The declaration's property through which it is included; null for an own splice.</param>
/// <param name="Names">Its names.</param>
internal sealed record DeclaredSplice(DeclaredWrite Write, IPropertySymbol? Include, SpliceNames Names)
{
    private const string List = "System.Collections.Generic.IReadOnlyList`1";

    /// <summary>The splices of a declaration, those of included interventions first.</summary>
    public static IReadOnlyList<DeclaredSplice> All(InterventionDeclaration declaration)
    {
        var splices = new List<DeclaredSplice>();
        Collect(declaration, null, splices, []);
        return splices;
    }

    /// <summary>
    /// Whether a property holds one encoder–decoder, or a list of them. A type that is both would not say which of the two is meant.
    /// </summary>
    public static bool IsHeldBy(IPropertySymbol property) => property.HasValue() && IsOne(property.Type) != IsList(property.Type);

    private static void Collect(
        InterventionDeclaration declaration, IPropertySymbol? through, List<DeclaredSplice> splices, HashSet<ISymbol> seen)
    {
        if (!seen.Add(declaration.Type.OriginalDefinition))
            return;
        foreach (DeclaredProperty include in declaration.Includes)
            if (declaration.Included(include) is { } included)
                Collect(included, through ?? include.Symbol, splices, seen);
        seen.Remove(declaration.Type.OriginalDefinition);
        foreach (DeclaredWrite write in declaration.Writes)
            if (write.Kind == WriteKind.Splice)
                splices.Add(new DeclaredSplice(write, through, NamesOf(write)));
    }

    private static SpliceNames NamesOf(DeclaredWrite write)
    {
        int features = write.Attribute.Named("Features", 0);
        return new(write.Property!.Name, write.Site.Value, write.Encoded?.Value, features == 0 ? null : features);
    }

    private static bool IsOne(ITypeSymbol type) => Interfaces(type).Any(known => known.Is(KnownNames.SpliceType));

    /// <summary>Whether a type is a list of encoder–decoders. A list of structs is no list of interfaces.</summary>
    private static bool IsList(ITypeSymbol type) => type is IArrayTypeSymbol { Rank: 1, ElementType: { IsReferenceType: true } element }
        ? IsOne(element)
        : Interfaces(type).OfType<INamedTypeSymbol>()
            .Any(known => known.Is(List) && known.TypeArguments[0] is { IsReferenceType: true } item && IsOne(item));

    private static IEnumerable<ITypeSymbol> Interfaces(ITypeSymbol type) => type is ITypeParameterSymbol parameter
        ? parameter.ConstraintTypes.SelectMany(Interfaces)
        : type.AllInterfaces.Prepend(type);
}
