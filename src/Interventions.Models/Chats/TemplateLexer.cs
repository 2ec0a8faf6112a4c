using System.Text;
using System.Text.RegularExpressions;

namespace Interventions.Models.Chats;

internal enum TokenKind { Text, Output, OutputEnd, Tag, TagEnd, Name, String, Integer, Float, Operator, End }

/// <summary>A token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Its text; of a string what it says.</param>
/// <param name="Line">Its line, from 1.</param>
internal readonly record struct TemplateToken(TokenKind Kind, string Value, int Line)
{
    public bool Is(string op) => Kind == TokenKind.Operator && Value == op;

    public bool IsName(string name) => Kind == TokenKind.Name && Value == name;

    public override string ToString() => Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.OutputEnd => "'}}'",
        TokenKind.TagEnd => "'%}'",
        _ => $"'{Value}'",
    };
}

/// <summary>
/// Cuts a template into tokens. White space is stripped as transformers has it: a tag takes the line break behind it and, where it stands
/// first on its line, the space before it; <c>-</c> takes all white space on its side, <c>+</c> none.
/// </summary>
internal sealed partial class TemplateLexer
{
    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _counted;
    private int _line = 1;

    private TemplateLexer(string source)
    {
        _source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (_source.EndsWith('\n'))    // one line break at the end does not count
            _source = _source[..^1];
    }

    /// <exception cref="TemplateError">A tag or a string is not closed, or a character has no meaning.</exception>
    public static IReadOnlyList<TemplateToken> Read(string source)
    {
        TemplateLexer lexer = new(source);
        lexer.Read();
        return lexer._tokens;
    }

    [GeneratedRegex(@"\G[-+]?\s*raw\s*(-?)%}")]
    private static partial Regex Raw();

    [GeneratedRegex(@"{%([-+]?)\s*endraw\s*[-+]?%}")]
    private static partial Regex EndRaw();

    [GeneratedRegex(@"\G(?:(?<float>\d[\d_]*(?:\.\d[\d_]*(?:[eE][-+]?\d+)?|[eE][-+]?\d+))|(?<integer>\d[\d_]*))")]
    private static partial Regex Number();

    [GeneratedRegex(@"\G(?://|\*\*|[=!<>]=|[-+/*%~\[\](){}<>=.:|,])")]
    private static partial Regex Operator();

    private void Read()
    {
        bool lineStart = true;
        while (_at < _source.Length)
        {
            int open = Open(_at);
            if (open < 0)
            {
                AddText(_source[_at..]);
                break;
            }
            char kind = _source[open + 1], sign = open + 2 < _source.Length ? _source[open + 2] : ' ';
            AddText(Stripped(_source[_at..open], sign, isOutput: kind == '{', lineStart));
            _at = open + 2;
            if (kind == '#')
                Close(IndexOf("#}", "a comment is not closed"), isOutput: false);
            else if (kind == '%' && Raw().Match(_source, _at) is { Success: true } raw)
                ReadRaw(raw);
            else
            {
                _at += sign is '-' or '+' ? 1 : 0;
                ReadCode(isOutput: kind == '{');
            }
            lineStart = _source[_at - 1] == '\n';
        }
        Add(TokenKind.End, "");
    }

    private int Open(int from)
    {
        for (int i = _source.IndexOf('{', from); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
            if (_source[i + 1] is '{' or '%' or '#')
                return i;
        return -1;
    }

    /// <summary>The text before a tag, without the white space that the tag takes.</summary>
    private static string Stripped(string text, char sign, bool isOutput, bool lineStart)
    {
        if (sign == '-')
            return text.TrimEnd();
        int line = text.LastIndexOf('\n') + 1;
        return sign != '+' && !isOutput && (line > 0 || lineStart) && string.IsNullOrWhiteSpace(text[line..]) ? text[..line] : text;
    }

    private void ReadRaw(Match begin)
    {
        _at = begin.Index + begin.Length;
        if (begin.Groups[1].Length > 0)
            SkipWhiteSpace();
        Match end = EndRaw().Match(_source, _at);
        if (!end.Success)
            throw new TemplateError("'raw' is not closed: {% endraw %} is missing", Line());
        char sign = end.Groups[1].Length > 0 ? end.Groups[1].Value[0] : ' ';
        AddText(Stripped(_source[_at..end.Index], sign, isOutput: false, lineStart: _source[_at - 1] == '\n'));
        Close(end.Index + end.Length - 2, isOutput: false);
    }

    /// <summary>Goes behind the closing of a tag, and the white space that it takes.</summary>
    /// <param name="end">The place of the two characters that close it.</param>
    /// <param name="isOutput">Whether it is a value that is printed: that takes no line break.</param>
    private void Close(int end, bool isOutput)
    {
        char sign = _source[end - 1];
        _at = end + 2;
        if (sign == '-')
            SkipWhiteSpace();
        else if (sign != '+' && !isOutput && _at < _source.Length && _source[_at] == '\n')
            _at++;
    }

    private void ReadCode(bool isOutput)
    {
        Add(isOutput ? TokenKind.Output : TokenKind.Tag, isOutput ? "{{" : "{%");
        string close = isOutput ? "}}" : "%}";
        Stack<char> open = [];
        while (true)
        {
            SkipWhiteSpace();
            if (_at >= _source.Length)
                throw new TemplateError($"'{(isOutput ? "{{" : "{%")}' is not closed: '{close}' is missing", _tokens[^1].Line);
            int signs = _source[_at] == '-' || (_source[_at] == '+' && !isOutput) ? 1 : 0;
            if (open.Count == 0 && string.CompareOrdinal(_source, _at + signs, close, 0, 2) == 0)
            {
                Add(isOutput ? TokenKind.OutputEnd : TokenKind.TagEnd, close);
                Close(_at + signs, isOutput);
                return;
            }
            ReadToken(open);
        }
    }

    private void ReadToken(Stack<char> open)
    {
        char first = _source[_at];
        if (first is '\'' or '"')
            ReadString(first);
        else if (char.IsLetter(first) || first == '_')
        {
            int end = _at;
            while (end < _source.Length && (char.IsLetterOrDigit(_source[end]) || _source[end] == '_'))
                end++;
            Take(TokenKind.Name, end - _at);
        }
        else if (Number().Match(_source, _at) is { Success: true } number)
        {
            // Behind a dot, as in messages.0.1, numbers are whole.
            bool isFloat = number.Groups["float"].Success && !_tokens[^1].Is(".");
            Take(isFloat ? TokenKind.Float : TokenKind.Integer, isFloat ? number.Length : Digits(number.Value));
        }
        else if (Operator().Match(_source, _at) is { Success: true } op)
        {
            if (first is '(' or '[' or '{')
                open.Push(first);
            else if (first is ')' or ']' or '}' && !(open.TryPop(out char opened) && opened == Opening(first)))
                throw new TemplateError($"'{first}' closes nothing that is open", Line());
            Take(TokenKind.Operator, op.Length);
        }
        else
            throw new TemplateError($"'{first}' has no meaning here", Line());

        static char Opening(char closing) => closing switch { ')' => '(', ']' => '[', _ => '{' };

        static int Digits(string number) => number.TakeWhile(c => char.IsAsciiDigit(c) || c == '_').Count();
    }

    private void ReadString(char quote)
    {
        int line = Line();
        StringBuilder text = new();
        for (int i = _at + 1; i < _source.Length; i++)
        {
            if (_source[i] == quote)
            {
                _tokens.Add(new(TokenKind.String, text.ToString(), line));
                _at = i + 1;
                return;
            }
            if (_source[i] == '\\' && i + 1 < _source.Length)
                i = Escape(i + 1, text);
            else
                text.Append(_source[i]);
        }
        throw new TemplateError("a string is not closed", line);
    }

    /// <summary>Reads what stands behind a backslash, and gives the place of its last character.</summary>
    private int Escape(int at, StringBuilder text)
    {
        char escaped = _source[at];
        int digits = escaped switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            string code = _source[(at + 1)..Math.Min(at + 1 + digits, _source.Length)];
            if (code.Length < digits || !code.All(char.IsAsciiHexDigit) || !Rune.TryCreate(Convert.ToUInt32(code, 16), out Rune rune))
                throw new TemplateError($"'\\{escaped}{code}' is no character", Line());
            text.Append(rune.ToString());
            return at + digits;
        }
        if (escaped is >= '0' and <= '7' or 'N')
            throw TemplateError.Unsupported($"'\\{escaped}' in a string", Line());
        _ = escaped switch
        {
            'n' => text.Append('\n'),
            't' => text.Append('\t'),
            'r' => text.Append('\r'),
            'b' => text.Append('\b'),
            'f' => text.Append('\f'),
            'v' => text.Append('\v'),
            'a' => text.Append('\a'),
            '\\' or '\'' or '"' => text.Append(escaped),
            '\n' => text,
            _ => text.Append('\\').Append(escaped),
        };
        return at;
    }

    private int IndexOf(string what, string otherwise)
    {
        int index = _source.IndexOf(what, _at, StringComparison.Ordinal);
        return index >= 0 ? index : throw new TemplateError(otherwise, Line());
    }

    private void SkipWhiteSpace()
    {
        while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
            _at++;
    }

    private void AddText(string text)
    {
        if (text.Length > 0)
            Add(TokenKind.Text, text);
    }

    private void Take(TokenKind kind, int length)
    {
        Add(kind, _source.Substring(_at, length));
        _at += length;
    }

    private void Add(TokenKind kind, string value) => _tokens.Add(new(kind, value, Line()));

    private int Line()
    {
        _line += _source.AsSpan(_counted, _at - _counted).Count('\n');
        _counted = _at;
        return _line;
    }
}
