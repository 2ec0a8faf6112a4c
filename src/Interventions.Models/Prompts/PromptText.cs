using System.Text;
using Interventions.Models.Prompts;
using Interventions.Runtime;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>One prompt as text.</summary>
/// <param name="Runs">
/// A text for each run. <c>[name|text]</c> marks a position: the last token of the marked text. <c>[[</c> is a plain bracket.
/// </param>
/// <param name="Answers">A text for each answer, exactly one token, with the space in front where the tokenizer needs one.</param>
public sealed record PromptRow(IReadOnlyList<string> Runs, IReadOnlyList<string> Answers)
{
    /// <summary>The sentence pattern that the texts were made from, see <see cref="PromptTokens.Template"/>.</summary>
    public int Template { get; init; }
}

/// <summary>Turns texts with marked positions into tokens. Called by generated code.</summary>
public static class PromptText
{
    /// <summary>Tokenizes prompts, the tokenizer's own special tokens included.</summary>
    /// <exception cref="ArgumentException">
    /// A mark is unknown, missing or broken, or an answer is not one token; or a tokenizer other than <see cref="HuggingFaceTokenizer"/>
    /// does not decode a text to itself, or gives offsets that do not fit it. The message names the prompt.
    /// </exception>
    public static IReadOnlyList<PromptTokens> Tokenize(PromptVocabulary vocabulary, Tokenizer tokenizer, IEnumerable<PromptRow> rows)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(rows);
        return [.. rows.Select((row, i) =>
        {
            string prompt = $"prompt {i} of {vocabulary.PromptSet}";
            return new PromptTokens(
                [.. row.Runs.Select((text, run) =>
                    Run(vocabulary, tokenizer, text, $"{prompt}, run '{Name(vocabulary.Runs, run, "runs", prompt)}'"))],
                [.. row.Answers.Select((text, answer) =>
                    Answer(tokenizer, text, $"answer '{Name(vocabulary.Answers, answer, "answers", prompt)}' of {prompt}"))])
            {
                Template = row.Template,
                AnswerTexts = [.. row.Answers],
            };
        })];
    }

    /// <summary>The tokens of a text without marks, the tokenizer's own special tokens included.</summary>
    internal static IReadOnlyList<long> Encode(Tokenizer tokenizer, string text, string where) =>
        [.. Encoded(tokenizer, text, addSpecialTokens: true, where).Ids.Select(id => (long)id)];

    private static string Name(EquatableArray<string> names, int index, string what, string prompt) =>
        index < names.Count
            ? names[index]
            : throw new ArgumentException(
                $"{prompt} has more {what} than its vocabulary, which names {names.Count}: {string.Join(", ", names)}.");

    private static RunTokens Run(PromptVocabulary vocabulary, Tokenizer tokenizer, string? marked, string where)
    {
        if (marked is null)
            throw new ArgumentException($"{where} has no text: it is null.");
        (string text, Dictionary<string, int> ends) = ReadMarks(vocabulary, marked, where);
        EncodedText encoded = Encoded(tokenizer, text, addSpecialTokens: true, where);
        if (encoded.Ids.Count == 0)
            throw new ArgumentException($"{where} is empty; a prompt needs at least one token.");
        List<int> positions = [];
        foreach (string name in vocabulary.Positions)
        {
            if (ends.TryGetValue(name, out int end))
                positions.Add(TokenEndingAt(tokenizer, encoded, end, name, where));
            else if (name == "end")
                positions.Add(encoded.Ids.Count - 1);
            else
                throw new ArgumentException($"{where} does not mark position '{name}': write [{name}|…] around its token.");
        }
        return new RunTokens([.. encoded.Ids.Select(id => (long)id)], positions) { Texts = [.. encoded.Offsets.Select(Text)] };

        // A token that was added around the text covers none of it.
        string Text(Range part, int i) => part.End.Value == 0 ? encoded.Tokens[i] : text[part];
    }

    /// <summary>Takes the marks out of a text.</summary>
    /// <returns>The text, and for each marked position the index behind its text.</returns>
    private static (string Text, Dictionary<string, int> Ends) ReadMarks(PromptVocabulary vocabulary, string marked, string where)
    {
        StringBuilder text = new();
        Dictionary<string, int> ends = [];
        for (int i = 0; i < marked.Length; i++)
        {
            if (marked[i] != '[')
            {
                text.Append(marked[i]);
                continue;
            }
            if (i + 1 < marked.Length && marked[i + 1] == '[')
            {
                text.Append('[');
                i++;
                continue;
            }
            (string name, string inside) = ReadMark(vocabulary, marked, i, where);
            text.Append(inside);
            if (!ends.TryAdd(name, text.Length))
                throw new ArgumentException($"{where} marks position '{name}' twice.");
            i = marked.IndexOf(']', i);
        }
        return (text.ToString(), ends);
    }

    private static (string Name, string Inside) ReadMark(PromptVocabulary vocabulary, string marked, int open, string where)
    {
        int close = marked.IndexOf(']', open), bar = marked.IndexOf('|', open);
        if (close < 0 || bar < 0 || bar > close || marked.IndexOf('[', bar, close - bar) >= 0)
        {
            throw new ArgumentException(
                $"{where} has a '[' at character {open} that is not a mark: write [name|text], or [[ for a bracket.");
        }
        (string name, string inside) = (marked[(open + 1)..bar], marked[(bar + 1)..close]);
        if (!vocabulary.Positions.Contains(name))
        {
            throw new ArgumentException(
                $"{where} marks position '{name}', which {vocabulary.PromptSet} does not have; "
                + $"it has {string.Join(", ", vocabulary.Positions)}.");
        }
        return inside.Length > 0
            ? (name, inside)
            : throw new ArgumentException($"{where} marks no text as position '{name}': write [{name}|text].");
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

    private static long Answer(Tokenizer tokenizer, string? text, string where)
    {
        if (text is null)
            throw new ArgumentException($"{where} has no text: it is null.");
        IReadOnlyList<int> ids = Encoded(tokenizer, text, addSpecialTokens: false, where).Ids;
        string advice = text.StartsWith(' ') ? "" : " Does the tokenizer want a space in front of words?";
        return ids.Count == 1
            ? ids[0]
            : throw new ArgumentException($"{where}, \"{text}\", is {ids.Count} tokens; an answer is exactly one.{advice}");
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
            throw new ArgumentException($"{where}: the tokenizer has no token for \"{text[missing]}\".");
        for (int i = 0; i < encoded.Ids.Count; i++)
            // A token that was added around the text covers nothing. In a model with a single special token it is the unknown token too.
            if (encoded.Ids[i] == own.UnknownId && encoded.Offsets[i].End.Value > 0)
                throw new ArgumentException($"{where}: the tokenizer does not know \"{text[encoded.Offsets[i]]}\".");
        return encoded;
    }
}
