using FsCheck;
using FsCheck.Fluent;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>
/// Texts with all that tokenizers treat specially: scripts, spaces, marks, joined emoji, controls, added tokens, parts of these.
/// </summary>
internal static class RandomTexts
{
    /// <summary>Single characters, one or a few of each kind.</summary>
    public static readonly string[] Characters =
    [
        .. "abcdeksxyzABCKSXYZ01289".Select(letter => letter.ToString()),
        "À", "é", "ñ", "ü", "ß", "İ", "ı", "ſ", "Œ", "\u212A", "α", "Σ", "σ", "ς", "ж", "Ж", "א", "ب", "क", "ि", "्", "ก", "ำ", "้",
        "한", "ᄀ", "ᅡ", "ᆨ",
        "あ", "ア", "カ", "\u3099", "中", "文", "龥", "㐀", "𠀀", "\U0002B830", "\U0002B930", "ﬁ", "①", "Ⅷ", "½", "²", "㎏", "ｶ", "ﾞ", "Ａ",
        "１", "𝐀", "𝟗", "𐐀", "𐐨", "\U0001E930", "🄰",
        "ⓐ", "😀", "👨\u200D👩\u200D👧", "🇩🇪", "👍🏽", "❤\uFE0F", "\u0301", "\u0323", "\u0307", "\u20DD", "\u200D", "\u200C", "\u0E33",
        "\u1E9B", "\u00C5", "\u212B",
        " ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n", "\u0085", "\u00A0", "\u1680", "\u2003", "\u2028", "\u3000", "\u200B",
        "\uFEFF", "\u180E", "\u2060",
        "\u0000", "\u0007", "\u007F", "\u00AD", "\uFFFD", "\uE000",
        .. ".,;:!?'\"-_()[]{}/\\@#$%^&*+=<>|~`".Select(sign => sign.ToString()),
        "…", "—", "«", "»", "、", "。", "．", "〈", "’", "€", "▁", "Ġ", "¿", "٣", "५", "﹏", "‿", "\u0345", "ª", "ʰ", "ǅ",
    ];

    private static readonly string[] s_words =
    [
        "'s", "'LL", "n't", " 've", " the", "the", "hello", "HELLO", " World", "don't", "12345", " 3.14",
        "\n\n  if (x == 1) {\n\treturn;\n}", "naïve",
        "Straße", "ΟΔΥΣΣΕΥΣ", "Привет", "日本語テキスト", "ภาษาไทย", "हिन्दी", "العربية", "한국어", "e\u0301", "https://a.b/c?d=1", "##",
        "##a", "<0x41>", "a b  c   d",
        "abc", "bcd", "cab", " abab", "eeee", "café", " .", " ?", "Zürich",
    ];

    /// <summary>Blocks whose characters are long in Unicode, so that every library knows them.</summary>
    private static readonly (int First, int Last)[] s_blocks =
    [
        (0x20, 0x7E), (0xA1, 0x24F), (0x391, 0x3A1), (0x3A3, 0x3CE), (0x400, 0x52F), (0x5D0, 0x5EA), (0x620, 0x64A), (0x905, 0x939),
        (0xE01, 0xE3A),
        (0xAC00, 0xD7A3), (0x3041, 0x3096), (0x4E00, 0x9FA5), (0x2010, 0x2027), (0x2190, 0x21FF), (0x1F300, 0x1F5FF),
        (0x20000, 0x2A6D6), (0x1D400, 0x1D454),
    ];

    /// <summary>Texts as lists of their pieces, which become fewer where a test fails.</summary>
    /// <param name="added">Further pieces, such as the added tokens of a file.</param>
    public static Arbitrary<string[]> Pieces(params IReadOnlyList<string> added)
    {
        Gen<string> character = Gen.Elements(Characters), word = Gen.Elements(s_words);
        Gen<string> letters = Gen.Elements("a", "b", "c", "d", "e", " ").ArrayOf().Select(string.Concat);
        Gen<string> any = Gen.Elements(s_blocks).SelectMany(block => Gen.Choose(block.First, block.Last)).Select(char.ConvertFromUtf32);
        Gen<string> piece = added.Count == 0
            ? Gen.Frequency((6, character), (3, word), (2, letters), (1, any))
            : Gen.Frequency((6, character), (3, word), (2, letters), (1, any), (3, Gen.Elements(added.AsEnumerable())), (1, Part(added)));
        return Arb.From(Gen.Choose(0, 14).SelectMany(count => piece.ArrayOf(count)), Shorter);
    }

    /// <summary>An added token that is nearly there.</summary>
    private static Gen<string> Part(IReadOnlyList<string> added) =>
        Gen.Elements(added.AsEnumerable()).SelectMany(token => Gen.Choose(1, token.Length).Select(length => Whole(token[..length])));

    private static string Whole(string text) => char.IsHighSurrogate(text[^1]) ? text[..^1] : text;

    private static IEnumerable<string[]> Shorter(string[] pieces) =>
        Enumerable.Range(0, pieces.Length).Select(left => pieces.Where((_, i) => i != left).ToArray());
}
