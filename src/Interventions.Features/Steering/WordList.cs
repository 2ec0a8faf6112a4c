using System.Collections.Immutable;
using System.Text;

namespace Interventions.Features;

/// <summary>
/// Words that a text is looked through for, whole and in any case: it is in lower case, and whatever is neither a letter nor a digit parts
/// words.
/// </summary>
public sealed class WordList
{
    private readonly ImmutableArray<string> _words;

    /// <summary>A list of words, or of phrases.</summary>
    /// <param name="words">At least one; each has a letter or a digit.</param>
    /// <exception cref="ArgumentException">There is none, or one has no letter and no digit.</exception>
    public WordList(params IEnumerable<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        _words = [.. words.Select(word => Parted(word) is { Length: > 2 } parted
            ? parted
            : throw new ArgumentException($"'{word}' has no letter and no digit, so it is no word.", nameof(words)))];
        if (_words.IsEmpty)
            throw new ArgumentException("A list has at least one word.", nameof(words));
    }

    /// <summary>Whether a text has one of the words.</summary>
    public bool IsIn(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string parted = Parted(text);
        return _words.Any(word => parted.Contains(word, StringComparison.Ordinal));
    }

    /// <summary>Whether what was generated has one of the words; the prompt does not count.</summary>
    public bool IsIn(GeneratedText rollout) => IsIn((rollout ?? throw new ArgumentNullException(nameof(rollout))).Text);

    /// <summary>The words of a text, with one space before and behind each: <c> a wedding </c>.</summary>
    private static string Parted(string text)
    {
        StringBuilder parted = new(" ");
        foreach (char character in text.ToLowerInvariant())
            if (char.IsLetterOrDigit(character))
                parted.Append(character);
            else if (parted[^1] != ' ')
                parted.Append(' ');
        return parted[^1] == ' ' ? parted.ToString() : parted.Append(' ').ToString();
    }
}
