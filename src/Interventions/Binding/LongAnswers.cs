using Interventions.Runtime;
using Interventions.Tables;

namespace Interventions.Binding;

/// <summary>Says which answers are several tokens, of which the first counts.</summary>
internal static class LongAnswers
{
    /// <summary>A note for each answer of which some prompt's text is several tokens.</summary>
    public static IEnumerable<string> Notes(IPromptSet prompts)
    {
        EquatableArray<string> answers = prompts.Vocabulary.Answers;
        for (int answer = 0; answer < answers.Count; answer++)
        {
            int[] several = [.. Enumerable.Range(0, prompts.Prompts.Count).Where(i => prompts.Prompts[i].AnswerLengths?[answer] > 1)];
            if (several.Length == 0)
                continue;
            PromptTokens first = prompts.Prompts[several[0]];
            yield return $"Answer '{answers[answer]}' is several tokens, of which the first counts, in {several.Length} of "
                + $"{TextTable.Count(prompts.Prompts.Count, "prompt")} of {prompts.Vocabulary.PromptSet}: in prompt {several[0]} it is "
                + $"{TextTable.Quote(first.AnswerTexts![answer])}, {first.AnswerLengths![answer]} tokens.";
        }
    }
}

/// <summary>Finds prompts whose runs are no pair, since they have the same tokens.</summary>
internal static class SameRuns
{
    private const int Listed = 5;

    /// <summary>A note for each run that has, in some prompts, the tokens of an earlier run.</summary>
    public static IEnumerable<string> Notes(IPromptSet prompts)
    {
        EquatableArray<string> runs = prompts.Vocabulary.Runs;
        for (int run = 1; run < runs.Count; run++)
            for (int other = 0; other < run; other++)
            {
                int[] same = [.. Enumerable.Range(0, prompts.Prompts.Count).Where(i => IsSame(prompts.Prompts[i].Runs, run, other))];
                if (same.Length == 0)
                    continue;
                string more = same.Length > Listed ? $" and {same.Length - Listed} more" : "";
                yield return $"Runs '{runs[other]}' and '{runs[run]}' are the same tokens in {same.Length} of "
                    + $"{TextTable.Count(prompts.Prompts.Count, "prompt")} of {prompts.Vocabulary.PromptSet} "
                    + $"({string.Join(", ", same.Take(Listed))}{more}): patching from one to the other changes nothing there.";
            }

        static bool IsSame(IReadOnlyList<RunTokens> of, int run, int other) => of[run].Ids.SequenceEqual(of[other].Ids);
    }
}
