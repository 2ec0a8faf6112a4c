using System.Globalization;

namespace Interventions.Models.Tokenization;

/// <summary>What the format means by its character classes, for every code point. .NET's own <c>\w</c> and digits mean less.</summary>
internal static class Characters
{
    /// <summary>What <c>\w</c> takes: Alphabetic, marks, decimal digits, connector punctuation and the two joiners.</summary>
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
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.OtherSymbol => IsAlphabeticSymbol(codePoint),
        _ => codePoint is 0x200C or 0x200D,
    };

    /// <summary>The circled and squared letters: symbols that are Alphabetic.</summary>
    public static bool IsAlphabeticSymbol(int codePoint) => codePoint
        is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
}
