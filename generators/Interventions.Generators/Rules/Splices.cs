using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks the sites of splices, and that somebody uses them. A name that the model lacks breaks a rule of names.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Splices() : InterventionAnalyzer(MisplacedSplice, UnusedSplice)
{
    public static readonly DiagnosticDescriptor MisplacedSplice = Rule.Composition("INV230", "A splice fits its site");

    public static readonly DiagnosticDescriptor UnusedSplice = Rule.Composition(
        "INV241", "A splice that nobody uses",
        "Nothing reads or writes inside '{0}', so the model is as it was without it: name a site in it, such as '{1}', or say "
            + "ErrorTerm = false",
        DiagnosticSeverity.Warning);

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
            if (problem is null && splice.Include is null && resolution.Problem is null)
                problem = Unused(splice, resolution, declaration);
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
        foreach (SplicedPlace place in resolution.Places)
            if (place.Read is { } read && SiteOrder.IsNotAfter(resolution.Site, place.Layer, read, place.ReadLayer, schema))
                return Misplaced(encoded, SpliceResolver.Later(place.ReadNode!, place.Node));
        return null;
    }

    /// <summary>
    /// With its error term a splice whose inside nobody touches is the model as it was. A declaration that keeps nothing is made to be
    /// included; constant errors change gradients.
    /// </summary>
    private static Problem? Unused(DeclaredSplice splice, SpliceResolution resolution, InterventionDeclaration declaration)
    {
        AttributeData attribute = splice.Write.Attribute;
        if (resolution.Site is not { } site || declaration.Schema is not { } schema || !declaration.Methods.Any(method => method.IsKept)
            || !attribute.Named("ErrorTerm", true) || attribute.Named("DetachError", false))
            return null;
        string inside = $"{site.Path}.{splice.Names.Segment}.";
        return declaration.Paths.Any(path => path.Path is { } used
            && ResolvedPath.Of(used, schema).Site?.Path.StartsWith(inside, StringComparison.Ordinal) != false)
            ? null
            : new Problem(
                UnusedSplice, splice.Write.Site.Text.Location, splice.Names.Property,
                splice.Names.Inner(splice.Write.Site.Value, SplicedSites.Features));
    }

    private static Problem Misplaced(DeclaredPath path, string message) => new(MisplacedSplice, path.Text.Location, message);
}
