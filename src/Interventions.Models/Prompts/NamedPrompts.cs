using Interventions.Runtime;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// Prompts whose runs, positions and answers are named when they are made: for notebooks and loops, where no class declares them. A
/// <c>[PromptSchema]</c> class has its names checked while one types.
/// </summary>
public sealed class NamedPrompts : PromptSet
{
    private NamedPrompts(PromptVocabulary vocabulary, IReadOnlyList<PromptTokens> prompts)
        : base(vocabulary, prompts)
    {
    }

    /// <summary>Tokenizes prompts.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="runs">The runs. The first is the base run, which writes change.</param>
    /// <param name="positions">Named token positions; <c>end</c> is the last token unless a text marks it.</param>
    /// <param name="answers">Named answers.</param>
    /// <param name="rows">A text for each run, in which <c>[name|text]</c> marks a position, and a text for each answer.</param>
    /// <exception cref="ArgumentException">
    /// A prompt lacks a run, a mark or an answer, an answer is not one token, or the runs of a prompt differ in length.
    /// </exception>
    public static NamedPrompts Create(
        Tokenizer tokenizer, string[] runs, string[] positions, string[] answers, params IEnumerable<PromptRow> rows)
    {
        PromptVocabulary vocabulary = new(
            nameof(NamedPrompts), runs.ToEquatableArray(), positions.ToEquatableArray(), answers.ToEquatableArray());
        return Create(tokenizer, vocabulary, rows);
    }

    /// <summary>Tokenizes prompts of a vocabulary, such as another set's.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="vocabulary">The names of runs, positions and answers.</param>
    /// <param name="rows">A text for each run, in which <c>[name|text]</c> marks a position, and a text for each answer.</param>
    /// <param name="answerTokens">Whether answers may be several tokens, of which the first counts.</param>
    /// <exception cref="ArgumentException">As above.</exception>
    public static NamedPrompts Create(
        Tokenizer tokenizer, PromptVocabulary vocabulary, IEnumerable<PromptRow> rows, AnswerTokens answerTokens = AnswerTokens.One) =>
        new(vocabulary, PromptText.Tokenize(vocabulary, tokenizer, rows, answerTokens));

    /// <summary>Reads prompts that <see cref="PromptSet.Save"/> wrote, or that somebody wrote like that.</summary>
    /// <inheritdoc cref="PromptFile.Read"/>
    public static NamedPrompts Load(
        string path, PromptVocabulary vocabulary, Tokenizer? tokenizer = null, AnswerTokens answerTokens = AnswerTokens.One) =>
        new(vocabulary, PromptFile.Read(path, vocabulary, tokenizer, answerTokens));
}
