using Interventions.Generators.Diagnostics;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Interventions.Sites;

namespace Interventions.Generators.Schema;

/// <summary>The rules of swept strengths and runs: what is listed is used, what is used has values, of the right kind.</summary>
internal static class SweepCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        Lists(declaration, cancellation).Concat(Uses(declaration, cancellation));

    private static IEnumerable<Problem> Lists(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        var used = new HashSet<string>(declaration.Writes.SelectMany(write => write.Placeholders));
        var paths = new HashSet<string>(Paths(declaration, cancellation));
        var known = new HashSet<string>();
        foreach (DeclaredSweep sweep in declaration.Sweeps)
        {
            var location = TextLocation.Argument(sweep.Attribute, 0, cancellation);
            string name = sweep.Name;
            string? message =
                !BracedName.IsName(name) ? $"'{name}' is no name of a placeholder: letters, digits and '_'" :
                !known.Add(name) ? $"'{name}' is swept twice" :
                sweep.Count == 0 ? $"'{name}' goes through no values: list them, as in [Sweep(\"{name}\", 0.5, 1, 2)]" :
                sweep.Numbers.Distinct().Count() + sweep.Runs.Distinct().Count() < sweep.Count ? $"'{name}' goes through a value twice" :
                paths.Contains(name) ? $"'{name}' is a placeholder of a site path, which says there what it goes through: choose another name" :
                !used.Contains(name) ? $"No write uses '{name}': write \"{{{name}}}\" where a strength or a run stands, or take it as [Swept(\"{name}\")]" :
                null;
            if (message is not null)
                yield return new Problem(Rules.SweepList, location.At(0, name.Length), message);
        }
    }

    private static IEnumerable<Problem> Uses(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        Dictionary<string, PlaceholderKind> kinds =
            SweptPlaceholders.Of(declaration, cancellation).ToDictionary(placeholder => placeholder.Name, placeholder => placeholder.Kind);
        var paths = new HashSet<string>(Paths(declaration, cancellation));
        List<DeclaredSweepUse> uses = DeclaredSweepUse.Of(declaration, cancellation).ToList();
        foreach (DeclaredSweepUse use in uses)
        {
            // What no write sweeps, and what is something else elsewhere, other rules report.
            if (!kinds.TryGetValue(use.Name, out PlaceholderKind kind) || (kind == PlaceholderKind.Number) == !use.IsRun
                || paths.Contains(use.Name) || uses.Any(other => other.Name == use.Name && other.IsRun != use.IsRun))
                continue;
            yield return new Problem(
                Rules.SweepKind, use.Location,
                use.IsRun ? $"'{{{use.Name}}}' goes through numbers, and here stands a run"
                : kind == PlaceholderKind.Name ? $"'{{{use.Name}}}' goes through runs, and here stands a number"
                : $"'{{{use.Name}}}' has no values: add [Sweep(\"{use.Name}\", 0.5, 1, 2)] to '{declaration.Type.Name}'");
        }
        foreach (DeclaredWrite write in declaration.Writes)
            if (write is { AmountText: { Length: > 0 } text, AmountSweep: null })
                yield return new Problem(
                    Rules.SweepKind, TextLocation.Argument(write.Attribute, 1, cancellation).At(0, text.Length),
                    $"'{text}' is no strength: write a number, or a placeholder in braces, as in \"{{alpha}}\"");
    }

    private static IEnumerable<string> Paths(InterventionDeclaration declaration, CancellationToken cancellation) =>
        DeclaredPath.Of(declaration, cancellation).SelectMany(path => path.Path?.Placeholders ?? []).Select(use => use.Name);
}
