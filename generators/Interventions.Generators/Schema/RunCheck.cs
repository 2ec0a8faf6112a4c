using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Generators.Parsing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Schema;

/// <summary>The rules of derived runs: each has a name of its own, is written and read, and waits for no run that waits for it.</summary>
internal static class RunCheck
{
    public static IEnumerable<Problem> Problems(InterventionDeclaration declaration, CancellationToken cancellation) =>
        Names(declaration, cancellation).Concat(Cycles(declaration, cancellation));

    private static IEnumerable<Problem> Names(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        PromptVocabulary? prompts = VocabularyReader.Of(declaration);
        List<DeclaredRunName> uses = DeclaredRunName.Of(declaration, cancellation).ToList();
        var known = new HashSet<string>();
        foreach (AttributeData run in declaration.Runs)
        {
            var location = TextLocation.Argument(run, 0, cancellation);
            string name = location.Text;
            string? message =
                prompts is not null && prompts.Runs.Contains(name) ? $"{prompts.PromptSet} has a run '{name}' already; a derived run needs a name of its own" :
                !known.Add(name) ? $"Run '{name}' is derived twice" :
                !uses.Any(use => use.Which == RunSort.Derived && use.Location.Text == name) ? $"Nothing writes run '{name}': no write says In = \"{name}\"" :
                !uses.Any(use => use.Which != RunSort.Derived && use.Location.Text == name) ? $"Nothing reads run '{name}': it is no write's donor" :
                null;
            if (message is not null)
                yield return new Problem(Rules.DerivedRun, location.At(0, name.Length), message);
        }
    }

    /// <summary>Said once a cycle, where the text closes it. A run that reads itself is another rule's.</summary>
    private static IEnumerable<Problem> Cycles(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        var reads = new List<(string Run, string Donor)>();
        foreach (DeclaredWrite write in declaration.Writes)
        {
            if (write.Run is not { } run)
                continue;
            foreach (TextLocation donor in Donors(write, cancellation))
            {
                if (donor.Text != run && Reaches(donor.Text, run, reads, []))
                    yield return new Problem(Rules.RunCycle, donor.At(0, donor.Text.Length), run, donor.Text);
                else
                    reads.Add((run, donor.Text));
            }
        }
    }

    /// <summary>The runs that a write reads.</summary>
    public static IEnumerable<TextLocation> Donors(DeclaredWrite write, CancellationToken cancellation)
    {
        if (write.DonorProperty is { } property && TextLocation.Property(write.Attribute, property, cancellation) is { } donor)
            yield return donor;
        foreach (DeclaredParameter parameter in write.Method?.Parameters ?? [])
            if (parameter.Kind == ReadKind.From)
                yield return TextLocation.Argument(parameter.Attribute, 0, cancellation);
    }

    private static bool Reaches(string from, string target, List<(string Run, string Donor)> reads, HashSet<string> seen) =>
        from == target || (seen.Add(from) && reads.Any(read => read.Run == from && Reaches(read.Donor, target, reads, seen)));
}
