using Microsoft.ML.Tokenizers;

namespace Interventions.Models.Prompts.Tasks;

/// <summary>Draws the prompts of a task.</summary>
/// <param name="Vocabulary">The task's names.</param>
/// <param name="Count">How many prompts.</param>
/// <param name="Seed">The same seed draws the same prompts.</param>
/// <param name="Except">Prompts that are not drawn: those of a training set, for one that is held out.</param>
internal sealed record TaskPrompts(PromptVocabulary Vocabulary, int Count, int Seed, PromptSet? Except)
{
    /// <summary>How many different first runs there are at most.</summary>
    public required double Possible { get; init; }

    /// <summary>Draws prompts of text whose first runs differ, and tokenizes them.</summary>
    /// <exception cref="ArgumentException">There are not so many, or a text cannot be tokenized.</exception>
    public IReadOnlyList<PromptTokens> Draw(
        Tokenizer tokenizer, Func<Random, PromptRow> draw, AnswerTokens answerTokens = AnswerTokens.One) =>
        Draw(random => PromptText.Tokenize(
            Vocabulary, tokenizer, draw(random), $"a prompt of {Vocabulary.PromptSet}", answerTokens));

    /// <summary>Draws prompts whose first runs differ.</summary>
    /// <exception cref="ArgumentException">There are not so many.</exception>
    public IReadOnlyList<PromptTokens> Draw(Func<Random, PromptTokens> draw) =>
        Drawing.Distinct(
            new DrawingSource<PromptTokens>(Vocabulary.PromptSet, Possible, draw, Key, Bytes), Count, Seed,
            Except?.Prompts.Select(Key) ?? []);

    /// <summary>Ids, and the texts of tokens, which tokenizers share.</summary>
    private static long Bytes(PromptTokens prompt) => prompt.Runs.Sum(run => (long)run.Ids.Count * 2 * sizeof(long));

    private static string Key(PromptTokens prompt) => string.Join(' ', prompt.Runs[0].Ids);
}
