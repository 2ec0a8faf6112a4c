using System.Globalization;

namespace Interventions.Models.Tokenization;

/// <summary>
/// The string that regular expressions see: one UTF-16 unit for each code point. .NET's engine reads units, so it would take a letter
/// beyond U+FFFF for two surrogates; its shadow here is some letter below U+FFFF of the same category.
/// </summary>
internal static class Shadow
{
    /// <summary>
    /// The stand-ins, for the categories that exist beyond U+FFFF. No pattern names them in a range (<see cref="RegexTranslation"/> refuses
    /// those that would), and none has another case.
    /// </summary>
    private static readonly Dictionary<UnicodeCategory, char> s_standIns = new()
    {
        [UnicodeCategory.UppercaseLetter] = '\u2102',
        [UnicodeCategory.LowercaseLetter] = '\uFB17',
        [UnicodeCategory.ModifierLetter] = '\uFF9F',
        [UnicodeCategory.OtherLetter] = '\uFFDC',
        [UnicodeCategory.NonSpacingMark] = '\uFE2F',
        [UnicodeCategory.SpacingCombiningMark] = '\uABEC',
        [UnicodeCategory.DecimalDigitNumber] = '\uABF9',
        [UnicodeCategory.LetterNumber] = '\uA6EF',
        [UnicodeCategory.OtherNumber] = '\uA835',
        [UnicodeCategory.DashPunctuation] = '\uFE58',
        [UnicodeCategory.OpenPunctuation] = '\uFE5D',
        [UnicodeCategory.ClosePunctuation] = '\uFE5E',
        [UnicodeCategory.OtherPunctuation] = '\uFE68',
        [UnicodeCategory.MathSymbol] = '\uFE62',
        [UnicodeCategory.CurrencySymbol] = '\uFE69',
        [UnicodeCategory.ModifierSymbol] = '\uAB5B',
        [UnicodeCategory.OtherSymbol] = '\uFFED',
        [UnicodeCategory.Format] = '\uFFFB',
        [UnicodeCategory.PrivateUse] = '\uF8FF',
        [UnicodeCategory.OtherNotAssigned] = '\uFFFE',
    };

    private const char AlphabeticSymbol = '\u24B6';

    /// <summary>Every character that may stand for another.</summary>
    public static IEnumerable<char> StandIns => s_standIns.Values.Append(AlphabeticSymbol);

    public static string Of(AlignedText text) => string.Create(text.Length, text, static (units, text) =>
    {
        var glyphs = text.Glyphs;
        for (int i = 0; i < units.Length; i++) units[i] = Unit(glyphs[i].CodePoint);
    });

    private static char Unit(int codePoint)
    {
        if (codePoint <= char.MaxValue) return (char)codePoint;
        return Characters.IsAlphabeticSymbol(codePoint) ? AlphabeticSymbol : s_standIns[Characters.Category(codePoint)];
    }
}
