using System.Globalization;

namespace Interventions.Models.Tokenization;

/// <summary>
/// The string that a regular expression reads: one UTF-16 unit for each code point. .NET's engine reads units, and would read a letter
/// beyond U+FFFF as two surrogates; the shadow has a letter below U+FFFF of the same category in its place, which the expression does not
/// name. Letters beyond U+FFFF that classes of the expression do name have stand-ins of their own, which are put into these classes.
/// </summary>
internal sealed class Shadow
{
    /// <summary>The usual stand-ins, for the categories that exist beyond U+FFFF; none has another case.</summary>
    private static readonly Dictionary<UnicodeCategory, char> s_usual = new()
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

    private readonly IReadOnlyList<NamedRange> _named;
    private readonly NamedRange[] _beyond;
    private readonly bool _hasWords;
    private readonly Dictionary<Kind, char> _standIns = [];

    /// <param name="named">The characters that the expression names.</param>
    /// <param name="hasWords">Whether it has the class of word characters, which hold some symbols and not others.</param>
    public Shadow(IReadOnlyList<NamedRange> named, bool hasWords)
    {
        (_named, _hasWords) = (named, hasWords);
        _beyond = [.. named.Where(range => range.Last > char.MaxValue)];
        HashSet<Kind> kinds = [.. s_usual.Keys.Select(category => new Kind(category, IsWord: false, ""))];
        if (hasWords)
            kinds.Add(new(UnicodeCategory.OtherSymbol, IsWord: true, ""));
        foreach (NamedRange range in _beyond)
            for (int codePoint = Math.Max(range.First, char.MaxValue + 1); codePoint <= range.Last; codePoint++)
                kinds.Add(KindOf(codePoint));
        foreach (Kind kind in kinds)
        {
            if (StandIn(kind) is { } unit)
                _standIns[kind] = unit;
            else
                Lacks = kind.Category;
        }
    }

    /// <summary>A category for which no stand-in is left, if there is one: the shadow is then of no use.</summary>
    public UnicodeCategory? Lacks { get; }

    /// <summary>The stand-ins of the characters beyond U+FFFF that a class names.</summary>
    public IEnumerable<char> InClass(int number) =>
        _standIns.Where(standIn => standIn.Key.Classes.Contains((char)number)).Select(standIn => standIn.Value);

    public string Of(AlignedText text) => string.Create(text.Length, (text, this), static (units, of) =>
    {
        ReadOnlySpan<Glyph> glyphs = of.text.Glyphs;
        for (int i = 0; i < units.Length; i++)
        {
            int codePoint = glyphs[i].CodePoint;
            units[i] = codePoint <= char.MaxValue ? (char)codePoint : of.Item2._standIns[of.Item2.KindOf(codePoint)];
        }
    });

    private Kind KindOf(int codePoint) => new(
        Characters.Category(codePoint),
        _hasWords && Characters.IsAlphabeticSymbol(codePoint),
        string.Concat(_beyond.Where(range => range.Contains(codePoint)).Select(range => (char)range.Class).Distinct()));

    /// <summary>A character of a kind that stands for nothing yet and that the expression does not name, in either case.</summary>
    private char? StandIn(Kind kind)
    {
        char usual = s_usual[kind.Category];
        return Fits(usual) ? usual : Enumerable.Range(0x80, 0xFF80).Select(code => (char?)code).FirstOrDefault(unit => Fits(unit!.Value));

        bool Fits(char unit) => Characters.Category(unit) == kind.Category
            && (!_hasWords || Characters.IsAlphabeticSymbol(unit) == kind.IsWord)
            && !_standIns.ContainsValue(unit)
            && !IsNamed(unit) && !IsNamed(char.ToUpperInvariant(unit)) && !IsNamed(char.ToLowerInvariant(unit));

        bool IsNamed(char unit) => unit < 0x80 || _named.Any(range => range.Contains(unit));
    }

    /// <summary>Characters that the expression cannot tell apart.</summary>
    /// <param name="Category">Their category.</param>
    /// <param name="IsWord">Whether they are word characters although their category is not.</param>
    /// <param name="Classes">The numbers, each as a character, of the classes that name them.</param>
    private readonly record struct Kind(UnicodeCategory Category, bool IsWord, string Classes);
}
