using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>
/// Checks the parts that a declaration takes from elsewhere: its base, included interventions, donors' sites, and the prompts of means.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Composition() : InterventionAnalyzer(SeveralDonors, UnfitInclude, UnfitBase, UnfitReference)
{
    public static readonly DiagnosticDescriptor SeveralDonors = Rule.Composition(
        "INV206", "A donor is one site",
        "[{0}] reads one site, but '{1}' names several layers: name one, or sweep it with a placeholder of a write");

    public static readonly DiagnosticDescriptor UnfitInclude = Rule.Composition("INV211", "An included intervention fits");

    public static readonly DiagnosticDescriptor UnfitBase = Rule.Composition("INV214", "A derived intervention fits its base");

    public static readonly DiagnosticDescriptor UnfitReference = Rule.Composition("INV234", "A mean is over prompts that are there");

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration) =>
        Donors(declaration).Concat(Included(declaration)).Concat(Inherited(declaration)).Concat(References(declaration));

    /// <summary>A parameter gets one value, so the path of a donor must name one layer.</summary>
    private static IEnumerable<Problem> Donors(InterventionDeclaration declaration)
    {
        foreach (DeclaredPath path in declaration.Paths)
            if (path is { Reader: { } reader, Path: { } donor })
                foreach (PathSegment segment in donor.Segments)
                    if (segment.Indices is { Selection.IsOne: false })
                        yield return new Problem(SeveralDonors, path.At(segment.Span), reader, donor.Site);
    }

    private static IEnumerable<Problem> Included(InterventionDeclaration declaration)
    {
        foreach (DeclaredProperty include in declaration.Includes)
            if (Unfit(declaration, include) is { } message)
                yield return new Problem(UnfitInclude, include.Location, message);
    }

    private static string? Unfit(InterventionDeclaration declaration, DeclaredProperty include)
    {
        string name = include.Name, outer = declaration.Type.Name, inner = include.Symbol.Type.Name;
        InterventionDeclaration? included = declaration.Included(include);
        return Includes.Fault(declaration, include) switch
        {
            IncludeFault.NoIntervention => $"'{name}' cannot be included: '{inner}' is no [Intervention]",
            IncludeFault.NoValue => $"'{name}' cannot be included: it has no value to read",
            IncludeFault.OtherModel => $"'{inner}' intervenes on {included!.Model.Name}, '{outer}' on {declaration.Model.Name}",
            IncludeFault.OtherPrompts =>
                $"'{inner}' is about {included!.Prompts?.Name ?? "other prompts"}, '{outer}' about {declaration.Prompts?.Name}",
            IncludeFault.Circle => $"'{outer}' would include itself through '{name}'",
            _ => null,
        };
    }

    /// <summary>A base is there to be derived from, and what the derived class says again is the same.</summary>
    private static IEnumerable<Problem> Inherited(InterventionDeclaration declaration)
    {
        if (declaration.Base is not { } inherited)
            yield break;
        string name = declaration.Type.Name, known = inherited.Type.Name;
        if (!inherited.Type.IsAbstract)
            yield return new Problem(
                UnfitBase, declaration.Type.Locations[0],
                Sentences.Of(Sentences.ConcreteBase, name, known));
        if (!declaration.Said.Model.IsSame(inherited.Model) || !declaration.Said.Prompts.IsSame(inherited.Prompts))
            yield return new Problem(
                UnfitBase, declaration.Attribute.Location() ?? declaration.Type.Locations[0],
                $"'{known}' is about {inherited.Model.Name} and {inherited.Prompts?.Name}, and so is '{name}': leave its attribute out");
        if (declaration.OwnChanges is { } own && inherited.Changes is { } changed && own.Value != changed.Value)
            yield return new Problem(
                UnfitBase, own.Location, $"'{known}' changes run '{changed.Value}', '{name}' would change '{own.Value}'");
        if (declaration.Schema is not { } schema)
            yield break;
        foreach (PlacedWrite write in declaration.PlacedWrites.Where(write => write.Step.Owner.IsSame(declaration.Type)))
            if (declaration.PlacedWrites.Any(other => !other.Step.Owner.IsSame(declaration.Type) && other.Order > write.Order
                && other.Meets(write, schema) && !other.Write.CommutesWith(write.Write)))
                yield return new Problem(
                    UnfitBase, write.Location,
                    $"'{write.Path.Site}' has a lower Order here than in '{known}', and inherited writes come first");
    }

    /// <summary>The prompts of a mean are in a property, and have the run and the positions that the mean names.</summary>
    private static IEnumerable<Problem> References(InterventionDeclaration declaration)
    {
        foreach (DeclaredWrite write in declaration.Writes)
        {
            if (write.Over is not { } over)
                continue;
            if (ReferencePrompts.Find(declaration, over.Value) is not { } type)
            {
                string? nearest = Spelling.Nearest(over.Value, ReferencePrompts.All(declaration).Select(property => property.Name));
                string advice = nearest is null ? "" : $"; did you mean '{nearest}'?";
                yield return new Problem(
                    UnfitReference, over.Location, $"'{declaration.Type.Name}' has no property '{over.Value}' that holds prompts{advice}")
                {
                    Suggestion = nearest,
                };
                continue;
            }
            if (VocabularyReader.TryRead(type) is not { } prompts)
                continue;
            if (write.Donor is { } run && VocabularyResolver.UnknownRun(run.Value, prompts) is { } unknown)
                yield return new Problem(UnfitReference, run.Location, unknown.Message) { Suggestion = unknown.Suggestion };
            if (declaration.ModelSchema is { } schema && write.Site.Path is { } path)
                foreach (SiteProblem problem in SiteResolver.Resolve(path, schema, prompts).Problems)
                    if (problem.Kind == SiteProblemKind.UnknownPosition)
                        yield return new Problem(UnfitReference, write.Site.Text.At(problem.Start, problem.Length), problem.Message)
                        {
                            Suggestion = problem.Suggestion,
                        };
        }
    }
}
