using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>Generic interventions: which type parameter is the model, <c>where TModel : Gpt2Model</c>.</summary>
internal static class ModelParameters
{
    /// <summary>What a generic intervention has for its model: the parameter itself while it is open; null when no one parameter is a model.</summary>
    public static ITypeSymbol? Argument(INamedTypeSymbol type)
    {
        List<ITypeParameterSymbol> models = type.TypeParameters.Where(parameter => Constraint(parameter) is not null).ToList();
        return models.Count == 1 && !type.IsUnboundGenericType ? type.TypeArguments[models[0].Ordinal] : null;
    }

    /// <summary>The model type that a parameter is constrained to.</summary>
    public static INamedTypeSymbol? Constraint(ITypeParameterSymbol parameter) =>
        parameter.ConstraintTypes.OfType<INamedTypeSymbol>().FirstOrDefault(IsModel);

    private static bool IsModel(INamedTypeSymbol type) => type.BaseTypes().Prepend(type).Any(known => known.Is(KnownNames.AnyModel));
}
