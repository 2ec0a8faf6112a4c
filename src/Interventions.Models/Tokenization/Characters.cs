using System.Globalization;
using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>The format's character classes, for every code point. .NET's own <c>\w</c> and digits hold fewer characters.</summary>
internal static class Characters
{
    /// <summary>The format's <c>\w</c>, as the inside of a class: Alphabetic, marks, decimal digits, connectors, the two joiners.</summary>
    public const string WordClass = @"\p{L}\p{Nl}\p{M}\p{Nd}\p{Pc}\u24B6-\u24E9\u200C\u200D";

    public static UnicodeCategory Category(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint);

    public static bool IsWhiteSpace(int codePoint) => codePoint <= char.MaxValue && char.IsWhiteSpace((char)codePoint);

    /// <summary>Any kind of number: decimal digits, letters such as Ⅷ, and the rest, such as ½ and ².</summary>
    public static bool IsNumeric(int codePoint) => Category(codePoint)
        is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    public static bool IsPunctuation(int codePoint) => Category(codePoint) switch
    {
        UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
            or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation
            or UnicodeCategory.OtherPunctuation => true,
        _ => codePoint < 128 && char.IsSymbol((char)codePoint),    // ASCII's $ + < = > ^ ` | ~ count
    };

    public static bool IsMark(int codePoint) => Category(codePoint)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    public static bool IsWord(int codePoint) => Category(codePoint) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.OtherSymbol => IsAlphabeticSymbol(codePoint),
        _ => IsMark(codePoint) || codePoint is 0x200C or 0x200D,
    };

    /// <summary>The circled and squared letters: symbols that are Alphabetic.</summary>
    public static bool IsAlphabeticSymbol(int codePoint) => codePoint
        is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
}

/// <summary>
/// GPT-2's alphabet: a visible character for each byte. Printable Latin-1 stands for itself; the other 68 bytes, in order, are U+0100 and
/// up (so the space, the 33rd of them, is Ġ).
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] s_characters = new char[256];
    private static readonly Dictionary<char, byte> s_bytes = [];

    static ByteAlphabet()
    {
        int next = 0x100;
        for (int value = 0; value < 256; value++)
        {
            bool visible = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            s_characters[value] = visible ? (char)value : (char)next++;
            s_bytes[s_characters[value]] = (byte)value;
        }
    }

    /// <summary>The character for a space: Ġ.</summary>
    public static char Space => s_characters[' '];

    /// <summary>A text's bytes in UTF-8, each as its character.</summary>
    public static AlignedText Spell(AlignedText text)
    {
        ReadOnlySpan<Glyph> glyphs = text.Glyphs;
        int count = 0;
        foreach (Glyph glyph in glyphs)
            count += new Rune(glyph.CodePoint).Utf8SequenceLength;
        Glyph[] result = new Glyph[count];
        Span<byte> bytes = stackalloc byte[4];
        int at = 0;
        foreach (Glyph glyph in glyphs)
            foreach (byte value in bytes[..new Rune(glyph.CodePoint).EncodeToUtf8(bytes)])
                result[at++] = glyph with { CodePoint = s_characters[value] };
        return text.With(result);
    }

    public static bool TryToByte(char character, out byte value) => s_bytes.TryGetValue(character, out value);
}
