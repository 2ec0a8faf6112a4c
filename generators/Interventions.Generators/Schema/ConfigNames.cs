using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>Finds the files that the classes of a project name as configurations.</summary>
internal static class ConfigNames
{
    public static IReadOnlyList<string> Of(Compilation compilation, CancellationToken cancellation)
    {
        var names = new List<string>();
        Visit(compilation.Assembly.GlobalNamespace);
        return names;

        void Visit(INamespaceOrTypeSymbol within)
        {
            cancellation.ThrowIfCancellationRequested();
            if (within is INamedTypeSymbol && within.Attribute(KnownNames.HookedModel) is { } attribute)
                names.Add(attribute.Text(0));
            foreach (ISymbol member in within.GetMembers())
                if (member is INamespaceOrTypeSymbol inner)
                    Visit(inner);
        }
    }
}
