using System.Runtime.CompilerServices;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>Reads a model's names from the attributes of its type, in source or in a referenced assembly.</summary>
internal static class SchemaReader
{
    /// <summary>What a symbol declares never changes: it is kept as long as the symbol.</summary>
    private static readonly ConditionalWeakTable<ITypeSymbol, ModelSchema> s_schemas = new();

    /// <summary>The names of a <c>[ModelSchema]</c> type: base types first; a derived type's site or axis replaces its base's.</summary>
    public static ModelSchema Read(INamedTypeSymbol type) => Read(type, type.BaseTypes());

    /// <summary>The names that a type would have on that base.</summary>
    public static ModelSchema ReadOn(INamedTypeSymbol baseType, INamedTypeSymbol type) => Read(type, baseType.BaseTypes().Prepend(baseType));

    private static ModelSchema Read(INamedTypeSymbol type, IEnumerable<INamedTypeSymbol> baseTypes)
    {
        var axes = new List<AxisSize>();
        var sites = new List<SiteDefinition>();
        foreach (INamedTypeSymbol declaring in baseTypes.Reverse().Append(type))
        {
            foreach (AttributeData attribute in declaring.GetAttributes())
            {
                if (attribute.AttributeClass is not { } attributeType)
                    continue;
                if (attributeType.Is(KnownNames.Axis))
                    Put(axes, new AxisSize(attribute.Text(0), Size(attribute)), axis => axis.Axis);
                else if (attributeType.Is(KnownNames.Site))
                    Put(sites, new SiteDefinition(attribute.Text(0), Axes(attribute)), site => site.Path);
            }
        }
        return new ModelSchema(type.Name, axes.ToEquatableArray(), sites.ToEquatableArray());
    }

    /// <summary>The type's names, or null when it declares none.</summary>
    public static ModelSchema? TryRead(ITypeSymbol type) =>
        type is INamedTypeSymbol named && named.Attribute(KnownNames.ModelSchema) is not null ? Once(named) : null;

    /// <summary>
    /// What a declaration's paths are compared with, or null when there is nothing. While its model is a type parameter: the sites of the constraint, and the
    /// lengths of those axes only that say theirs.
    /// </summary>
    public static ModelSchema? Of(InterventionDeclaration declaration) =>
        declaration.ModelParameter is null ? TryRead(declaration.Model) :
        Once(declaration.Model) is { Sites.Count: > 0 } sites ? sites :
        null;

    /// <summary>Every check of every declaration asks; each type is read once.</summary>
    private static ModelSchema Once(INamedTypeSymbol type) => s_schemas.GetValue(type, static key => Read((INamedTypeSymbol)key));

    /// <summary>Whether the type says what names it has: itself, or (as the generator sees it) by a configuration.</summary>
    public static bool IsDeclared(INamedTypeSymbol type) =>
        type.Attribute(KnownNames.ModelSchema) is not null || type.Attribute(KnownNames.HookedModel) is not null;

    private static int Size(AttributeData attribute) =>
        attribute.ConstructorArguments.Length > 1 && attribute.ConstructorArguments[1].Value is int size ? size : 0;

    private static EquatableArray<string> Axes(AttributeData attribute) =>
        attribute.ConstructorArguments.Length > 1 ? attribute.ConstructorArguments[1].Texts().ToEquatableArray() : default;

    private static void Put<T>(List<T> items, T item, Func<T, string> key)
    {
        int known = items.FindIndex(other => key(other) == key(item));
        if (known < 0)
            items.Add(item);
        else
            items[known] = item;
    }
}
