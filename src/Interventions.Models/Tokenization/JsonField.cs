using System.Text.Json;
using Interventions.Files;

namespace Interventions.Models.Tokenization;

/// <summary>A value in a JSON file, with the file and the path to it, so that every error names the place.</summary>
internal readonly struct JsonField(JsonElement element, string file, string path)
{
    private const string NoName = "a name that is not text";

    public JsonValueKind Kind => element.ValueKind;

    /// <summary>The whole of a file.</summary>
    /// <exception cref="InvalidDataException">The file is not JSON, or not one object.</exception>
    public static JsonField OfFile(string file) => Parse(file, File.ReadAllBytes(file));

    /// <summary>The whole of a file, given its bytes.</summary>
    /// <exception cref="InvalidDataException">They are not JSON, or not one object.</exception>
    public static JsonField Parse(string file, ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("\uFEFF"u8))    // a byte order mark does no harm
            bytes = bytes[3..];
        try
        {
            JsonField root = new(JsonElement.Parse(bytes), file, "");
            return root.Kind == JsonValueKind.Object ? root : throw root.Invalid($"it holds {Name(root.Kind)}, not an object");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file}: it is not JSON: {FileText.Explained(e)}", e);
        }
    }

    /// <summary>The error for a malformed file.</summary>
    public InvalidDataException Invalid(string reason) => new($"{Place()}: {FileText.Shown(reason, 500)}");

    /// <summary>The error for a file that may be well-formed, but has a component that is not implemented.</summary>
    public NotSupportedException Unsupported(string component, string type) =>
        new($"{Place()}: the {component} {FileText.Quoted(type)} is not supported");

    /// <summary>A member of this object; <see langword="null"/> if it is absent or null.</summary>
    public JsonField? Optional(string name)
    {
        Expect(JsonValueKind.Object);
        JsonElement found = Unescaped(
            (element, name), static of => of.element.TryGetProperty(of.name, out JsonElement value) ? value : default, NoName);
        return found.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? null : Member(name, found);
    }

    public JsonField Required(string name) => Optional(name) ?? throw Invalid($"'{name}' is missing");

    public IEnumerable<(string Name, JsonField Value)> Members()
    {
        Expect(JsonValueKind.Object);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string name = Unescaped(property, static property => property.Name, NoName);
            yield return (name, Member(name, property.Value));
        }
    }

    public IEnumerable<JsonField> Items()
    {
        Expect(JsonValueKind.Array);
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
            yield return new JsonField(item, file, $"{path}[{index++}]");
    }

    /// <summary>The component's type, which chooses its reader.</summary>
    public string Type() => Required("type").String();

    public string String()
    {
        Expect(JsonValueKind.String);
        return Unescaped(element, static element => element.GetString()!, "a string that is not text");
    }

    /// <summary>A string of one code point.</summary>
    public string Character() =>
        String().EnumerateRunes().Count() == 1 ? String() : throw Invalid($"'{String()}' is not one character");

    public bool Bool() => Kind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Invalid($"it is {Name(Kind)}, not true or false"),
    };

    public double Number()
    {
        Expect(JsonValueKind.Number);
        return element.GetDouble();
    }

    /// <summary>A token id: a whole number from 0.</summary>
    public int Id()
    {
        Expect(JsonValueKind.Number);
        return element.TryGetInt32(out int id) && id >= 0 ? id : throw Invalid($"{element.GetRawText()} is not a token id");
    }

    /// <summary>An object of tokens and their ids. Ids may leave gaps, but no two tokens share one.</summary>
    public Dictionary<string, int> Vocabulary()
    {
        Dictionary<string, int> ids = new(StringComparer.Ordinal);
        Dictionary<int, string> tokens = [];
        foreach ((string token, JsonField value) in Members())
        {
            int id = value.Id();
            if (!ids.TryAdd(token, id))
                throw Invalid($"the token '{token}' is there twice");
            if (!tokens.TryAdd(id, token))
                throw Invalid($"the tokens '{tokens[id]}' and '{token}' have the same id {id}");
        }
        return ids;
    }

    /// <summary>A string that must be in the vocabulary.</summary>
    public string TokenOf(IReadOnlyDictionary<string, int> vocabulary)
    {
        string token = String();
        return vocabulary.ContainsKey(token) ? token : throw Invalid($"'{token}' is not in the vocabulary");
    }

    /// <summary>Reads what may be written with escapes, among which half of a surrogate pair is no text.</summary>
    private TResult Unescaped<TSource, TResult>(TSource source, Func<TSource, TResult> read, string wrong)
    {
        try
        {
            return read(source);
        }
        catch (InvalidOperationException)
        {
            throw Invalid(wrong);
        }
    }

    private string Place() => path.Length == 0 ? file : $"{file}: {FileText.Shown(path, 200)}";

    private JsonField Member(string name, JsonElement value) => new(value, file, path.Length == 0 ? name : $"{path}.{name}");

    private void Expect(JsonValueKind kind)
    {
        if (Kind != kind)
            throw Invalid($"it is {Name(Kind)}, not {Name(kind)}");
    }

    private static string Name(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
