using Interventions.Models.Prompts;
using Interventions.Runtime;
using Interventions.Tables;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>One prompt as text.</summary>
/// <param name="Runs">
/// A text for each run. <c>[name|text]</c> marks a position: the last token of the marked text. <c>[[</c> is a plain bracket. A text
/// without any mark has its positions where the first marked one has them: the text around the marks is the same.
/// </param>
/// <param name="Answers">
/// A text for each answer, exactly one token unless <see cref="AnswerTokens.First"/> is asked for, with the space in front where the
/// tokenizer needs one.
/// </param>
public sealed record PromptRow(IReadOnlyList<string> Runs, IReadOnlyList<string> Answers)
{
    /// <summary>The sentence pattern that the texts were made from, see <see cref="PromptTokens.Template"/>.</summary>
    public int Template { get; init; }
}

/// <summary>How many tokens the text of an answer may have.</summary>
public enum AnswerTokens
{
    /// <summary>Exactly one: a longer answer is refused.</summary>
    One,

    /// <summary>Several, of which the first counts: notes of the prompt set and warnings of runs say of which answers that is so.</summary>
    First,
}

/// <summary>Turns texts with marked positions into tokens. Called by generated code.</summary>
public static class PromptText
{
    /// <summary>Tokenizes prompts, the tokenizer's own special tokens included.</summary>
    /// <param name="vocabulary">The names.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="rows">The texts.</param>
    /// <param name="answerTokens">Whether answers may be several tokens, of which the first counts.</param>
    /// <exception cref="ArgumentException">
    /// A mark is unknown, missing or broken, a text without marks does not fit around those of another run, an answer is not one token, or,
    /// where several are allowed, begins with the token of another one, or a text has a special token at an end, such as a beginning of
    /// sentence, that the tokenizer puts there too; or a tokenizer other than <see cref="HuggingFaceTokenizer"/> does not decode a text to
    /// itself, or gives offsets that do not fit it. The message names the prompt.
    /// </exception>
    public static IReadOnlyList<PromptTokens> Tokenize(
        PromptVocabulary vocabulary, Tokenizer tokenizer, IEnumerable<PromptRow> rows, AnswerTokens answerTokens = AnswerTokens.One)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(rows);
        return [.. rows.Select((row, i) => Tokenize(vocabulary, tokenizer, row, $"prompt {i} of {vocabulary.PromptSet}", answerTokens))];
    }

    /// <summary>Tokenizes a prompt.</summary>
    /// <param name="vocabulary">The names.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="row">The texts.</param>
    /// <param name="prompt">The prompt, for messages.</param>
    /// <param name="answerTokens">Whether answers may be several tokens, of which the first counts.</param>
    internal static PromptTokens Tokenize(
        PromptVocabulary vocabulary, Tokenizer tokenizer, PromptRow row, string prompt, AnswerTokens answerTokens = AnswerTokens.One)
    {
        RunTokens[] runs = [.. Runs(vocabulary, tokenizer, row.Runs, prompt)];
        IReadOnlyList<int>[] ids =
        [
            .. row.Answers.Select((text, answer) => Answer(
                tokenizer, text, $"answer '{Name(vocabulary.Answers, answer, "answers", prompt)}' of {prompt}", answerTokens)),
        ];
        for (int i = 0; i < ids.Length; i++)
            for (int j = 0; j < i; j++)
                if (ids[i][0] == ids[j][0] && ids[i].Count + ids[j].Count > 2 && row.Answers[i] != row.Answers[j])
                    throw new ArgumentException(
                        $"Answers '{vocabulary.Answers[j]}' and '{vocabulary.Answers[i]}' of {prompt}, "
                        + $"{TextTable.Quote(row.Answers[j])} and {TextTable.Quote(row.Answers[i])}, begin with the same token, and "
                        + "only the first one counts; choose others.");
        return new PromptTokens(runs, [.. ids.Select(answer => (long)answer[0])])
        {
            Template = row.Template,
            AnswerTexts = [.. row.Answers],
            AnswerLengths = answerTokens == AnswerTokens.One ? null : [.. ids.Select(answer => answer.Count)],
        };
    }

    /// <summary>The tokens of a text without marks.</summary>
    internal static IReadOnlyList<long> Encode(Tokenizer tokenizer, string text, string where, bool addSpecialTokens = true) =>
        [.. Encoded(tokenizer, text, addSpecialTokens, where).Ids.Select(id => (long)id)];

    private static string Name(EquatableArray<string> names, int index, string what, string prompt) =>
        index < names.Count
            ? names[index]
            : throw new ArgumentException(
                $"{prompt} has more {what} than its vocabulary, which names {names.Count}: {string.Join(", ", names)}.");

    /// <summary>The runs of one prompt. A text without any mark has its marks where another run's text has them.</summary>
    private static IEnumerable<RunTokens> Runs(PromptVocabulary vocabulary, Tokenizer tokenizer, IReadOnlyList<string> texts, string prompt)
    {
        MarkedText[] marked =
        [
            .. texts.Select((text, run) =>
                MarkedText.Read(vocabulary, text, $"{prompt}, run '{Name(vocabulary.Runs, run, "runs", prompt)}'")),
        ];
        MarkedText? model = marked.FirstOrDefault(text => text.Marks.Count > 0);
        return marked.Select(text => Run(vocabulary, tokenizer, text.Marks.Count == 0 && model is not null ? text.Like(model) : text));
    }

    private static RunTokens Run(PromptVocabulary vocabulary, Tokenizer tokenizer, MarkedText text)
    {
        EncodedText encoded = Encoded(tokenizer, text.Text, addSpecialTokens: !text.HasSpecialTokens, text.Where);
        if (encoded.Ids.Count == 0)
            throw new ArgumentException($"{text.Where} is empty; a prompt needs at least one token.");
        List<int> positions = [];
        foreach (string name in vocabulary.Positions)
        {
            if (text.Marks.FirstOrDefault(mark => mark.Name == name) is { } mark)
                positions.Add(TokenEndingAt(tokenizer, encoded, mark.End, name, text.Where));
            else if (name == "end")
                positions.Add(encoded.Ids.Count - 1);
            else
                throw new ArgumentException($"{text.Where} does not mark position '{name}': write [{name}|…] around its token.");
        }
        return new RunTokens([.. encoded.Ids.Select(id => (long)id)], positions)
        {
            Texts = [.. encoded.Offsets.Select(Text)],
            Marked = text.Written(),
        };

        // A token that was added around the text covers none of it.
        string Text(Range part, int i) => part.End.Value == 0 ? encoded.Tokens[i] : text.Text[part];
    }

    private static int TokenEndingAt(Tokenizer tokenizer, EncodedText encoded, int end, string name, string where)
    {
        for (int i = encoded.Ids.Count - 1; i >= 0; i--)
            if (encoded.Offsets[i].End.Value == end && encoded.Offsets[i].Start.Value < end)
            {
                if (tokenizer is not HuggingFaceTokenizer)
                    ForeignTokenizer.CheckEnd(tokenizer, encoded, i, where);
                return i;
            }
        throw new ArgumentException($"{where}: no token ends where the text marked '{name}' ends; mark whole tokens.");
    }

    private static IReadOnlyList<int> Answer(Tokenizer tokenizer, string? text, string where, AnswerTokens allowed)
    {
        if (text is null)
            throw new ArgumentException($"{where} has no text: it is null.");
        EncodedText encoded = Encoded(tokenizer, text, addSpecialTokens: false, where);
        if (encoded.Ids.Count == 1 || (encoded.Ids.Count > 1 && allowed == AnswerTokens.First))
            return encoded.Ids;
        string parts = string.Concat(encoded.Offsets.Select(part => $", {TextTable.Quote(text[part])}"));
        string advice = text.StartsWith(' ') || !IsOneToken(tokenizer, " " + text) ? ""
            : $" With the space in front, \" {text}\", it is one.";
        string first = encoded.Ids.Count == 0 ? "" : " AnswerTokens.First lets the first of several count.";
        throw new ArgumentException(
            $"{where}, {TextTable.Quote(text)}, is {encoded.Ids.Count} tokens{parts}; an answer is exactly one."
            + (advice.Length > 0 ? advice : first));
    }

    private static bool IsOneToken(Tokenizer tokenizer, string text)
    {
        try
        {
            return Encoded(tokenizer, text, addSpecialTokens: false, "").Ids.Count == 1;
        }
        catch (ArgumentException)
        {
            // It has no token.
            return false;
        }
    }

    /// <summary>
    /// The tokens of a text. Text that becomes the unknown token or no token is refused, since the prompt would silently be another one.
    /// </summary>
    private static EncodedText Encoded(Tokenizer tokenizer, string text, bool addSpecialTokens, string where)
    {
        if (tokenizer is not HuggingFaceTokenizer own)
            return ForeignTokenizer.Encode(tokenizer, text, addSpecialTokens, where);
        EncodedText encoded = own.Encode(text, addSpecialTokens);
        foreach (Range missing in encoded.Missing)
            throw new ArgumentException($"{where}: the tokenizer has no token for {TextTable.Quote(text[missing])}.");
        for (int i = 0; i < encoded.Ids.Count; i++)
            // A token that was added around the text covers nothing. In a model with a single special token it is the unknown token too.
            if (encoded.Ids[i] == own.UnknownId && encoded.Offsets[i].End.Value > 0)
                throw new ArgumentException($"{where}: the tokenizer does not know {TextTable.Quote(text[encoded.Offsets[i]])}.");
        CheckDoubled(own, encoded, where);
        return encoded;
    }

    /// <summary>
    /// Refuses a text with a special token at its end that the tokenizer puts there too: a second beginning of sentence changes what the
    /// model computes, and is hardly ever meant.
    /// </summary>
    private static void CheckDoubled(HuggingFaceTokenizer tokenizer, EncodedText encoded, string where)
    {
        int count = encoded.Ids.Count;
        if (count < 2)
            return;
        foreach ((int added, int own, string verb) in ((int, int, string)[])[(0, 1, "begins"), (count - 1, count - 2, "ends")])
        {
            if (encoded.Ids[added] == encoded.Ids[own] && encoded.Offsets[added].End.Value == 0 && encoded.Offsets[own].End.Value > 0
                && tokenizer.SpecialTokens.ContainsKey(encoded.Tokens[own]))
            {
                throw new ArgumentException(
                    $"{where} {verb} with {TextTable.Quote(encoded.Tokens[own])}, which the tokenizer adds itself, so that it would be "
                    + "there twice. "
                    + "Leave it out of the text, or make a chat's text with ChatPrompt.Of; prompts of token ids (FromTokens) are taken as "
                    + "they are.");
            }
        }
    }
}
