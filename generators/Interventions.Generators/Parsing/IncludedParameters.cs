using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>The trained values of included interventions, which the outer run's metrics are differentiated by.</summary>
internal static class IncludedParameters
{
    /// <summary>Their names in the outer graph, in textual order: <c>Inner.Direction</c>.</summary>
    public static IEnumerable<string> Of(InterventionDeclaration declaration, CancellationToken cancellation) => Of(declaration, [], cancellation);

    /// <summary>A cycle of includes, which is an error of its own, ends where it meets itself.</summary>
    private static IEnumerable<string> Of(InterventionDeclaration declaration, HashSet<ISymbol> seen, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (!seen.Add(declaration.Type.OriginalDefinition))
            yield break;
        foreach (DeclaredProperty include in declaration.Includes)
            if (declaration.Included(include, cancellation) is { } included)
                foreach (string parameter in included.Parameters.Select(own => own.Symbol.Name).Concat(Of(included, seen, cancellation)))
                    yield return $"{include.Symbol.Name}.{parameter}";
        seen.Remove(declaration.Type.OriginalDefinition);
    }
}
