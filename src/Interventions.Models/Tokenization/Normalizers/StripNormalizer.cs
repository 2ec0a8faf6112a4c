using Interventions.Sites;

namespace Interventions.Models.Tokenization;

/// <summary>Drops white space at the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        int start = 0, end = text.Length;
        while (left && start < end && Characters.IsWhiteSpace(text[start])) start++;
        while (right && end > start && Characters.IsWhiteSpace(text[end - 1])) end--;
        return text.With(text.Glyphs[start..end].ToArray());
    }
}
