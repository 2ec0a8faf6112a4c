namespace Interventions.Models.Tokenization;

/// <summary>Replaces every match of a pattern.</summary>
internal sealed class ReplaceNormalizer(TokenPattern pattern, string content) : INormalizer
{
    public AlignedText Normalize(AlignedText text) => text.Replace(pattern.Matches(text), content);
}
