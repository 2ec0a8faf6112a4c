using System.Text;
using Interventions.Sites;

namespace Interventions.Models.Tokenization;

/// <summary>Lower case, character by character: no final sigma, and İ becomes two.</summary>
internal sealed class LowercaseNormalizer : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        var result = new List<Glyph>(text.Length);
        foreach (var glyph in text.Glyphs)
        {
            if (glyph.CodePoint == 'İ')
            {
                result.Add(glyph with { CodePoint = 'i' });
                result.Add(glyph with { CodePoint = 0x307 });    // the dot above
            }
            else
            {
                result.Add(glyph with { CodePoint = Rune.ToLowerInvariant(new Rune(glyph.CodePoint)).Value });
            }
        }
        return text.With([.. result]);
    }
}
