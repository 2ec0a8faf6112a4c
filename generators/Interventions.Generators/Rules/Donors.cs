using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Runtime;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>
/// Finds writes that put in what is there already: they read the very run that they change, at their own place, and nothing before them
/// changes it. Most often <c>[Changes]</c> is missing.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Donors() : InterventionAnalyzer(OwnValue)
{
    public static readonly DiagnosticDescriptor OwnValue = Rule.Composition("INV217", "A write that reads the value that is there");

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration)
    {
        // A declaration that keeps nothing is made to be included, behind other writes, or to generate.
        if (declaration.ModelSchema is not { } schema || declaration.Vocabulary is not { } prompts
            || !declaration.Methods.Any(method => method.IsKept))
            yield break;
        string changed = declaration.Changes?.Value ?? prompts.Runs.FirstOrDefault() ?? "";
        foreach (DeclaredWrite write in declaration.Writes)
        {
            string own = declaration.Runs.FirstOrDefault(run => run.Name == write.Run)?.From?.Value ?? changed;
            if (OwnDonor(write, own) is not { } donor || IsChangedBefore(write, declaration, schema))
                continue;
            string other = prompts.Runs.FirstOrDefault(run => run != own) ?? "…";
            string reader = write.Method is { } method ? $"'{method.Name}'" : write.Attribute.ShortName();
            string mend = Sentences.Of(write.Method is null ? Sentences.SayOther : Sentences.ReadOther, other);
            yield return new Problem(OwnValue, donor, Sentences.Of(Sentences.OwnValue, reader, own, mend, other));
        }
    }

    /// <summary>
    /// Where a write says that it reads its own run at its own place, and reads nothing else; null where it does not. Freezes are to change
    /// nothing; means and partners are of other prompts.
    /// </summary>
    private static Location? OwnDonor(DeclaredWrite write, string own)
    {
        if (write.ValueKind is WriteKind.PathPatch or WriteKind.Mix)
            return write.DonorRun == own ? write.Donor?.Location ?? write.Site.Text.Location : null;
        if (write.Kind != WriteKind.Patch)
            return null;
        List<DeclaredParameter> donors = write.Parameters.Where(parameter => parameter.IsOwnSiteElsewhere).ToList();
        return donors.Count > 0 && donors.TrueForAll(donor => donor.Donor!.Value == own)
            && write.Parameters.All(parameter => parameter.IsOwnSiteElsewhere || parameter.Kind is ReadKind.Value or ReadKind.Swept)
            ? donors[0].Donor!.Location
            : null;
    }

    /// <summary>
    /// Whether the value may be another one than in the unchanged run: another write of the run reaches it, or the write itself does, in an
    /// earlier layer. A path patch has a run of its own, in which nothing else is written.
    /// </summary>
    private static bool IsChangedBefore(DeclaredWrite write, InterventionDeclaration declaration, ModelSchema schema)
    {
        if (write.Kind == WriteKind.PathPatch)
            return false;
        if (write.Site.Path is not { } path || !ResolvedPath.Of(path, schema).IsSuccess)
            return true;
        bool hasLayers = path.Segments.Any(segment => segment.Indices is { Selection.IsOne: false });
        return (write.Kind == WriteKind.Patch && hasLayers)
            || declaration.PlacedWrites.Any(other =>
                other.Write != write && other.Run == write.Run && SiteOrder.MayReach(other.Path, path, false, schema));
    }
}
