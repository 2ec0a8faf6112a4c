using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>The property that holds the prompts over which a mean is taken.</summary>
internal static class ReferencePrompts
{
    /// <summary>The property's type; null when there is no such property, or it holds no prompts.</summary>
    public static INamedTypeSymbol? Find(InterventionDeclaration declaration, DeclaredWrite write) =>
        All(declaration).FirstOrDefault(property => property.Name == write.Over)?.Type as INamedTypeSymbol;

    /// <summary>Every property that holds prompts.</summary>
    public static IEnumerable<IPropertySymbol> All(InterventionDeclaration declaration) =>
        declaration.Type.GetMembers().OfType<IPropertySymbol>()
            .Where(property => property is { IsIndexer: false, GetMethod: not null } && HoldsPrompts(property.Type));

    private static bool HoldsPrompts(ITypeSymbol type) =>
        type.Is(KnownNames.PromptSetInterface) || type.AllInterfaces.Any(implemented => implemented.Is(KnownNames.PromptSetInterface))
        // A prompt set whose base is not there yet says so by its attribute.
        || type.Attribute(KnownNames.PromptSchema) is not null;
}
