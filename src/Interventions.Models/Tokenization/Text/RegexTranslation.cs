using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>
/// From the regular expressions of tokenizer files (Oniguruma's dialect) to .NET's, to be run on a <see cref="Shadow"/>. The two agree on
/// nearly all that tokenizers use; what they read differently is rewritten, or refused rather than misread.
/// </summary>
internal static class RegexTranslation
{
    private static readonly string[] s_groups = ["(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?i)"];

    /// <exception cref="FormatException">The expression holds what cannot be translated.</exception>
    public static string ToDotNet(string pattern)
    {
        if (pattern.Any(char.IsSurrogate)) throw Refused(pattern, "characters beyond U+FFFF");
        var result = new StringBuilder();
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
        if (i < pattern.Length && pattern[i] == '^') result.Append(pattern[i++]);
        int? previous = null;    // a literal that may begin a range
        for (bool first = true; i < pattern.Length && (pattern[i] != ']' || first); first = false)
        {
            if (pattern[i] == '[') throw Refused(pattern, "a class within a class");
            if (string.CompareOrdinal(pattern, i, "&&", 0, 2) == 0) throw Refused(pattern, "an intersection of classes");
            bool range = pattern[i] == '-' && previous is not null && i + 1 < pattern.Length && pattern[i + 1] != ']';
            if (range) result.Append(pattern[i++]);

            int start = i;
            if (pattern[i] == '\\') result.Append(Escape(pattern, ref i, inClass: true));
            else result.Append(pattern[i++]);

            int? literal = Literal(pattern.AsSpan(start, i - start));
            if (range && literal is { } last && Shadow.StandIns.Any(c => c >= previous && c <= last))
                throw Refused(pattern, $"a range over U+{previous:X4} to U+{last:X4}");
            previous = range ? null : literal;
        }
        if (i == pattern.Length) throw Refused(pattern, "a class without its end");
        result.Append(pattern[i++]);
    }

    private static string Escape(string pattern, ref int i, bool inClass)
    {
        if (i + 1 == pattern.Length) throw Refused(pattern, "a backslash at the end");
        char letter = pattern[i + 1];
        int start = i;
        i += 2;
        switch (letter)
        {
            case 'w':
                return inClass ? Characters.WordClass : $"[{Characters.WordClass}]";
            case 'W' when !inClass:
                return $"[^{Characters.WordClass}]";
            case 'h':
                return inClass ? "0-9a-fA-F" : "[0-9a-fA-F]";
            case 's' or 'S' or 'd' or 'D' or 'r' or 'n' or 't' or 'f' or 'v' or 'a' or 'e' or 'A' or 'z' or 'Z':
                return pattern[start..i];
            case 'p' or 'P':
                int end = pattern.IndexOf('}', i);
                if (end < 0) throw Refused(pattern, $"\\{letter} without a category in braces");
                i = end + 1;
                return pattern[start..i];
            case 'u' when i + 4 <= pattern.Length:
                i += 4;
                return pattern[start..i];
            case 'x' when i + 2 <= pattern.Length:
                i += 2;
                return pattern[start..i];
            default:
                if (char.IsAsciiLetterOrDigit(letter)) throw Refused(pattern, $"\\{letter}");
                return pattern[start..i];    // an escaped punctuation character
        }
    }

    private static int? Literal(ReadOnlySpan<char> atom)
    {
        if (atom.Length == 1) return atom[0];
        return atom[1] switch
        {
            'u' or 'x' => int.TryParse(atom[2..], System.Globalization.NumberStyles.HexNumber, null, out int code) ? code : null,
            'r' => '\r',
            'n' => '\n',
            't' => '\t',
            _ => atom.Length == 2 && !char.IsAsciiLetterOrDigit(atom[1]) ? atom[1] : null,
        };
    }

    private static FormatException Refused(string pattern, string what) =>
        new($"the regular expression '{pattern}' holds {what}, which is not supported");
}
