using System.Runtime.CompilerServices;
using Interventions.Generators.Infrastructure;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>Reads a model's names from the attributes of its type, in source or in a referenced assembly.</summary>
internal static class SchemaReader
{
    /// <summary>A symbol's attributes never change, so the schema is kept as long as the symbol.</summary>
    private static readonly ConditionalWeakTable<ITypeSymbol, ModelSchema> s_schemas = new();

    /// <summary>
    /// The names of a <c>[ModelSchema]</c> type, base types first. A site or axis that a derived type declares again stays in its place.
    /// </summary>
    public static ModelSchema Read(INamedTypeSymbol type) => Read(type, type.BaseTypes());

    /// <summary>The names that a type would have on that base.</summary>
    public static ModelSchema ReadOn(INamedTypeSymbol baseType, INamedTypeSymbol type) =>
        Read(type, baseType.BaseTypes().Prepend(baseType));

    private static ModelSchema Read(INamedTypeSymbol type, IEnumerable<INamedTypeSymbol> baseTypes)
    {
        var axes = new List<AxisSize>();
        var sites = new List<SiteDefinition>();
        var absent = new List<AbsentSite>();
        foreach (INamedTypeSymbol declaring in baseTypes.Reverse().Append(type))
        {
            bool hasSites = false;
            foreach (AttributeData attribute in declaring.GetAttributes())
            {
                if (attribute.Is(KnownNames.Axis))
                {
                    Put(axes, new AxisSize(attribute.Text(0), Size(attribute)), axis => axis.Axis);
                }
                else if (attribute.Is(KnownNames.Site))
                {
                    hasSites = true;
                    Put(sites, Site(attribute), site => site.Path);
                }
                else if (attribute.Is(KnownNames.AbsentSite))
                {
                    Put(absent, new AbsentSite(attribute.Text(0), attribute.Text(1)), site => site.Path);
                }
            }
            // A generator does not see the attributes that another generator adds to a family's class.
            if (!hasSites && FamilySchema(declaring) is { } family)
            {
                foreach (SiteDefinition site in family.Sites)
                    Put(sites, site, known => known.Path);
                foreach (AbsentSite site in family.Absent)
                    Put(absent, site, known => known.Path);
            }
        }
        return new ModelSchema(type.Name, axes.ToEquatableArray(), sites.ToEquatableArray()) { Absent = absent.ToEquatableArray() };
    }

    /// <summary>The sites of the family whose model class a type is, without sizes; null for any other type.</summary>
    public static ModelSchema? FamilySchema(INamedTypeSymbol type)
    {
        if (type.Attribute(KnownNames.FamilySites) is null)
            return null;
        foreach ((string name, DecoderConfig usual) in DecoderFamily.All.SelectMany(family => family.Classes))
            if (type.Is(name))
                return DecoderSchema.Of(usual, type.Name) with { Axes = default };
        return null;
    }

    /// <summary>The first site that stands at another part of the type than the first one; null when all stand at one part.</summary>
    public static AttributeData? SiteOfAnotherPart(INamedTypeSymbol type)
    {
        if (type.DeclaringSyntaxReferences.Length < 2)
            return null;
        List<AttributeData> sites = type.GetAttributes().Where(site => site.Is(KnownNames.Site)).ToList();
        return sites.Find(site => Part(site) != Part(sites[0]));
    }

    private static SyntaxNode? Part(AttributeData attribute) => attribute.ApplicationSyntaxReference?.GetSyntax().Parent?.Parent;

    /// <summary>The type's names, or null when it declares none.</summary>
    public static ModelSchema? TryRead(ITypeSymbol type) =>
        type is INamedTypeSymbol named && named.Attribute(KnownNames.ModelSchema) is not null ? Once(named) : null;

    /// <summary>
    /// The names that a declaration's paths are compared with; null when its model has none. Where the model is a type parameter, they are
    /// those of its constraint: the sites, and the axes with known lengths.
    /// </summary>
    public static ModelSchema? Of(DeclaredSubject subject) =>
        subject.ModelParameter is null ? TryRead(subject.Model) :
        Once(subject.Model) is { Sites.Count: > 0 } sites ? sites :
        null;

    /// <summary>Every declaration needs the names of its model, so each type is read once.</summary>
    private static ModelSchema Once(INamedTypeSymbol type) => s_schemas.GetValue(type, static key => Read((INamedTypeSymbol)key));

    /// <summary>Whether the type declares its names: by attributes or, before the generator has added those, by a configuration.</summary>
    public static bool IsDeclared(INamedTypeSymbol type) =>
        type.Attribute(KnownNames.ModelSchema) is not null || type.Attribute(KnownNames.HookedModel) is not null;

    private static int Size(AttributeData attribute) =>
        attribute.ConstructorArguments.Length > 1 && attribute.ConstructorArguments[1].Value is int size ? size : 0;

    private static SiteDefinition Site(AttributeData attribute) => new(attribute.Text(0), Axes(attribute))
    {
        SameStep = attribute.Named("SameStep", false),
        Beside = attribute.Named("Beside", false),
        WholeNumbers = attribute.Named("WholeNumbers", false),
    };

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
