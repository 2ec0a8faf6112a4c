using Interventions.Generators.Declarations;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>
/// Checks lists of what placeholders go through: each has a use, its points are in the model, and each use has values of the right kind.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Sweeps() : InterventionAnalyzer(SweepList, SweepKind, SweptPoint)
{
    public static readonly DiagnosticDescriptor SweepList = Rule.Composition("INV231", "A sweep has values and a use");

    public static readonly DiagnosticDescriptor SweepKind = Rule.Composition("INV232", "A sweep goes through values of the right kind");

    public static readonly DiagnosticDescriptor SweptPoint = Rule.Composition("INV238", "A listed point is in the model");

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration)
    {
        bool isSwept = declaration.Sweeps.Count > 0 || declaration.SweepUses.Count > 0;
        HashSet<string> paths = isSwept ? new(declaration.Paths.SelectMany(path => path.Placeholders)) : [];
        return Lists(declaration).Concat(Points(declaration)).Concat(Uses(declaration, paths)).Concat(Strengths(declaration));
    }

    private static IEnumerable<Problem> Lists(InterventionDeclaration declaration)
    {
        if (declaration.Sweeps.Count == 0)
            yield break;
        var used = new HashSet<string>(declaration.Placeholders.Select(placeholder => placeholder.Name));
        var known = new HashSet<string>();
        foreach (DeclaredSweep sweep in declaration.Sweeps)
            if ((Named(sweep, used, known) ?? Values(sweep)) is { } message)
                yield return new Problem(SweepList, sweep.Names.Location, message)
                {
                    IsLack = message.StartsWith("No write uses ", StringComparison.Ordinal),
                };
    }

    private static string? Named(DeclaredSweep sweep, HashSet<string> used, HashSet<string> known)
    {
        foreach (string name in sweep.Placeholders)
        {
            string? message =
                !BracedName.IsName(name) ? $"'{name}' is no name of a placeholder: letters, digits and '_'" :
                !known.Add(name) ? $"'{name}' is swept twice" :
                !used.Contains(name)
                    ? $"No write uses '{name}': write \"{{{name}}}\" where a layer, an index, a strength or a run stands, "
                        + $"or take it as [Swept(\"{name}\")]" :
                null;
            if (message is not null)
                return message;
        }
        return null;
    }

    private static string? Values(DeclaredSweep sweep)
    {
        string name = sweep.Names.Value;
        List<string> listed = sweep.Points.Select(point => ListedPoints.Text(point.Coordinates)).ToList();
        if (sweep.Property is { } property)
            return
                listed.Count > 0 ? Sentences.Of(Sentences.ListedTwice, property.Name, name) :
                sweep.Types is null && property.Type.TypeKind != TypeKind.Error
                    ? Sentences.Of(Sentences.ListsNothing, property.Name, name, ListedPoints.Needed(sweep.Placeholders)) :
                null;
        string example = sweep.IsOfPoints ? ListedPoints.Example : "0.5, 1, 2";
        return
            listed.Count == 0 ? $"'{name}' goes through no values: list them, as in [Sweep(\"{name}\", {example})]" :
            listed.Distinct().Count() < listed.Count ? $"'{name}' goes through a value twice" :
            sweep.IsOfPoints && sweep.Numbers.Count > 0
                ? Sentences.Of(Sentences.PointsAreTexts, name, example) :
            sweep.IsOfPoints ? sweep.Texts.Select(Wrong).FirstOrDefault(wrong => wrong is not null) :
            null;

        string? Wrong(DeclaredText text) => ListedPoints.Problem(text.Value, sweep.Placeholders);
    }

    /// <summary>
    /// Compares the points that attributes list with the model and the prompts. Those of properties are compared by the run.
    /// </summary>
    private static IEnumerable<Problem> Points(InterventionDeclaration declaration)
    {
        if (declaration.Sweeps.Count == 0 || declaration.Schema is not { } schema)
            yield break;
        foreach (DeclaredSweep sweep in declaration.Sweeps)
            foreach ((Location location, string text, IReadOnlyList<string> coordinates) in sweep.Points)
                for (int i = 0; i < sweep.Placeholders.Count && coordinates.Count == sweep.Placeholders.Count; i++)
                    if (Wrong(sweep.Placeholders[i], coordinates[i]) is { } problem)
                        yield return new Problem(
                            SweptPoint, location, Sentences.Of(Sentences.NoPoint, sweep.Names.Value, text, problem));

        string? Wrong(string placeholder, string coordinate) =>
            declaration.Ranges.FirstOrDefault(range => range.Name == placeholder) is { } range
                ? ListedPoints.Place(coordinate, range, schema, declaration.Vocabulary).Problem :
            // Runs that stand alone are compared by the rules of names.
            declaration.Vocabulary is { } prompts && !DeclaredSweep.IsNumber(coordinate)
                && declaration.SweepUses.Any(use => use.IsRun && use.Name == placeholder)
                && declaration.Sweeps.Any(sweep => sweep.IsOfPoints && sweep.Placeholders.Contains(placeholder))
                ? VocabularyResolver.UnknownRun(coordinate, prompts)?.Message
                : null;
    }

    private static IEnumerable<Problem> Uses(InterventionDeclaration declaration, HashSet<string> paths)
    {
        if (declaration.SweepUses.Count == 0)
            yield break;
        Dictionary<string, PlaceholderKind> kinds =
            declaration.Placeholders.ToDictionary(placeholder => placeholder.Name, placeholder => placeholder.Kind);
        foreach (DeclaredSweepUse use in declaration.SweepUses)
        {
            // A placeholder that no write sweeps, or that stands for something else elsewhere, is reported by the rules of placeholders.
            if (!kinds.TryGetValue(use.Name, out PlaceholderKind kind) || (kind == PlaceholderKind.Number) == !use.IsRun
                || paths.Contains(use.Name) || declaration.SweepUses.Any(other => other.Name == use.Name && other.IsRun != use.IsRun))
                continue;
            string message =
                use.IsRun ? $"'{{{use.Name}}}' goes through numbers, and here stands a run" :
                kind == PlaceholderKind.Name ? $"'{{{use.Name}}}' goes through runs, and here stands a number" :
                $"'{{{use.Name}}}' has no values: add [Sweep(\"{use.Name}\", 0.5, 1, 2)] to '{declaration.Type.Name}'";
            yield return new Problem(SweepKind, use.Text.Location, message);
        }
    }

    private static IEnumerable<Problem> Strengths(InterventionDeclaration declaration)
    {
        foreach (DeclaredWrite write in declaration.Writes)
            if (write is { AmountText: { Length: > 0 } text, AmountSweep: null })
                yield return new Problem(
                    SweepKind, DeclaredText.Argument(write.Attribute, 1).Location,
                    $"'{text}' is no strength: write a number, or a placeholder in braces, as in \"{{alpha}}\"");
    }
}
