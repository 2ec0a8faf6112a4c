using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>Where <c>[Shape]</c> stands in a declaration.</summary>
internal static class DeclaredShapes
{
    /// <summary>What says the shape of what a method returns; null where nothing does.</summary>
    public static AttributeData? OfReturn(IMethodSymbol method) =>
        method.GetReturnTypeAttributes().FirstOrDefault(attribute => attribute.AttributeClass is { } type && type.Is(KnownNames.Shape));

    /// <summary>The properties that hold tensors of a declared shape, in textual order.</summary>
    public static IEnumerable<ShapeModel> OfTensors(INamedTypeSymbol type)
    {
        foreach (IPropertySymbol property in type.GetMembers().OfType<IPropertySymbol>())
            if (property.Attribute(KnownNames.Shape) is { } shape && IsTensor(property))
                yield return new ShapeModel(property.Name, shape.Items(0).ToEquatableArray());
    }

    /// <summary>Whether a property's value is a tensor that can be measured.</summary>
    public static bool IsTensor(IPropertySymbol property) =>
        property is { IsIndexer: false, GetMethod: not null, RefKind: RefKind.None } && property.Type.Is(KnownNames.Tensor);
}
