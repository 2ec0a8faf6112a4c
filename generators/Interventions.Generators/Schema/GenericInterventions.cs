using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>Looks for generic interventions in a project and in the assemblies that it references.</summary>
internal static class GenericInterventions
{
    /// <summary>Whether there is one. Only assemblies that reference this library can have any, and only generic types are asked for their attributes.</summary>
    public static bool Exist(Compilation compilation, CancellationToken cancellation) =>
        AreIn(compilation.Assembly.GlobalNamespace, cancellation)
        || compilation.SourceModule.ReferencedAssemblySymbols.Any(assembly => UsesLibrary(assembly) && AreIn(assembly.GlobalNamespace, cancellation));

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
