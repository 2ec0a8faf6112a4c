using Microsoft.ML.Tokenizers;

namespace Interventions.Models.Prompts.Tasks;

/// <summary>A word as a tokenizer has it.</summary>
/// <param name="Text">The word.</param>
/// <param name="Answer">The text whose tokens are the word's where it stands behind a space: most often the space and the word.</param>
/// <param name="Token">The first of these tokens.</param>
/// <param name="Length">How many they are.</param>
internal sealed record TaskWord(string Text, string Answer, long Token, int Length)
{
    /// <summary>Finds a word's tokens behind a space.</summary>
    /// <returns><see langword="null"/> if the tokenizer does not know it, or has no text of its own for these tokens.</returns>
    public static TaskWord? Find(Tokenizer tokenizer, string word)
    {
        // What the second one adds is the word behind a space, also where a tokenizer puts a space of its own in front of a text.
        if (Ids(tokenizer, $" {word} {word}") is not { } twice || Ids(tokenizer, $" {word}") is not { } once
            || twice.Count <= once.Count || !twice.Take(once.Count).SequenceEqual(once))
            return null;
        long[] tokens = [.. twice.Skip(once.Count)];
        string? answer = new[] { " " + word, word }.FirstOrDefault(text => Ids(tokenizer, text)?.SequenceEqual(tokens) == true);
        return answer is null ? null : new TaskWord(word, answer, tokens[0], tokens.Length);
    }

    /// <summary>The tokens of a text, without those that are added around it; <see langword="null"/> if a part of it has none.</summary>
    public static IReadOnlyList<long>? Ids(Tokenizer tokenizer, string text)
    {
        try
        {
            return PromptText.Encode(tokenizer, text, "", addSpecialTokens: false);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}

/// <summary>Words of a list that are one token each, and different ones.</summary>
/// <param name="Words">The words.</param>
/// <param name="Note">A sentence that says how many of the list they are.</param>
internal sealed record TaskWords(IReadOnlyList<TaskWord> Words, string Note)
{
    /// <summary>Finds them.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="task">The task, for messages.</param>
    /// <param name="kind">What the words are, for messages: "names".</param>
    /// <param name="words">The list.</param>
    /// <param name="least">How many the task needs.</param>
    /// <exception cref="ArgumentException">They are fewer.</exception>
    public static TaskWords Of(Tokenizer tokenizer, string task, string kind, IEnumerable<string> words, int least)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        string[] all = [.. words.Distinct()];
        TaskWord[] single =
        [
            .. all.Select(word => TaskWord.Find(tokenizer, word)).OfType<TaskWord>().Where(word => word.Length == 1)
                .DistinctBy(word => word.Token),
        ];
        string note = $"{single.Length} of {all.Length} {kind} are one token of this tokenizer";
        return single.Length >= least ? new TaskWords(single, note + ".") : throw new ArgumentException(
            $"{task}: {note}, and at least {least} are needed; it uses words of one token only.");
    }
}
