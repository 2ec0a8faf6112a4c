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
        return new ModelSchemaSpec(TypeParser.Parse(type), SchemaReader.Read(type), IsDecoder(type, type.BaseTypes()), HasSites(type));
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
            Bases(type, context.SemanticModel.Compilation).ToEquatableArray(), HasSites(type));
    }

    /// <summary>A <c>[FamilySites]</c> class of the library, from which users' models derive; null where it is of no family.</summary>
    public static FamilySitesSpec? ParseFamily(GeneratorAttributeSyntaxContext context, CancellationToken cancellation) =>
        context.TargetSymbol is INamedTypeSymbol type && type.IsPartial() && SchemaReader.FamilySites(type) is { } sites
            ? new FamilySitesSpec(TypeParser.Parse(type), sites)
            : null;

    /// <summary>The family whose class a type derives from; null when it derives from none.</summary>
    public static DecoderFamily? Family(INamedTypeSymbol type) =>
        DecoderFamily.All.FirstOrDefault(family => type.BaseTypes().Any(baseType => baseType.Is(family.ModelClass)));

    /// <summary>Chooses the base of a <c>[HookedModel]</c> class by its configuration, and adds the configuration's sizes.</summary>
    public static HookedModelSpec Resolve(HookedModelDeclaration declaration, ConfigSpec? config)
    {
        HookedModelBase? chosen =
            declaration.Bases.FirstOrDefault(known => known.ModelType.Length == 0 || known.ModelType == config?.ModelType);
        if (chosen is null || config is null or { Problem: not null })
        {
            HookedModelBase? any = declaration.Bases.FirstOrDefault();
            var unknown = new ModelSchema(declaration.Type.Name, default, default);
            return new HookedModelSpec(
                new ModelSchemaSpec(declaration.Type, unknown, any?.IsDecoder ?? false, true),
                any?.Written is null ? null : "global::" + KnownNames.DecoderModel, default, false);
        }
        List<AxisSize> axes = config.Axes.Where(axis => !declaration.OwnAxes.Contains(axis.Axis)).ToList();
        EquatableArray<AxisSize> all =
            chosen.Schema.Axes.Where(known => !axes.Exists(axis => axis.Axis == known.Axis)).Concat(axes).ToEquatableArray();
        return new HookedModelSpec(
            new ModelSchemaSpec(declaration.Type, chosen.Schema with { Axes = all }, chosen.IsDecoder, declaration.HasSites),
            chosen.Written, axes.ToEquatableArray(), true);
    }

    private static IEnumerable<HookedModelBase> Bases(INamedTypeSymbol type, Compilation compilation)
    {
        if (type.BaseType is { SpecialType: not SpecialType.System_Object })
        {
            DecoderFamily? family = Family(type);
            yield return new HookedModelBase(family?.ModelType ?? "", null, SchemaReader.Read(type), IsDecoder(type, type.BaseTypes()));
            yield break;
        }
        foreach (DecoderFamily family in DecoderFamily.All)
            if (compilation.GetTypeByMetadataName(family.ModelClass) is { } baseType)
                yield return new HookedModelBase(
                    family.ModelType, baseType.Qualified(), SchemaReader.ReadOn(baseType, type), IsDecoder(type, baseType.BaseTypes()));
    }

    /// <summary>Whether a type with those bases gets the members of a decoder.</summary>
    private static bool IsDecoder(INamedTypeSymbol type, IEnumerable<INamedTypeSymbol> baseTypes) =>
        !type.IsAbstract && baseTypes.Any(baseType => baseType.Is(KnownNames.DecoderModel));

    private static bool HasSites(INamedTypeSymbol type) => !type.GetMembers(SiteNames.Class).IsEmpty;
}
