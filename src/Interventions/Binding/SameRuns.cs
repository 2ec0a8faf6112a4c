using Interventions.Runtime;
using Interventions.Tables;

namespace Interventions.Binding;

/// <summary>Finds prompts whose runs are no pair, since they have the same tokens.</summary>
internal static class SameRuns
{
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
                yield return $"Runs '{runs[other]}' and '{runs[run]}' are the same tokens in {same.Length} of "
                    + $"{TextTable.Count(prompts.Prompts.Count, "prompt")} of {prompts.Vocabulary.PromptSet} "
                    + $"({TextTable.First(same)}): patching from one to the other changes nothing there.";
            }

        static bool IsSame(IReadOnlyList<RunTokens> of, int run, int other) => of[run].Ids.SequenceEqual(of[other].Ids);
    }
}
