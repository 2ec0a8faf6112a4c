using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Schema;
using Interventions.Models.Families;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>Reads a <c>[HookedModel]</c> class. Its configuration comes later: it changes without the class.</summary>
internal static class HookedModelParser
{
    /// <summary>What it declares; null where nothing can be added to it, or where its schema is written by hand.</summary>
    public static HookedModelDeclaration? Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        if (context.TargetSymbol is not INamedTypeSymbol type || !type.IsPartial(cancellation) || !context.IsOnce(type.Attribute(KnownNames.HookedModel))
            || type.Attribute(KnownNames.ModelSchema) is not null)
            return null;
        cancellation.ThrowIfCancellationRequested();
        return new HookedModelDeclaration(
            TypeModelParser.Parse(type), context.Attributes[0].Text(0),
            type.GetAttributes().Where(attribute => attribute.AttributeClass?.Is(KnownNames.Axis) == true).Select(axis => axis.Text(0)).ToEquatableArray(),
            Bases(type, context.SemanticModel.Compilation).ToEquatableArray(), !type.GetMembers(SiteNames.Class).IsEmpty);
    }

    /// <summary>Chooses the base by the configuration, and adds its sizes.</summary>
    public static HookedModelModel Resolve(HookedModelDeclaration declaration, ConfigModel? config)
    {
        HookedModelBase? on = declaration.Bases.FirstOrDefault(known => known.ModelType.Length == 0 || known.ModelType == config?.ModelType);
        if (on is null || config is null or { Problem: not null })
        {
            HookedModelBase? any = declaration.Bases.FirstOrDefault();
            bool isDecoder = any?.IsDecoder ?? false;
            return new HookedModelModel(
                new ModelSchemaModel(declaration.Type, new ModelSchema(declaration.Type.Name, default, default), isDecoder, true),
                any?.Written is null ? null : "global::" + KnownNames.DecoderModel, default, false);
        }
        List<AxisSize> axes = config.Axes.Where(axis => !declaration.OwnAxes.Contains(axis.Axis)).ToList();
        EquatableArray<AxisSize> all = on.Schema.Axes.Where(known => !axes.Exists(axis => axis.Axis == known.Axis)).Concat(axes).ToEquatableArray();
        return new HookedModelModel(
            new ModelSchemaModel(declaration.Type, on.Schema with { Axes = all }, on.IsDecoder, declaration.HasSites), on.Written,
            axes.ToEquatableArray(), true);
    }

    private static IEnumerable<HookedModelBase> Bases(INamedTypeSymbol type, Compilation compilation)
    {
        if (type.BaseType is { SpecialType: not SpecialType.System_Object })
        {
            DecoderFamily? family = DecoderFamily.All.FirstOrDefault(family => type.BaseTypes().Any(baseType => baseType.Is(family.ModelClass)));
            yield return new HookedModelBase(
                family?.ModelType ?? "", null, SchemaReader.Read(type), ModelSchemaParser.IsDecoder(type, type.BaseTypes()));
            yield break;
        }
        foreach (DecoderFamily family in DecoderFamily.All)
            if (compilation.GetTypeByMetadataName(family.ModelClass) is { } baseType)
                yield return new HookedModelBase(
                    family.ModelType, baseType.Qualified(), SchemaReader.ReadOn(baseType, type),
                    ModelSchemaParser.IsDecoder(type, baseType.BaseTypes()));
    }
}
