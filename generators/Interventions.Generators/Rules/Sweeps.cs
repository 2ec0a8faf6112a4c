using Interventions.Generators.Declarations;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks swept strengths and runs: each list has a use, and each use has values of the right kind.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Sweeps() : InterventionAnalyzer(SweepList, SweepKind)
{
    public static readonly DiagnosticDescriptor SweepList = Rule.Composition("INV231", "A sweep has values and a use");

    public static readonly DiagnosticDescriptor SweepKind = Rule.Composition("INV232", "A sweep goes through values of the right kind");

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration)
    {
        bool isSwept = declaration.Sweeps.Count > 0 || declaration.SweepUses.Count > 0;
        HashSet<string> paths = isSwept ? new(declaration.Paths.SelectMany(path => path.Placeholders)) : [];
        return Lists(declaration, paths).Concat(Uses(declaration, paths)).Concat(Strengths(declaration));
    }

    private static IEnumerable<Problem> Lists(InterventionDeclaration declaration, HashSet<string> paths)
    {
        if (declaration.Sweeps.Count == 0)
            yield break;
        var used = new HashSet<string>(declaration.Writes.SelectMany(write => write.Placeholders));
        var known = new HashSet<string>();
        foreach (DeclaredSweep sweep in declaration.Sweeps)
        {
            string name = sweep.Name;
            int values = sweep.Numbers.Distinct().Count() + sweep.Runs.Select(run => run.Value).Distinct().Count();
            string? message =
                !BracedName.IsName(name) ? $"'{name}' is no name of a placeholder: letters, digits and '_'" :
                !known.Add(name) ? $"'{name}' is swept twice" :
                sweep.Count == 0 ? $"'{name}' goes through no values: list them, as in [Sweep(\"{name}\", 0.5, 1, 2)]" :
                values < sweep.Count ? $"'{name}' goes through a value twice" :
                paths.Contains(name)
                    ? $"'{name}' is a placeholder of a site path, which says there what it goes through: choose another name" :
                !used.Contains(name)
                    ? $"No write uses '{name}': write \"{{{name}}}\" where a strength or a run stands, or take it as [Swept(\"{name}\")]" :
                null;
            if (message is not null)
                yield return new Problem(SweepList, sweep.Placeholder.Location, message)
                {
                    IsLack = message.StartsWith("No write uses ", StringComparison.Ordinal),
                };
        }
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
