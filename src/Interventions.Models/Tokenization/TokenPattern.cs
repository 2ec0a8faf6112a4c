using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>A pattern of a tokenizer file: a literal string, or a regular expression over code points.</summary>
internal sealed class TokenPattern
{
    private readonly string? _literal;
    private readonly Regex? _regex;

    private TokenPattern(string? literal, Regex? regex) => (_literal, _regex) = (literal, regex);

    /// <summary>GPT-2's words: contractions, words, numbers and other runs with one space in front, and runs of white space.</summary>
    public static TokenPattern Gpt2 { get; } =
        OfRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

    /// <summary>Words and runs of punctuation.</summary>
    public static TokenPattern Words { get; } = OfRegex(@"\w+|[^\w\s]+");

    public static TokenPattern OfLiteral(string literal) => new(literal, null);

    /// <exception cref="FormatException">The expression is malformed, or .NET's engine would read a part of it differently.</exception>
    public static TokenPattern OfRegex(string pattern)
    {
        string translated = RegexTranslation.ToDotNet(pattern);
        try
        {
            // In the file's dialect ^ and $ always match at lines.
            return new(null, new Regex(translated, RegexOptions.CultureInvariant | RegexOptions.Multiline));
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"the regular expression '{pattern}' is malformed or not supported: {e.Message}", e);
        }
    }

    /// <summary>A pattern as files write it: <c>{"String": "…"}</c> or <c>{"Regex": "…"}</c>.</summary>
    public static TokenPattern Read(JsonField field)
    {
        if (field.Optional("String") is { } literal)
            return literal.String() is { Length: > 0 } text ? OfLiteral(text) : throw literal.Invalid("an empty pattern");
        if (field.Optional("Regex") is not { } regex)
            throw field.Invalid("a pattern is {\"String\": …} or {\"Regex\": …}");
        try
        {
            return OfRegex(regex.String());
        }
        catch (FormatException e)
        {
            throw regex.Invalid(e.Message);
        }
    }

    /// <summary>The matches, from left to right, without empty ones.</summary>
    public List<TextRange> Matches(AlignedText text)
    {
        List<TextRange> matches = [];
        if (_regex is not null)
        {
            foreach (ValueMatch match in _regex.EnumerateMatches(Shadow.Of(text)))
                if (match.Length > 0)
                    matches.Add(new TextRange(match.Index, match.Index + match.Length));
            return matches;
        }
        ReadOnlySpan<Glyph> glyphs = text.Glyphs;
        int[] wanted = [.. _literal!.EnumerateRunes().Select(rune => rune.Value)];
        for (int i = 0; i + wanted.Length <= glyphs.Length; i++)
        {
            int n = 0;
            while (n < wanted.Length && glyphs[i + n].CodePoint == wanted[n])
                n++;
            if (n < wanted.Length)
                continue;
            matches.Add(new TextRange(i, i + n));
            i += n - 1;
        }
        return matches;
    }

    /// <summary>Replaces every match in a string.</summary>
    public string Replace(string text, string content)
    {
        if (_literal is not null)
            return text.Replace(_literal, content, StringComparison.Ordinal);
        AlignedText aligned = AlignedText.From(text);
        return aligned.Replace(Matches(aligned), content).Text;
    }
}

/// <summary>
/// Translates the regular expressions of tokenizer files (Oniguruma's dialect) to .NET's, for use on a <see cref="Shadow"/>. The two
/// dialects agree on nearly all that tokenizers use; parts with another meaning in .NET are rewritten or refused.
/// </summary>
internal static class RegexTranslation
{
    private static readonly string[] s_groups = ["(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?i)"];

    /// <exception cref="FormatException">A part of the expression cannot be translated.</exception>
    public static string ToDotNet(string pattern)
    {
        if (pattern.Any(char.IsSurrogate))
            throw Refused(pattern, "characters beyond U+FFFF");
        StringBuilder result = new();
        for (int i = 0; i < pattern.Length;)
        {
            switch (pattern[i])
            {
                case '\\':
                    result.Append(Escape(pattern, ref i, inClass: false));
                    break;
                case '[':
                    Class(pattern, ref i, result);
                    break;
                case '(' when i + 1 < pattern.Length && pattern[i + 1] == '?'
                    && !s_groups.Any(group => string.CompareOrdinal(pattern, i, group, 0, group.Length) == 0):
                    throw Refused(pattern, $"the group at '{pattern[i..Math.Min(i + 4, pattern.Length)]}'");
                default:
                    result.Append(pattern[i++]);
                    break;
            }
        }
        return result.ToString();
    }

    private static void Class(string pattern, ref int i, StringBuilder result)
    {
        result.Append(pattern[i++]);
        if (i < pattern.Length && pattern[i] == '^')
            result.Append(pattern[i++]);
        int? previous = null;    // a literal that may begin a range
        for (bool first = true; i < pattern.Length && (pattern[i] != ']' || first); first = false)
        {
            if (pattern[i] == '[')
                throw Refused(pattern, "a class within a class");
            if (string.CompareOrdinal(pattern, i, "&&", 0, 2) == 0)
                throw Refused(pattern, "an intersection of classes");
            bool range = pattern[i] == '-' && previous is not null && i + 1 < pattern.Length && pattern[i + 1] != ']';
            if (range)
                result.Append(pattern[i++]);

            string atom = pattern[i] == '\\' ? Escape(pattern, ref i, inClass: true) : pattern[i++].ToString();
            result.Append(atom);
            int? literal = Literal(atom);
            if (range && literal is { } last && Shadow.StandIns.Any(c => c >= previous && c <= last))
                throw Refused(pattern, $"a range over U+{previous:X4} to U+{last:X4}");
            previous = range ? null : literal;
        }
        if (i == pattern.Length)
            throw Refused(pattern, "a class without its end");
        result.Append(pattern[i++]);
    }

    private static string Escape(string pattern, ref int i, bool inClass)
    {
        if (i + 1 == pattern.Length)
            throw Refused(pattern, "a backslash at the end");
        int start = i, follow = i + 2;
        i = pattern[i + 1] switch
        {
            's' or 'S' or 'd' or 'D' or 'r' or 'n' or 't' or 'f' or 'v' or 'a' or 'e' or 'A' or 'z' or 'Z' or 'w' or 'h' => follow,
            'W' when !inClass => follow,
            'p' or 'P' => pattern.IndexOf('}', follow) is >= 0 and int end
                ? end + 1
                : throw Refused(pattern, $"\\{pattern[i + 1]} without a category in braces"),
            'u' when follow + 4 <= pattern.Length => follow + 4,
            'x' when follow + 2 <= pattern.Length => follow + 2,
            char letter when char.IsAsciiLetterOrDigit(letter) => throw Refused(pattern, $"\\{letter}"),
            _ => follow,    // an escaped punctuation character
        };
        return pattern[start + 1] switch
        {
            'w' => inClass ? Characters.WordClass : $"[{Characters.WordClass}]",
            'W' => $"[^{Characters.WordClass}]",
            'h' => inClass ? "0-9a-fA-F" : "[0-9a-fA-F]",
            _ => pattern[start..i],
        };
    }

    /// <summary>The character that a part of a class stands for, if it is one character.</summary>
    private static int? Literal(string atom) => atom switch
    {
        [char only] => only,
        ['\\', 'u' or 'x', .. string digits] => int.TryParse(digits, NumberStyles.HexNumber, null, out int code) ? code : null,
        ['\\', 'r'] => '\r',
        ['\\', 'n'] => '\n',
        ['\\', 't'] => '\t',
        ['\\', char escaped] when !char.IsAsciiLetterOrDigit(escaped) => escaped,
        _ => null,
    };

    private static FormatException Refused(string pattern, string what) =>
        new($"the regular expression '{pattern}' holds {what}, which is not supported");
}

/// <summary>
/// The string that regular expressions read: one UTF-16 unit for each code point. .NET's engine reads units, and would read a letter beyond
/// U+FFFF as two surrogates; the shadow has a letter below U+FFFF of the same category in its place.
/// </summary>
internal static class Shadow
{
    private const char AlphabeticSymbol = '\u24B6';

    /// <summary>
    /// The stand-ins, for the categories that exist beyond U+FFFF. No pattern names them in a range (<see cref="RegexTranslation"/> refuses
    /// such ranges), and none has another case.
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

    /// <summary>Every character that may stand for another.</summary>
    public static IEnumerable<char> StandIns => s_standIns.Values.Append(AlphabeticSymbol);

    public static string Of(AlignedText text) => string.Create(text.Length, text, static (units, text) =>
    {
        ReadOnlySpan<Glyph> glyphs = text.Glyphs;
        for (int i = 0; i < units.Length; i++)
            units[i] = Unit(glyphs[i].CodePoint);
    });

    private static char Unit(int codePoint)
    {
        if (codePoint <= char.MaxValue)
            return (char)codePoint;
        return Characters.IsAlphabeticSymbol(codePoint) ? AlphabeticSymbol : s_standIns[Characters.Category(codePoint)];
    }
}
