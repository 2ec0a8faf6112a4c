namespace Interventions.Models.Tests.Prompts.Tasks;

/// <summary>What a prompt of a task says, read from its tokens alone.</summary>
internal static class TaskTexts
{
    public static string Text(this HuggingFaceTokenizer tokenizer, RunTokens run) =>
        tokenizer.Decode(run.Ids.Select(id => (int)id), skipSpecialTokens: true);

    public static string Text(this HuggingFaceTokenizer tokenizer, long id) => tokenizer.Decode([(int)id]);

    /// <summary>The text of the token at a position.</summary>
    public static string At(this HuggingFaceTokenizer tokenizer, PromptSet set, int prompt, int run, string position) =>
        tokenizer.Text(set.Prompts[prompt].Runs[run].Ids[set.Index(prompt, run, position)]);

    /// <summary>The token index of a position.</summary>
    public static int Index(this PromptSet set, int prompt, int run, string position) =>
        set.Prompts[prompt].Runs[run].Positions[set.Vocabulary.Positions.ToList().IndexOf(position)];

    /// <summary>The text of an answer.</summary>
    public static string Answer(this HuggingFaceTokenizer tokenizer, PromptSet set, int prompt, string answer) =>
        tokenizer.Text(set.Prompts[prompt].Answers[set.Vocabulary.Answers.ToList().IndexOf(answer)]);

    /// <summary>The token indices at which the two runs of a prompt differ.</summary>
    public static int[] Differences(this PromptTokens prompt) =>
        [.. Enumerable.Range(0, prompt.Runs[0].Ids.Count).Where(i => prompt.Runs[0].Ids[i] != prompt.Runs[1].Ids[i])];

    /// <summary>The token indices of positions, ascending, each once.</summary>
    public static int[] Indices(this PromptSet set, int prompt, params string[] positions) =>
        [.. positions.Select(position => set.Index(prompt, 0, position)).Distinct().Order()];
}
