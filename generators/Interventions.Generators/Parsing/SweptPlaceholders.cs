using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>What a declaration sweeps: the placeholders of its writes, in the graph's order, those of included interventions first.</summary>
internal static class SweptPlaceholders
{
    /// <summary>The names, in order of first appearance.</summary>
    public static IReadOnlyList<string> Of(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        var names = new List<string>();
        Collect(declaration, names, [], cancellation);
        return names.Distinct().ToList();
    }

    /// <summary>A cycle of includes, which is an error of its own, ends where it meets itself.</summary>
    private static void Collect(InterventionDeclaration declaration, List<string> names, HashSet<ISymbol> seen, CancellationToken cancellation)
    {
        if (!seen.Add(declaration.Type.OriginalDefinition))
            return;
        foreach (DeclaredProperty include in declaration.Includes)
        {
            cancellation.ThrowIfCancellationRequested();
            if (include.Symbol.Type.DeclaringSyntaxReferences.IsEmpty)
                names.AddRange(OfCompiled(include.Symbol.Type));
            else if (declaration.Included(include, cancellation) is { } included)
                Collect(included, names, seen, cancellation);
        }
        seen.Remove(declaration.Type.OriginalDefinition);
        names.AddRange(Own(declaration));
    }

    private static IEnumerable<string> Own(InterventionDeclaration declaration)
    {
        foreach (string site in declaration.Writes.SelectMany(write => write.Sites))
            if (SitePath.TryParse(site, out SitePath? path, out _))
                foreach (PlaceholderUse use in path.Placeholders)
                    yield return use.Name;
    }

    /// <summary>Private methods of a referenced assembly are not seen; the generated indexer, named by the placeholders, is.</summary>
    private static IEnumerable<string> OfCompiled(ITypeSymbol intervention) =>
        intervention.GetTypeMembers("Swept").SelectMany(swept => swept.GetMembers()).OfType<IPropertySymbol>()
            .Where(property => property.IsIndexer).SelectMany(indexer => indexer.Parameters).Select(parameter => parameter.Name);
}
