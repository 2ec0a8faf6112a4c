using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>What becomes of the matches that a text is split at.</summary>
internal enum SplitBehavior
{
    /// <summary>They are dropped.</summary>
    Removed,

    /// <summary>Each is a word.</summary>
    Isolated,

    /// <summary>Each ends the word before it.</summary>
    MergedWithPrevious,

    /// <summary>Each begins the word after it.</summary>
    MergedWithNext,

    /// <summary>Neighbouring matches are one word.</summary>
    Contiguous,
}

/// <summary>Cuts a text at matches.</summary>
internal static class SplitBehaviors
{
    public static SplitBehavior Read(JsonField field) =>
        field.String() is var name && Enum.TryParse(name, out SplitBehavior behavior) && Enum.IsDefined(behavior) && char.IsLetter(name[0])
            ? behavior
            : throw field.Invalid($"'{name}' is not one of {string.Join(", ", Enum.GetNames<SplitBehavior>())}");

    /// <param name="text">The text.</param>
    /// <param name="matches">Where to cut, from left to right.</param>
    /// <param name="behavior">What becomes of the matches.</param>
    /// <param name="invert">The matches are the words instead, and what is between them is what is cut at.</param>
    /// <param name="words">Where the words go.</param>
    public static void Split(AlignedText text, List<TextRange> matches, SplitBehavior behavior, bool invert, List<AlignedText> words)
    {
        var parts = new List<(TextRange Range, bool IsMatch)>();
        int done = 0;
        foreach (var match in matches)
        {
            if (match.Start > done) parts.Add((new TextRange(done, match.Start), invert));
            parts.Add((match, !invert));
            done = match.End;
        }
        if (done < text.Length) parts.Add((new TextRange(done, text.Length), invert));

        int start = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            bool joinsNext = i + 1 < parts.Count && behavior switch
            {
                SplitBehavior.MergedWithPrevious => parts[i + 1].IsMatch && !parts[i].IsMatch,
                SplitBehavior.MergedWithNext => parts[i].IsMatch && !parts[i + 1].IsMatch,
                SplitBehavior.Contiguous => parts[i].IsMatch == parts[i + 1].IsMatch,
                _ => false,
            };
            if (joinsNext) continue;
            if (behavior != SplitBehavior.Removed || !parts[i].IsMatch) words.Add(text.Slice(start, parts[i].Range.End));
            start = parts[i].Range.End;
        }
    }
}
