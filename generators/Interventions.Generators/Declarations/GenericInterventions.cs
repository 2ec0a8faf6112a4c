using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>Generic interventions: <c>Silence&lt;TModel&gt; where TModel : Gpt2Model</c> is written for every model of a family.</summary>
internal static class GenericInterventions
{
    /// <summary>
    /// Whether a project, or an assembly that it references, has one. Only assemblies that reference this library can, and only generic
    /// types are asked for their attributes.
    /// </summary>
    public static bool Exist(Compilation compilation, CancellationToken cancellation) =>
        AreIn(compilation.Assembly.GlobalNamespace, cancellation)
        || compilation.SourceModule.ReferencedAssemblySymbols.Any(
            assembly => UsesLibrary(assembly) && AreIn(assembly.GlobalNamespace, cancellation));

    /// <summary>
    /// The model of a generic intervention: the parameter itself while it is open; null when no one parameter is a model.
    /// </summary>
    public static ITypeSymbol? ModelArgument(INamedTypeSymbol type)
    {
        List<ITypeParameterSymbol> models = type.TypeParameters.Where(parameter => Constraint(parameter) is not null).ToList();
        return models.Count == 1 && !type.IsUnboundGenericType ? type.TypeArguments[models[0].Ordinal] : null;
    }

    /// <summary>The model type that a parameter is constrained to; null when it is no model.</summary>
    public static INamedTypeSymbol? Constraint(ITypeParameterSymbol parameter) =>
        parameter.ConstraintTypes.OfType<INamedTypeSymbol>().FirstOrDefault(
            type => type.SelfAndBaseTypes().Any(known => known.Is(KnownNames.AnyModel)));

    private static bool UsesLibrary(IAssemblySymbol assembly) =>
        assembly.Modules.Any(module => module.ReferencedAssemblies.Any(referenced => referenced.Name == nameof(Interventions)));

    private static bool AreIn(INamespaceOrTypeSymbol within, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (within is INamedTypeSymbol { Arity: > 0 } && within.Attribute(KnownNames.Intervention) is not null)
            return true;
        IEnumerable<INamespaceOrTypeSymbol> inner = within is INamespaceSymbol space ? space.GetMembers() : within.GetTypeMembers();
        return inner.Any(member => AreIn(member, cancellation));
    }
}
