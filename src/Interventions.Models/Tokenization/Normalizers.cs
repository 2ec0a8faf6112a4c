using System.Text;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Models.Tokenization;

/// <summary>Rewrites a text before it is split: the format's <c>normalizer</c>.</summary>
internal delegate AlignedText Normalizer(AlignedText text);

/// <summary>The normalizers that a file can name. The longest, Unicode's normal forms, is <see cref="UnicodeNormalizer"/>.</summary>
internal static class Normalizers
{
    public static Normalizer Read(JsonField field) => field.Type() switch
    {
        "Sequence" => InTurn([.. field.Required("normalizers").Items().Select(Read)]),
        "NFC" => new UnicodeNormalizer(compatibility: false, compose: true).Normalize,
        "NFD" => new UnicodeNormalizer(compatibility: false, compose: false).Normalize,
        "NFKC" => new UnicodeNormalizer(compatibility: true, compose: true).Normalize,
        "NFKD" => new UnicodeNormalizer(compatibility: true, compose: false).Normalize,
        "Lowercase" => Lowercase,
        "Prepend" => Prepend(field.Required("prepend").String()),
        "Replace" => Replace(TokenPattern.Read(field.Required("pattern")), field.Required("content").String()),
        "Strip" => Strip(field.Required("strip_left").Bool(), field.Required("strip_right").Bool()),
        "StripAccents" => StripAccents,
        "BertNormalizer" => BertNormalizer.Read(field).Normalize,
        "Precompiled" => PrecompiledNormalizer.Read(field).Normalize,
        "ByteLevel" => ByteAlphabet.Spell,
        string type => throw field.Unsupported("normalizer", type),
    };

    private static Normalizer InTurn(Normalizer[] steps) => text => steps.Aggregate(text, (current, step) => step(current));

    private static Normalizer Prepend(string prefix) => text => text.Prepend(prefix);

    private static Normalizer Replace(TokenPattern pattern, string content) => text => text.Replace(pattern.Matches(text), content);

    /// <summary>Drops white space at the ends.</summary>
    private static Normalizer Strip(bool left, bool right) => text =>
    {
        (int start, int end) = (0, text.Length);
        while (left && start < end && Characters.IsWhiteSpace(text[start]))
            start++;
        while (right && end > start && Characters.IsWhiteSpace(text[end - 1]))
            end--;
        return text.With(text.Glyphs[start..end].ToArray());
    };

    /// <summary>Drops combining marks. Composed characters keep their accents: files put a decomposition first.</summary>
    private static AlignedText StripAccents(AlignedText text) => text.Without(Characters.IsMark);

    /// <summary>Lower case, character by character: no final sigma, and İ becomes two.</summary>
    public static AlignedText Lowercase(AlignedText text)
    {
        List<Glyph> result = new(text.Length);
        foreach (Glyph glyph in text.Glyphs)
        {
            if (glyph.CodePoint == 'İ')
                result.AddRange(glyph with { CodePoint = 'i' }, glyph with { CodePoint = 0x307 });    // the dot above
            else
                result.Add(glyph with { CodePoint = Rune.ToLowerInvariant(new Rune(glyph.CodePoint)).Value });
        }
        return text.With([.. result]);
    }
}
