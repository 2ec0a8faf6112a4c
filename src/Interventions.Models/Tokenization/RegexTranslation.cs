using System.Globalization;
using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>
/// Translates the regular expressions of tokenizer files (Oniguruma's dialect) to .NET's, for use on a <see cref="Shadow"/>. The two
/// dialects agree on nearly all that tokenizers use; parts with another meaning in .NET are rewritten or refused.
/// </summary>
internal sealed class RegexTranslation
{
    private static readonly string[] s_groups = ["(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?i)"];

    private readonly string _pattern;
    private readonly StringBuilder _result = new();
    private readonly List<NamedRange> _named = [];
    private readonly List<int> _classEnds = [];    // in the result
    private bool _hasWords;
    private int _at;

    private RegexTranslation(string pattern) => _pattern = pattern;

    /// <returns>The expression, and the shadow that it reads.</returns>
    /// <exception cref="FormatException">A part of the expression cannot be translated.</exception>
    public static (string Expression, Shadow Shadow) ToDotNet(string pattern)
    {
        RegexTranslation translation = new(pattern);
        translation.Read();
        Shadow shadow = new(translation._named, translation._hasWords);
        if (shadow.Lacks is { } category)
            throw translation.Refused($"nearly every character of the category {category}");
        return (translation.WithStandIns(shadow), shadow);
    }

    private void Read()
    {
        while (_at < _pattern.Length)
        {
            switch (_pattern[_at])
            {
                case '[':
                    Class();
                    break;
                case '(' when _at + 1 < _pattern.Length && _pattern[_at + 1] == '?'
                    && !s_groups.Any(group => string.CompareOrdinal(_pattern, _at, group, 0, group.Length) == 0):
                    throw Refused($"the group at '{_pattern[_at..Math.Min(_at + 4, _pattern.Length)]}'");
                default:
                    string atom = Atom(inClass: false);
                    if (char.IsSurrogate(atom[0]))
                        throw Refused("a character beyond U+FFFF outside a class");
                    if (Literal(atom) is { } literal)
                        Name(literal, literal);
                    _result.Append(atom);
                    break;
            }
        }
    }

    private void Class()
    {
        _result.Append(_pattern[_at++]);
        if (_at < _pattern.Length && _pattern[_at] == '^')
            _result.Append(_pattern[_at++]);
        int? previous = null;    // a literal that may begin a range
        for (bool first = true; _at < _pattern.Length && (_pattern[_at] != ']' || first); first = false)
        {
            if (_pattern[_at] == '[')
                throw Refused("a class within a class");
            if (string.CompareOrdinal(_pattern, _at, "&&", 0, 2) == 0)
                throw Refused("an intersection of classes");
            if (_pattern[_at] == '-' && previous is { } from && _at + 1 < _pattern.Length && _pattern[_at + 1] != ']')
            {
                _at++;
                int to = Literal(Atom(inClass: true)) ?? throw Refused("a range without its end");
                Name(from, to);
                if (from <= char.MaxValue)
                    _result.Append('-').Append(Unit(Math.Min(to, char.MaxValue)));
                previous = null;
                continue;
            }
            string atom = Atom(inClass: true);
            previous = Literal(atom);
            if (previous is { } literal)
                Name(literal, literal);
            if (!char.IsSurrogate(atom[0]))    // of these, stand-ins come behind
                _result.Append(atom);
        }
        if (_at == _pattern.Length)
            throw Refused("a class without its end");
        _classEnds.Add(_result.Length);
        _result.Append(_pattern[_at++]);
    }

    /// <summary>Notes characters that the expression names: no other character may look like them.</summary>
    private void Name(int from, int to) => _named.Add(new(from, to, _classEnds.Count));

    /// <summary>The expression, in whose classes the stand-ins of the characters beyond U+FFFF are that the classes name.</summary>
    private string WithStandIns(Shadow shadow)
    {
        for (int i = _classEnds.Count - 1; i >= 0; i--)
            _result.Insert(_classEnds[i], string.Concat(shadow.InClass(i).Select(unit => Unit(unit))));
        return _result.ToString();
    }

    private static string Unit(int unit) => $"\\u{unit:X4}";

    /// <summary>A character, or what a backslash makes of those behind it.</summary>
    private string Atom(bool inClass)
    {
        int start = _at;
        if (_pattern[start] != '\\')
        {
            _at += char.IsHighSurrogate(_pattern[start]) && start + 1 < _pattern.Length ? 2 : 1;
            return _pattern[start.._at];
        }
        if (start + 1 == _pattern.Length)
            throw Refused("a backslash at the end");
        int follow = start + 2;
        _at = _pattern[start + 1] switch
        {
            's' or 'S' or 'd' or 'D' or 'r' or 'n' or 't' or 'f' or 'v' or 'a' or 'e' or 'A' or 'z' or 'Z' or 'w' or 'h' => follow,
            'W' when !inClass => follow,
            'p' or 'P' => _pattern.IndexOf('}', follow) is >= 0 and int end
                ? end + 1
                : throw Refused($"\\{_pattern[start + 1]} without a category in braces"),
            'u' when follow + 4 <= _pattern.Length => follow + 4,
            'x' when follow + 2 <= _pattern.Length => follow + 2,
            char letter when char.IsAsciiLetterOrDigit(letter) => throw Refused($"\\{letter}"),
            _ => follow,    // an escaped punctuation character
        };
        _hasWords |= _pattern[start + 1] is 'w' or 'W';
        return _pattern[start + 1] switch
        {
            'w' => inClass ? Characters.WordClass : $"[{Characters.WordClass}]",
            'W' => $"[^{Characters.WordClass}]",
            'h' => inClass ? "0-9a-fA-F" : "[0-9a-fA-F]",
            _ => _pattern[start.._at],
        };
    }

    /// <summary>The character that an atom stands for, if it is one character.</summary>
    private static int? Literal(string atom) => atom switch
    {
        [char only] => only,
        [char high, char low] when char.IsSurrogatePair(high, low) => char.ConvertToUtf32(high, low),
        ['\\', 'u' or 'x', .. string digits] => int.TryParse(digits, NumberStyles.HexNumber, null, out int code) ? code : null,
        ['\\', 'r'] => '\r',
        ['\\', 'n'] => '\n',
        ['\\', 't'] => '\t',
        ['\\', char escaped] when !char.IsAsciiLetterOrDigit(escaped) => escaped,
        _ => null,
    };

    private FormatException Refused(string what) => new($"the regular expression '{_pattern}' holds {what}, which is not supported");
}

/// <summary>Characters that a regular expression names, one after the other.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last.</param>
/// <param name="Class">The number of the class, in brackets, that they are in.</param>
internal readonly record struct NamedRange(int First, int Last, int Class)
{
    public bool Contains(int codePoint) => First <= codePoint && codePoint <= Last;
}
