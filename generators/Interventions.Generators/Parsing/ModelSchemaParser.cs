using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Schema;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>Reads a <c>[ModelSchema]</c> class.</summary>
internal static class ModelSchemaParser
{
    /// <summary>What it declares; null where nothing can be added to it.</summary>
    public static ModelSchemaModel? Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        if (context.TargetSymbol is not INamedTypeSymbol type || !type.IsPartial(cancellation) || !context.IsOnce(type.Attribute(KnownNames.ModelSchema)))
            return null;
        cancellation.ThrowIfCancellationRequested();
        return new ModelSchemaModel(
            TypeModelParser.Parse(type), SchemaReader.Read(type), IsDecoder(type, type.BaseTypes()), !type.GetMembers(SiteNames.Class).IsEmpty);
    }

    /// <summary>Whether a type with those bases gets what a decoder gets.</summary>
    public static bool IsDecoder(INamedTypeSymbol type, IEnumerable<INamedTypeSymbol> baseTypes) =>
        !type.IsAbstract && baseTypes.Any(baseType => baseType.Is(KnownNames.DecoderModel));
}
