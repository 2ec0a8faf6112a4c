using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>The rule of included interventions. The generator asks whether there is a problem; the analyzer reports it.</summary>
internal static class IncludeCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        foreach (DeclaredProperty include in declaration.Includes)
            if (Wrong(declaration, include, cancellation) is { } message)
                yield return new Problem(Rules.Include, include.Symbol.Locations[0], message);
    }

    private static string? Wrong(InterventionDeclaration declaration, DeclaredProperty include, CancellationToken cancellation)
    {
        IPropertySymbol property = include.Symbol;
        if (declaration.Included(include, cancellation) is not { } included)
            return $"'{property.Name}' cannot be included: '{property.Type.Name}' is no [Intervention]";
        if (property.GetMethod is null || property.IsIndexer)
            return $"'{property.Name}' cannot be included: it has no value to read";
        if (!IsOrDerives(declaration.Model, included.Model))
            return $"'{included.Type.Name}' intervenes on {included.Model.Name}, '{declaration.Type.Name}' on {declaration.Model.Name}";
        if (!SymbolEqualityComparer.Default.Equals(declaration.Prompts, included.Prompts))
            return $"'{included.Type.Name}' is about {included.Prompts?.Name ?? "other prompts"}, '{declaration.Type.Name}' about {declaration.Prompts?.Name}";
        return Reaches(included, declaration.Type, [], cancellation)
            ? $"'{declaration.Type.Name}' would include itself through '{property.Name}'"
            : null;
    }

    private static bool IsOrDerives(INamedTypeSymbol type, INamedTypeSymbol other) =>
        type.BaseTypes().Prepend(type).Any(known => SymbolEqualityComparer.Default.Equals(known, other));

    private static bool Reaches(InterventionDeclaration from, INamedTypeSymbol target, HashSet<ISymbol> seen, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (SymbolEqualityComparer.Default.Equals(from.Type.OriginalDefinition, target.OriginalDefinition))
            return true;
        return seen.Add(from.Type.OriginalDefinition)
            && from.Includes.Any(include => from.Included(include, cancellation) is { } next && Reaches(next, target, seen, cancellation));
    }
}
