using System.Globalization;

namespace Interventions.Models.Tokenization;

/// <summary>BERT's normalizer: drops control characters, puts spaces around Chinese characters, drops accents, lowers the case.</summary>
internal sealed record BertNormalizer(bool CleanText, bool SpaceChinese, bool StripAccents, bool Lowercase)
{
    private static readonly UnicodeNormalizer s_decompose = new(compatibility: false, compose: false);

    public static BertNormalizer Read(JsonField field)
    {
        bool lowercase = field.Optional("lowercase")?.Bool() ?? true;
        return new(
            field.Optional("clean_text")?.Bool() ?? true,
            field.Optional("handle_chinese_chars")?.Bool() ?? true,
            field.Optional("strip_accents")?.Bool() ?? lowercase,
            lowercase);
    }

    public AlignedText Normalize(AlignedText text)
    {
        if (CleanText)
            text = text.With([.. text.Without(IsDropped).Glyphs.ToArray().Select(Clean)]);
        if (SpaceChinese)
            text = text.With([.. text.Glyphs.ToArray().SelectMany(Spaced)]);
        if (StripAccents)
            text = s_decompose.Normalize(text).Without(IsAccent);
        return Lowercase ? Normalizers.Lowercase(text) : text;
    }

    private static bool IsDropped(int codePoint) => codePoint switch
    {
        '\t' or '\n' or '\r' => false,
        0 or 0xFFFD => true,
        _ => Characters.Category(codePoint) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse,
    };

    private static Glyph Clean(Glyph glyph) => Characters.IsWhiteSpace(glyph.CodePoint) ? glyph with { CodePoint = ' ' } : glyph;

    private static Glyph[] Spaced(Glyph glyph)
    {
        Glyph space = glyph with { CodePoint = ' ' };
        return IsChinese(glyph.CodePoint) ? [space, glyph, space] : [glyph];
    }

    private static bool IsAccent(int codePoint) => Characters.Category(codePoint) == UnicodeCategory.NonSpacingMark;

    /// <summary>
    /// The ideographs by block, as in the reference implementation; one block begins 256 characters later there than in Unicode.
    /// </summary>
    private static bool IsChinese(int codePoint) => codePoint
        is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
        or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
