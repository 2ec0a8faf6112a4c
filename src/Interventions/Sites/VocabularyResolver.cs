using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>
/// Compares the names of runs, positions and answers with a prompt set, for the analyzers and for the refusal at run time.
/// </summary>
internal static class VocabularyResolver
{
    /// <summary>What is wrong with a run's name; <see langword="null"/> if nothing.</summary>
    public static SiteProblem? UnknownRun(string name, PromptVocabulary prompts) => BracedName.Read(name) is not null
        ? new SiteProblem(
            SiteProblemKind.UnknownRun,
            $"'{name}' goes through several runs, and here stands one of {prompts.PromptSet}: {Spelling.List(prompts.Runs)}",
            0, name.Length)
        : Unknown(SiteProblemKind.UnknownRun, "run", name, prompts.Runs, prompts);

    /// <summary>What is wrong with an answer's name; <see langword="null"/> if nothing.</summary>
    public static SiteProblem? UnknownAnswer(string name, PromptVocabulary prompts) =>
        Unknown(SiteProblemKind.UnknownAnswer, "answer", name, prompts.Answers, prompts);

    /// <summary>What is wrong with a position's name (without an offset); <see langword="null"/> if nothing.</summary>
    public static SiteProblem? UnknownPosition(string name, PromptVocabulary prompts) =>
        NewTokens.IsReserved(name) ? null : Unknown(SiteProblemKind.UnknownPosition, "position", name, prompts.Positions, prompts);

    /// <summary>Parses and checks a single position: <c>end</c>, <c>S1+1</c>, <c>-1</c>.</summary>
    public static bool TryPosition(
        string text,
        PromptVocabulary? prompts,
        [NotNullWhen(true)] out SelectionItem? position,
        [NotNullWhen(false)] out SiteProblem? problem)
    {
        position = null;
        try
        {
            position = new SitePathParser(text).Position();
        }
        catch (SitePathParser.SyntaxException syntax)
        {
            problem = syntax.Problem;
            return false;
        }
        problem =
            position.Name is NewTokens.Prompt or NewTokens.Named
                ? new SiteProblem(
                    SiteProblemKind.UnknownPosition,
                    $"'{text}' is several positions; one is needed, such as 'end'", 0, text.Length, "end") :
            position.Name is null || prompts is null ? null :
            UnknownPosition(position.Name, prompts);
        if (problem is null)
            return true;
        // An offset behind the name stays.
        if (problem.Suggestion is not null)
            problem = problem with { Suggestion = problem.Suggestion + text.Substring(position!.Name!.Length) };
        position = null;
        return false;
    }

    private static SiteProblem? Unknown(
        SiteProblemKind kind, string what, string name, EquatableArray<string> known, PromptVocabulary prompts)
    {
        if (known.Contains(name))
            return null;
        string? nearest = Spelling.Nearest(name, known)
            ?? (kind == SiteProblemKind.UnknownPosition ? Spelling.Nearest(name, NewTokens.Reserved) : null);
        string end = nearest is null ? "." : $"; did you mean '{nearest}'?";
        string all =
            known.Count == 0 ? $"It names none: write [PromptSchema({char.ToUpperInvariant(what[0])}{what.Substring(1)}s = [\"{name}\"])]" :
            known.Count == 1 ? $"Its only {what} is {known[0]}" :
            $"Its {what}s are {Spelling.List(known)}";
        return new SiteProblem(kind, $"{prompts.PromptSet} has no {what} '{name}'{end} {all}", 0, name.Length, nearest);
    }
}
