using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>The rule of spliced properties: each holds one encoder–decoder, or a list of them.</summary>
internal static class SplicedProperty
{
    private const string List = "System.Collections.Generic.IReadOnlyList`1";

    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration) =>
        declaration.Writes.Where(write => write.Kind == WriteKind.Splice).Select(write => write.Property!)
            .Distinct<IPropertySymbol>(SymbolEqualityComparer.Default)
            .Where(property => !IsSplice(property))
            .Select(property => new Problem(Rules.SpliceProperty, property.Locations[0], property.Name));

    /// <summary>A type that is both would leave open which is meant.</summary>
    private static bool IsSplice(IPropertySymbol property) =>
        property is { IsIndexer: false, GetMethod: not null, RefKind: RefKind.None } && IsOne(property.Type) != IsList(property.Type);

    private static bool IsOne(ITypeSymbol type) => Interfaces(type).Any(known => known.Is(KnownNames.SpliceType));

    /// <summary>A list of structs is no list of interfaces.</summary>
    private static bool IsList(ITypeSymbol type) =>
        type is IArrayTypeSymbol { Rank: 1, ElementType: { IsReferenceType: true } element }
            ? IsOne(element)
            : Interfaces(type).OfType<INamedTypeSymbol>().Any(known => known.Is(List) && known.TypeArguments[0] is { IsReferenceType: true } item && IsOne(item));

    private static IEnumerable<ITypeSymbol> Interfaces(ITypeSymbol type) => type is ITypeParameterSymbol parameter
        ? parameter.ConstraintTypes.SelectMany(Interfaces)
        : type.AllInterfaces.Prepend(type);
}
