using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Models.Families;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>Turns a <c>[ModelSchema]</c> or a <c>[HookedModel]</c> class into its spec.</summary>
internal static class ModelSchemaParser
{
    /// <summary>The spec of a <c>[ModelSchema]</c> class; null where nothing can be added to it.</summary>
    public static ModelSchemaSpec? Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        if (context.TargetSymbol is not INamedTypeSymbol type || !type.IsPartial()
            || !context.IsOnce(type.Attribute(KnownNames.ModelSchema)))
            return null;
        cancellation.ThrowIfCancellationRequested();
        return new ModelSchemaSpec(
            TypeParser.Parse(type), SchemaReader.Read(type), IsDecoder(type, type.BaseTypes()), HasSites(type, type.BaseTypes()),
            HubId(type));
    }

    /// <summary>A <c>[HookedModel]</c> class; null where nothing can be added to it, or where its schema is written by hand.</summary>
    public static HookedModelDeclaration? ParseHooked(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        if (context.TargetSymbol is not INamedTypeSymbol type || !type.IsPartial()
            || !context.IsOnce(type.Attribute(KnownNames.HookedModel))
            || type.Attribute(KnownNames.ModelSchema) is not null)
            return null;
        cancellation.ThrowIfCancellationRequested();
        return new HookedModelDeclaration(
            TypeParser.Parse(type), context.Attributes[0].Text(0),
            type.GetAttributes().Where(attribute => attribute.Is(KnownNames.Axis)).Select(axis => axis.Text(0)).ToEquatableArray(),
            Bases(type, context.SemanticModel.Compilation).ToEquatableArray(), HubId(type));
    }

    /// <summary>A <c>[FamilySites]</c> class of the library, from which users' models derive; null where it is of no family.</summary>
    public static FamilySitesSpec? ParseFamily(GeneratorAttributeSyntaxContext context, CancellationToken cancellation) =>
        context.TargetSymbol is INamedTypeSymbol type && type.IsPartial() && SchemaReader.FamilySchema(type) is { } schema
            ? new FamilySitesSpec(TypeParser.Parse(type), schema)
            : null;

    /// <summary>The family's class that a type derives from, by its full name; null when it derives from none.</summary>
    public static (string Class, DecoderFamily Family)? FamilyClass(INamedTypeSymbol type)
    {
        foreach (DecoderFamily family in DecoderFamily.All)
            foreach ((string name, _) in family.Classes)
                if (type.BaseTypes().Any(baseType => baseType.Is(name)))
                    return (name, family);
        return null;
    }

    /// <summary>Chooses the base of a <c>[HookedModel]</c> class by its configuration, and adds the configuration's sizes.</summary>
    public static HookedModelSpec Resolve(HookedModelDeclaration declaration, ConfigSpec? config)
    {
        HookedModelBase? chosen =
            declaration.Bases.FirstOrDefault(known => known.ModelClass.Length == 0 || known.ModelClass == config?.ModelClass);
        if (chosen is null || config is null or { Problem: not null })
        {
            HookedModelBase? any = declaration.Bases.FirstOrDefault();
            var unknown = new ModelSchema(declaration.Type.Name, default, default);
            return new HookedModelSpec(
                new ModelSchemaSpec(declaration.Type, unknown, any?.IsDecoder ?? false, true, declaration.HubId),
                any?.Written is null ? null : "global::" + KnownNames.DecoderModel, default, false);
        }
        List<AxisSize> axes = config.Axes.Where(axis => !declaration.OwnAxes.Contains(axis.Axis)).ToList();
        EquatableArray<AxisSize> all =
            chosen.Schema.Axes.Where(known => !axes.Exists(axis => axis.Axis == known.Axis)).Concat(axes).ToEquatableArray();
        return new HookedModelSpec(
            new ModelSchemaSpec(declaration.Type, chosen.Schema with { Axes = all }, chosen.IsDecoder, chosen.HasSites, declaration.HubId),
            chosen.Written, axes.ToEquatableArray(), true);
    }

    private static IEnumerable<HookedModelBase> Bases(INamedTypeSymbol type, Compilation compilation)
    {
        if (type.BaseType is { SpecialType: not SpecialType.System_Object })
        {
            yield return new HookedModelBase(
                FamilyClass(type)?.Class ?? "", null, SchemaReader.Read(type), IsDecoder(type, type.BaseTypes()),
                HasSites(type, type.BaseTypes()));
            yield break;
        }
        foreach ((string name, _) in DecoderFamily.All.SelectMany(family => family.Classes))
            if (compilation.GetTypeByMetadataName(name) is { } baseType)
                yield return new HookedModelBase(
                    name, baseType.Qualified(), SchemaReader.ReadOn(baseType, type), IsDecoder(type, baseType.BaseTypes()),
                    HasSites(type, baseType.BaseTypes().Prepend(baseType)));
    }

    /// <summary>Whether a type with those bases gets the members of a decoder.</summary>
    private static bool IsDecoder(INamedTypeSymbol type, IEnumerable<INamedTypeSymbol> baseTypes) =>
        !type.IsAbstract && baseTypes.Any(baseType => baseType.Is(KnownNames.DecoderModel));

    /// <summary>
    /// Whether a type with those bases needs no constants of its own: it has a member of their name, or its sites are those of its family,
    /// whose class has them.
    /// </summary>
    private static bool HasSites(INamedTypeSymbol type, IEnumerable<INamedTypeSymbol> baseTypes)
    {
        if (!type.GetMembers(SiteNames.Class).IsEmpty)
            return true;
        foreach (INamedTypeSymbol declaring in baseTypes.Prepend(type))
        {
            if (declaring.Attribute(KnownNames.FamilySites) is not null)
                return true;
            if (declaring.Attribute(KnownNames.Site) is not null)
                return false;
        }
        return false;
    }

    private static string? HubId(INamedTypeSymbol type) => type.Attribute(KnownNames.HubId)?.Text(0);
}
