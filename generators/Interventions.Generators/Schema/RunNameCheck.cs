using Interventions.Generators.Infrastructure;
using Interventions.Generators.Parsing;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Generators.Schema;

/// <summary>Compares the names of runs with the prompt set and with the runs that the declaration derives.</summary>
internal static class RunNameCheck
{
    /// <summary>What is wrong with a name; null if nothing.</summary>
    public static SiteProblem? Problem(DeclaredRunName name, InterventionDeclaration declaration, PromptVocabulary prompts)
    {
        string text = name.Location.Text;
        EquatableArray<string> derived = declaration.Runs.Select(run => run.Text(0)).ToEquatableArray();
        return name.Which switch
        {
            RunSort.Derived => Derived(text, derived, declaration.Type.Name, prompts),
            RunSort.Any when derived.Contains(text) => null,
            RunSort.OfPrompts when derived.Contains(text) && !prompts.Runs.Contains(text) => new SiteProblem(
                SiteProblemKind.UnknownRun,
                $"'{text}' is derived, and read by writes only; here stands a run of {prompts.PromptSet}: {Spelling.List(prompts.Runs)}",
                0, text.Length, null),
            // A slip may be one of either sort of name.
            RunSort.Any when VocabularyResolver.UnknownRun(text, prompts) is { } problem =>
                problem.Suggestion is null && Spelling.Nearest(text, derived) is { } nearest
                    ? new SiteProblem(problem.Kind, $"There is no run '{text}'; did you mean '{nearest}'?", 0, text.Length, nearest)
                    : problem,
            _ => VocabularyResolver.UnknownRun(text, prompts),
        };
    }

    private static SiteProblem? Derived(string text, EquatableArray<string> derived, string declaration, PromptVocabulary prompts)
    {
        if (derived.Contains(text))
            return null;
        string? nearest = Spelling.Nearest(text, derived);
        string message =
            prompts.Runs.Contains(text)
                ? $"'{text}' is a run of {prompts.PromptSet}, which stays unchanged; [Changes] says which one is written, [Run] derives another" :
            nearest is not null ? $"'{declaration}' derives no run '{text}'; did you mean '{nearest}'?" :
            $"'{declaration}' derives no run '{text}': [Run(\"{text}\")] is missing";
        return new SiteProblem(SiteProblemKind.UnknownRun, message, 0, text.Length, nearest);
    }
}
