using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>A property with <c>[Include]</c> or <c>[Parameter]</c>.</summary>
/// <param name="Symbol">The property.</param>
/// <param name="Attribute">The attribute.</param>
/// <param name="IsInclude">Which of the two it is.</param>
internal sealed record DeclaredProperty(IPropertySymbol Symbol, AttributeData Attribute, bool IsInclude)
{
    /// <summary>When the writes of an included intervention happen; see <see cref="InterventionDeclaration.Steps"/>.</summary>
    public int Order => Attribute.Named("Order", 0);

    /// <summary>Reads a property.</summary>
    public static IEnumerable<DeclaredProperty> Read(IPropertySymbol property)
    {
        if (property.Attribute(KnownNames.Include) is { } include)
            yield return new DeclaredProperty(property, include, IsInclude: true);
        if (property.Attribute(KnownNames.Parameter) is { } parameter)
            yield return new DeclaredProperty(property, parameter, IsInclude: false);
    }
}
