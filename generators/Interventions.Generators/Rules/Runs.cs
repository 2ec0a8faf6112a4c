using Interventions.Generators.Declarations;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks derived runs: each has a name of its own, is written and read, and waits for no run that waits for it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Runs() : InterventionAnalyzer(RunCycle, DerivedRun)
{
    public static readonly DiagnosticDescriptor RunCycle = Rule.Composition(
        "INV209", "Runs that wait for each other",
        "Run '{0}' reads '{1}', which waits for '{0}'; a run can read only what does not depend on it");

    public static readonly DiagnosticDescriptor DerivedRun = Rule.Composition("INV210", "A derived run is new, written and read");

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration) => Names(declaration).Concat(Cycles(declaration));

    private static IEnumerable<Problem> Names(InterventionDeclaration declaration)
    {
        var known = new HashSet<string>();
        foreach (DeclaredRun run in declaration.Runs)
        {
            string name = run.Name;
            bool isWritten = IsNamed(RunSort.Derived), isRead = IsNamed(RunSort.Any) || IsNamed(RunSort.OfPrompts);
            string? message =
                declaration.Vocabulary is { } prompts && prompts.Runs.Contains(name)
                    ? $"{prompts.PromptSet} has a run '{name}' already; a derived run needs a name of its own" :
                !known.Add(name) ? $"Run '{name}' is derived twice" :
                !isWritten ? $"Nothing writes run '{name}': no write says In = \"{name}\"" :
                !isRead ? $"Nothing reads run '{name}': it is no write's donor" :
                null;
            if (message is not null)
                yield return new Problem(DerivedRun, run.Text.Location, message)
                {
                    IsLack = message.StartsWith("Nothing ", StringComparison.Ordinal),
                };

            bool IsNamed(RunSort which) => declaration.RunNames.Any(use => use.Which == which && use.Text.Value == name);
        }
    }

    /// <summary>Reports a cycle once, where the text closes it. A run that reads itself breaks a rule of order.</summary>
    private static IEnumerable<Problem> Cycles(InterventionDeclaration declaration)
    {
        var reads = new List<(string Run, string Donor)>();
        foreach (DeclaredWrite write in declaration.Writes)
        {
            if (write.Run is not { } run)
                continue;
            foreach (DeclaredText donor in write.Donors)
            {
                if (donor.Value != run && Reaches(donor.Value, run, reads, []))
                    yield return new Problem(RunCycle, donor.Location, run, donor.Value);
                else
                    reads.Add((run, donor.Value));
            }
        }
    }

    private static bool Reaches(string from, string target, List<(string Run, string Donor)> reads, HashSet<string> seen) =>
        from == target || (seen.Add(from) && reads.Any(read => read.Run == from && Reaches(read.Donor, target, reads, seen)));
}
