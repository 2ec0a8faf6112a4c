using Interventions.Generators.Declarations;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks the sites of splices. A name that the model lacks breaks a rule of names.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Splices() : InterventionAnalyzer(MisplacedSplice)
{
    public static readonly DiagnosticDescriptor MisplacedSplice = Rule.Composition("INV230", "A splice fits its site");

    /// <summary>Checks the splices of a declaration.</summary>
    public static IEnumerable<Problem> Check(InterventionDeclaration declaration)
    {
        if (declaration.Splices.Count == 0 || declaration.ModelSchema is not { } schema)
            yield break;
        var before = new List<SpliceResolution>();
        foreach (DeclaredSplice splice in declaration.Splices)
        {
            SpliceResolution resolution = splice.Names.Resolve(schema);
            // An included splice was checked where it is declared; here it can only meet another one.
            Problem? problem = splice.Include is null ? Own(splice.Write, resolution, declaration, schema) : null;
            if (problem is null && SpliceResolver.Shared(resolution, before) is { } shared)
                problem = new Problem(
                    MisplacedSplice, splice.Include?.Locations[0] ?? splice.Write.Site.Text.Location,
                    SpliceResolver.Twice(shared));
            if (problem is not null)
                yield return problem;
            before.Add(resolution);
        }
    }

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration) => Check(declaration);

    private static Problem? Own(DeclaredWrite write, SpliceResolution resolution, InterventionDeclaration declaration, ModelSchema schema)
    {
        DeclaredPath site = write.Site, encoded = write.Encoded ?? write.Site;
        if (resolution.Problem is { } wrong)
        {
            DeclaredPath at = wrong.IsOfReads ? encoded : site;
            if (!wrong.IsName)
                return new Problem(MisplacedSplice, at.Text.At(wrong.Problem.Start, wrong.Problem.Length), wrong.Problem.Message);
            // Inside another splice the name exists, so no rule of names reports it.
            return declaration.Schema is { } all && at.Path is { } inner && ResolvedPath.Of(inner, all).IsSuccess
                ? Misplaced(at, $"'{at.Value}' lies inside a splice; a splice stands at, and reads, values of the model itself")
                : null;
        }
        if (resolution.Site!.Beside)
            return Misplaced(site, SpliceResolver.Beside(site.Value));
        foreach ((string node, string? read) in resolution.Nodes)
            if (read is not null && SiteOrder.IsNotAfter(SitePath.Parse(node), SitePath.Parse(read), schema))
                return Misplaced(encoded, SpliceResolver.Later(read, node));
        return null;
    }

    private static Problem Misplaced(DeclaredPath path, string message) => new(MisplacedSplice, path.Text.Location, message);
}
