namespace Interventions.Models.Tokenization;

/// <summary>A code point on its way through the pipeline, and the part of the original text (UTF-16 units) that it stands for.</summary>
internal readonly record struct Glyph(int CodePoint, int Start, int End);
