namespace Interventions.Models.Tokenization;

/// <summary>Normalizers one after the other.</summary>
internal sealed class NormalizerSequence(INormalizer[] steps) : INormalizer
{
    public AlignedText Normalize(AlignedText text) => steps.Aggregate(text, (current, step) => step.Normalize(current));
}
