using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>The rules of where splices stand. Names that the model lacks are another rule's.</summary>
internal static class SpliceCheck
{
    /// <summary>A decoder's values that nothing reads until they are written: a splice there would change nothing.</summary>
    private static readonly string[] BesideThePath = [".attn.q_input", ".attn.k_input", ".attn.v_input", ".attn.result", ".attn.scores", ".scale"];

    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        if (SchemaReader.Of(declaration) is not { } schema)
            yield break;
        bool isDecoder = declaration.Model.BaseTypes().Prepend(declaration.Model).Any(type => type.Is(KnownNames.DecoderModel));
        var before = new List<SpliceResolution>();
        foreach (DeclaredSplice splice in DeclaredSplices.Of(declaration, cancellation))
        {
            SpliceResolution resolution = splice.Names.Resolve(schema);
            // What is wrong with an included splice alone was said where it is declared.
            Problem? problem = splice.Include is null ? Own(splice, resolution, declaration, schema, isDecoder, cancellation) : null;
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
        DeclaredSplice splice, SpliceResolution resolution, InterventionDeclaration declaration, ModelSchema schema, bool isDecoder, CancellationToken cancellation)
    {
        TextLocation site = Text(splice, cancellation);
        TextLocation reads = TextLocation.Property(splice.Write.Attribute, "Reads", cancellation) ?? site;
        if (resolution.Problem is { } wrong)
        {
            TextLocation at = wrong.IsOfReads ? reads : site;
            if (!wrong.IsName)
                return new Problem(Rules.Splice, at.At(wrong.Problem.Start, wrong.Problem.Length), wrong.Problem.Message);
            // Inside another splice the name exists, and no other rule says anything.
            return DeclaredSplices.Schema(declaration, cancellation) is { } all && ParsedPath.Of(at.Text).Path is { } inner && ResolvedPath.Of(inner, all).IsSuccess
                ? new Problem(Rules.Splice, at.At(0, at.Text.Length), $"'{at.Text}' lies inside a splice; a splice stands at, and reads, values of the model itself")
                : null;
        }
        if (isDecoder && BesideThePath.Any(name => resolution.Site!.Path.EndsWith(name, StringComparison.Ordinal)))
            return new Problem(
                Rules.Splice, site.At(0, site.Text.Length),
                $"'{site.Text}' lies beside the model's ordinary path, so nothing would read a splice there; splice a site that every run computes");
        foreach ((string node, string? read) in resolution.Nodes)
            if (read is not null && SiteOrder.IsNotAfter(SitePath.Parse(node), SitePath.Parse(read), schema))
                return new Problem(Rules.Splice, reads.At(0, reads.Text.Length), $"'{read}' is computed after '{node}', so a splice there cannot read it");
        return null;
    }

    private static TextLocation Text(DeclaredSplice splice, CancellationToken cancellation) => TextLocation.Argument(splice.Write.Attribute, 0, cancellation);
}
