namespace Interventions.Models.Tokenization;

/// <summary>Cuts wherever something matches. Most of the format's pre-tokenizers are this with another matcher.</summary>
internal sealed class SplitPreTokenizer(Func<AlignedText, List<TextRange>> matches, SplitBehavior behavior, bool invert = false)
    : IPreTokenizer
{
    /// <summary>A matcher for single characters.</summary>
    public static Func<AlignedText, List<TextRange>> Each(Func<int, bool> predicate) => text =>
    {
        var found = new List<TextRange>();
        for (int i = 0; i < text.Length; i++)
            if (predicate(text[i])) found.Add(new TextRange(i, i + 1));
        return found;
    };

    public void Split(AlignedText text, bool cut, List<AlignedText> words)
    {
        if (cut) SplitBehaviors.Split(text, matches(text), behavior, invert, words);
        else words.Add(text);
    }
}
