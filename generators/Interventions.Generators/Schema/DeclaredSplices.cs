using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>The splices of a declaration, those of included interventions first: their inner sites are names like the model's own.</summary>
internal static class DeclaredSplices
{
    /// <summary>The model's names and those inside the declaration's splices; null when the model declares none.</summary>
    public static ModelSchema? Schema(InterventionDeclaration declaration, CancellationToken cancellation) =>
        declaration.Once(() => SchemaReader.Of(declaration) is { } schema
            ? schema.With(Of(declaration, cancellation).Select(splice => splice.Names.Resolve(schema)))
            : null);

    /// <summary>All splices, and which of them the declaration includes.</summary>
    public static IReadOnlyList<DeclaredSplice> Of(InterventionDeclaration declaration, CancellationToken cancellation) =>
        declaration.Once<IReadOnlyList<DeclaredSplice>>(() =>
        {
            var splices = new List<DeclaredSplice>();
            Collect(declaration, null, splices, [], cancellation);
            return splices;
        });

    /// <summary>A cycle of includes, which is an error of its own, ends where it meets itself.</summary>
    private static void Collect(
        InterventionDeclaration declaration, IPropertySymbol? through, List<DeclaredSplice> splices, HashSet<ISymbol> seen, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (!seen.Add(declaration.Type.OriginalDefinition))
            return;
        foreach (DeclaredProperty include in declaration.Includes)
            if (declaration.Included(include, cancellation) is { } included)
                Collect(included, through ?? include.Symbol, splices, seen, cancellation);
        seen.Remove(declaration.Type.OriginalDefinition);
        foreach (DeclaredWrite write in declaration.Writes)
            if (write.Kind == WriteKind.Splice)
                splices.Add(new DeclaredSplice(write, through, Names(write)));
    }

    private static SpliceNames Names(DeclaredWrite write) => new(
        write.Property!.Name, write.Attribute.Text(0), write.Attribute.Named("Reads"),
        write.Attribute.Named("Features", 0) is var features && features == 0 ? null : features);
}

/// <summary>A declared splice.</summary>
/// <param name="Write">Its attribute and property.</param>
/// <param name="Include">The declaration's own property through which it is included; null for its own splice.</param>
/// <param name="Names">Its names.</param>
internal sealed record DeclaredSplice(DeclaredWrite Write, IPropertySymbol? Include, SpliceNames Names);
