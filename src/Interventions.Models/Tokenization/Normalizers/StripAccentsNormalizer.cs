using Interventions.Sites;

namespace Interventions.Models.Tokenization;

/// <summary>Drops combining marks. Composed characters keep theirs: files decompose first.</summary>
internal sealed class StripAccentsNormalizer : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        var kept = new List<Glyph>(text.Length);
        foreach (var glyph in text.Glyphs)
            if (!Characters.IsMark(glyph.CodePoint)) kept.Add(glyph);
        return text.With([.. kept]);
    }
}
