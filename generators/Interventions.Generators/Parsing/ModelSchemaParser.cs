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
        bool isDecoder = !type.IsAbstract && type.BaseTypes().Any(baseType => baseType.Is(KnownNames.DecoderModel));
        return new ModelSchemaModel(TypeModelParser.Parse(type), SchemaReader.Read(type), isDecoder);
    }
}
