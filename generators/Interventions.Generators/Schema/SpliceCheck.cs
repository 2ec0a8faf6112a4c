using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>The rules of the places of splices. The rules of names report names that the model lacks.</summary>
internal static class SpliceCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        if (SchemaReader.Of(declaration) is not { } schema)
            yield break;
        var before = new List<SpliceResolution>();
        foreach (DeclaredSplice splice in DeclaredSplices.Of(declaration, cancellation))
        {
            SpliceResolution resolution = splice.Names.Resolve(schema);
            // An included splice is checked where it is declared.
            Problem? problem = splice.Include is null ? Own(splice, resolution, declaration, schema, cancellation) : null;
            if (problem is null && SpliceResolver.Shared(resolution, before) is { } shared)
                problem = new Problem(
                    Rules.Splice, splice.Include?.Locations[0] ?? Text(splice, cancellation).At(0, splice.Names.Site.Length),
                    $"'{shared}' is spliced twice; one splice stands at a site");
            if (problem is not null)
                yield return problem;
            before.Add(resolution);
        }
    }

    private static Problem? Own(
        DeclaredSplice splice, SpliceResolution resolution, InterventionDeclaration declaration, ModelSchema schema,
        CancellationToken cancellation)
    {
        TextLocation site = Text(splice, cancellation);
        TextLocation reads = TextLocation.Property(splice.Write.Attribute, "Reads", cancellation) ?? site;
        if (resolution.Problem is { } wrong)
        {
            TextLocation at = wrong.IsOfReads ? reads : site;
            if (!wrong.IsName)
                return new Problem(Rules.Splice, at.At(wrong.Problem.Start, wrong.Problem.Length), wrong.Problem.Message);
            // A name inside another splice exists, so the rules of names say nothing about it.
            bool isInside = DeclaredSplices.Schema(declaration, cancellation) is { } all
                && ParsedPath.Of(at.Text).Path is { } inner && ResolvedPath.Of(inner, all).IsSuccess;
            return isInside
                ? new Problem(
                    Rules.Splice, at.At(0, at.Text.Length),
                    $"'{at.Text}' lies inside a splice; a splice stands at, and reads, values of the model itself")
                : null;
        }
        if (resolution.Site!.Beside)
            return new Problem(
                Rules.Splice, site.At(0, site.Text.Length),
                $"'{site.Text}' lies beside the model's ordinary path, so nothing would read a splice there; "
                + "splice a site that every run computes");
        foreach ((string node, string? read) in resolution.Nodes)
            if (read is not null && SiteOrder.IsNotAfter(SitePath.Parse(node), SitePath.Parse(read), schema))
                return new Problem(
                    Rules.Splice, reads.At(0, reads.Text.Length), $"'{read}' is computed after '{node}', so a splice there cannot read it");
        return null;
    }

    private static TextLocation Text(DeclaredSplice splice, CancellationToken cancellation) =>
        TextLocation.Argument(splice.Write.Attribute, 0, cancellation);
}
