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
