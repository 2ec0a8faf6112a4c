namespace Interventions.Models.Tokenization;

/// <summary>A half-open range of code points in an <see cref="AlignedText"/>.</summary>
internal readonly record struct TextRange(int Start, int End);
