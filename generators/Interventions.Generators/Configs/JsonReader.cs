using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Configs;

/// <summary>
/// Reads JSON (RFC 8259, as strictly as the library does) and the place of each value in the text. The generator has no JSON library: it
/// would fail to load in editors that have another version of that library.
/// </summary>
internal sealed class JsonReader
{
    // The library's reader has the same limit.
    private const int MaximumDepth = 64;

    private readonly string _text;
    private int _at;

    private JsonReader(string text) => _text = text;

    /// <summary>Reads a file's text.</summary>
    /// <exception cref="ConfigException">It is not JSON.</exception>
    public static JsonValue Read(string text)
    {
        var reader = new JsonReader(text);
        JsonValue value = reader.Value(0);
        reader.SkipSpace();
        return reader._at == text.Length ? value : throw reader.Wrong("nothing can follow the value");
    }

    private char Current => _at < _text.Length ? _text[_at] : '\0';

    private JsonValue Value(int depth)
    {
        SkipSpace();
        if (depth > MaximumDepth)
            throw Wrong($"values are nested deeper than {MaximumDepth}");
        int start = _at;
        switch (Current)
        {
            case '{':
                IReadOnlyList<JsonMember> members = Members(depth);
                return new JsonValue(JsonKind.Object, Written(start), TextSpan.FromBounds(start, _at), members);
            case '[':
                IReadOnlyList<JsonMember> items = Items(depth);
                return new JsonValue(JsonKind.Array, Written(start), TextSpan.FromBounds(start, _at), items);
            case '"':
                string text = Text();
                return new JsonValue(JsonKind.Text, text, TextSpan.FromBounds(start, _at), []);
            case '-' or (>= '0' and <= '9'):
                Number();
                return Leaf(JsonKind.Number, start);
            case 't' or 'f' or 'n':
                return Word(start);
            default:
                throw Wrong("a value is missing");
        }
    }

    private IReadOnlyList<JsonMember> Members(int depth)
    {
        var members = new List<JsonMember>();
        _at++;
        SkipSpace();
        if (Current == '}')
        {
            _at++;
            return members;
        }
        while (true)
        {
            SkipSpace();
            if (Current != '"')
                throw Wrong("a member's name, in double quotes, is missing");
            int start = _at;
            string name = Text();
            var span = TextSpan.FromBounds(start, _at);
            SkipSpace();
            if (Current != ':')
                throw Wrong($"':' is missing after \"{name}\"");
            _at++;
            members.Add(new JsonMember(name, span, Value(depth + 1)));
            if (IsLast('}', "the object"))
                return members;
        }
    }

    /// <summary>An array's items, as members without names.</summary>
    private IReadOnlyList<JsonMember> Items(int depth)
    {
        var items = new List<JsonMember>();
        _at++;
        SkipSpace();
        if (Current == ']')
        {
            _at++;
            return items;
        }
        do
        {
            JsonValue value = Value(depth + 1);
            items.Add(new JsonMember("", value.Span, value));
        }
        while (!IsLast(']', "the array"));
        return items;
    }

    /// <summary>Reads a comma or the closing bracket; true for the bracket.</summary>
    private bool IsLast(char close, string what)
    {
        SkipSpace();
        bool isLast = Current == close;
        if (!isLast && Current != ',')
            throw Wrong($"',' or '{close}', which closes {what}, is missing");
        _at++;
        return isLast;
    }

    private string Text()
    {
        var text = new StringBuilder();
        for (_at++; Current != '"'; _at++)
        {
            if (_at >= _text.Length || Current < ' ')
                throw Wrong("'\"', which closes the text, is missing");
            text.Append(Current == '\\' ? Escape() : Current);
        }
        _at++;
        return text.ToString();
    }

    private char Escape()
    {
        _at++;
        switch (Current)
        {
            case '"' or '\\' or '/':
                return Current;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u' when _at + 4 < _text.Length && Code(_text.Substring(_at + 1, 4)) is { } code:
                _at += 4;
                return code;
            default:
                throw Wrong("this is no escape");
        }
    }

    private static char? Code(string digits) =>
        ushort.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code) ? (char)code : null;

    private void Number()
    {
        if (Current == '-')
            _at++;
        if (Current == '0')
            _at++;
        else
            Digits();
        if (Current == '.')
        {
            _at++;
            Digits();
        }
        if (Current is 'e' or 'E')
        {
            _at++;
            if (Current is '+' or '-')
                _at++;
            Digits();
        }
    }

    private void Digits()
    {
        if (Current is not (>= '0' and <= '9'))
            throw Wrong("a digit is missing");
        while (Current is >= '0' and <= '9')
            _at++;
    }

    private JsonValue Word(int start)
    {
        while (Current is >= 'a' and <= 'z')
            _at++;
        JsonKind? kind = Written(start) switch { "true" or "false" => JsonKind.Flag, "null" => JsonKind.Null, _ => null };
        if (kind is { } known)
            return Leaf(known, start);
        throw new ConfigException($"'{Written(start)}' is no value", TextSpan.FromBounds(start, _at), isSyntax: true);
    }

    private void SkipSpace()
    {
        while (Current is ' ' or '\t' or '\r' or '\n')
            _at++;
    }

    private string Written(int start) => _text.Substring(start, _at - start);

    private JsonValue Leaf(JsonKind kind, int start) => new(kind, Written(start), TextSpan.FromBounds(start, _at), []);

    /// <summary>An error at the current character; at the end of the file, behind the last one.</summary>
    private ConfigException Wrong(string message) => new(message, new TextSpan(_at, _at < _text.Length ? 1 : 0), isSyntax: true);
}

/// <summary>A JSON value, and where it stands in the file.</summary>
/// <param name="Kind">The sort of value.</param>
/// <param name="Text">Text without quotes and escapes; any other value as it is written.</param>
/// <param name="Span">Where it stands.</param>
/// <param name="Members">An object's members, in order; of anything else, none.</param>
internal sealed record JsonValue(JsonKind Kind, string Text, TextSpan Span, IReadOnlyList<JsonMember> Members);

/// <summary>A member of a JSON object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="NameSpan">Where the name stands, quotes included.</param>
/// <param name="Value">Its value.</param>
internal sealed record JsonMember(string Name, TextSpan NameSpan, JsonValue Value);

/// <summary>The sorts of JSON values.</summary>
internal enum JsonKind
{
    /// <summary>An object.</summary>
    Object,

    /// <summary>An array.</summary>
    Array,

    /// <summary>Text.</summary>
    Text,

    /// <summary>A number.</summary>
    Number,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary><c>null</c>.</summary>
    Null,
}
