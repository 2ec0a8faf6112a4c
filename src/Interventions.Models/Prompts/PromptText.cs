using System.Text;
using Interventions.Runtime;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>One prompt as text.</summary>
/// <param name="Runs">
/// A text a run. <c>[name|text]</c> marks a position: the last token of the marked text. <c>[[</c> is a bracket that marks nothing.
/// </param>
/// <param name="Answers">A text an answer, with the space in front where the tokenizer wants one; exactly one token.</param>
public sealed record PromptRow(IReadOnlyList<string> Runs, IReadOnlyList<string> Answers)
{
    /// <summary>Which sentence pattern the texts were made from, see <see cref="PromptTokens.Template"/>.</summary>
    public int Template { get; init; }
}

/// <summary>Turns texts with marked positions into tokens. Called by generated code.</summary>
public static class PromptText
{
    /// <summary>Tokenizes prompts, the tokenizer's own special tokens included.</summary>
    /// <exception cref="ArgumentException">
    /// A mark is unknown, missing or broken, or an answer is not one token; or the tokenizer is not a <see cref="HuggingFaceTokenizer"/> and
    /// does not decode a text to itself, or gives offsets that do not fit it. The message names the prompt.
    /// </exception>
    public static IReadOnlyList<PromptTokens> Tokenize(PromptVocabulary vocabulary, Tokenizer tokenizer, IEnumerable<PromptRow> rows)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(rows);
        return [.. rows.Select((row, i) => new PromptTokens(
            [.. row.Runs.Select((text, run) => Run(vocabulary, tokenizer, text, $"prompt {i} of {vocabulary.PromptSet}, run '{Name(vocabulary.Runs, run, i, "runs", vocabulary)}'"))],
            [.. row.Answers.Select((text, answer) => Answer(tokenizer, text, $"answer '{Name(vocabulary.Answers, answer, i, "answers", vocabulary)}' of prompt {i} of {vocabulary.PromptSet}"))])
        {
            Template = row.Template,
        })];
    }

    /// <summary>The tokens of a text without marks, the tokenizer's own special tokens included.</summary>
    internal static IReadOnlyList<long> Encode(Tokenizer tokenizer, string text, string where) =>
        [.. Encoded(tokenizer, text, addSpecialTokens: true, where).Ids.Select(id => (long)id)];

    private static string Name(EquatableArray<string> names, int index, int i, string what, PromptVocabulary vocabulary) =>
        index < names.Count
            ? names[index]
            : throw new ArgumentException($"prompt {i} of {vocabulary.PromptSet} has more {what} than its vocabulary, which names {names.Count}: {string.Join(", ", names)}.");

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
        return new RunTokens([.. encoded.Ids.Select(id => (long)id)], positions);
    }

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
            int close = marked.IndexOf(']', i);
            int bar = marked.IndexOf('|', i);
            if (close < 0 || bar < 0 || bar > close || marked.IndexOf('[', bar, close - bar) >= 0)
                throw new ArgumentException($"{where} has a '[' at character {i} that is not a mark: write [name|text], or [[ for a bracket.");
            string name = marked[(i + 1)..bar];
            if (!vocabulary.Positions.Contains(name))
                throw new ArgumentException($"{where} marks position '{name}', which {vocabulary.PromptSet} does not have; it has {string.Join(", ", vocabulary.Positions)}.");
            if (bar + 1 == close)
                throw new ArgumentException($"{where} marks no text as position '{name}': write [{name}|text].");
            text.Append(marked, bar + 1, close - bar - 1);
            if (!ends.TryAdd(name, text.Length))
                throw new ArgumentException($"{where} marks position '{name}' twice.");
            i = close;
        }
        return (text.ToString(), ends);
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
        return ids.Count == 1
            ? ids[0]
            : throw new ArgumentException($"{where}, \"{text}\", is {ids.Count} tokens; an answer is exactly one.{(text.StartsWith(' ') ? "" : " Does the tokenizer want a space in front of words?")}");
    }

    /// <summary>A text's tokens, checked: text that becomes the unknown token, or nothing at all, would silently be another prompt.</summary>
    private static EncodedText Encoded(Tokenizer tokenizer, string text, bool addSpecialTokens, string where)
    {
        if (tokenizer is not HuggingFaceTokenizer own)
            return ForeignTokenizer.Encode(tokenizer, text, addSpecialTokens, where);
        EncodedText encoded = own.Encode(text, addSpecialTokens);
        foreach (Range missing in encoded.Missing)
            throw new ArgumentException($"{where}: the tokenizer has no token for \"{text[missing]}\".");
        for (int i = 0; i < encoded.Ids.Count; i++)
            // An added token covers nothing, and is the unknown one where a model has one special token for everything.
            if (encoded.Ids[i] == own.UnknownId && encoded.Offsets[i].End.Value > 0)
                throw new ArgumentException($"{where}: the tokenizer does not know \"{text[encoded.Offsets[i]]}\".");
        return encoded;
    }
}
