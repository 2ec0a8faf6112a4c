namespace Interventions.Models.Tokenization;

/// <summary>Puts a string in front of every text that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : INormalizer
{
    public AlignedText Normalize(AlignedText text) => text.Prepend(prefix);
}
