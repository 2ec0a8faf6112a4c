using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Interventions.Runtime;

namespace Interventions.Files;

/// <summary>
/// The fields of a JSON object, for both directions: every method takes a name and a value. While an object is written, the value is
/// written and returned; while one is read, the value is ignored and the text's is returned. So one list of fields is a format's writer and
/// its reader, without reflection.
/// </summary>
internal abstract class JsonFields
{
    private static readonly JsonScalar<string> s_text = new("a text", (json, value) => json.WriteStringValue(value), ReadText);

    private static readonly JsonScalar<bool> s_truth = new("true or false", (json, value) => json.WriteBooleanValue(value), ReadTruth);

    private static readonly JsonScalar<int> s_integer = new("a whole number", (json, value) => json.WriteNumberValue(value), ReadInteger);

    private static readonly JsonScalar<long> s_long = new("a whole number", (json, value) => json.WriteNumberValue(value), ReadLong);

    private static readonly JsonScalar<double> s_number = new("a number", WriteNumber, ReadNumber);

    private protected JsonFields()
    {
    }

    /// <summary>Whether an object is read, not written.</summary>
    public abstract bool IsReading { get; }

    public static string Write(Action<JsonFields> fields, bool isIndented = false)
    {
        ArrayBufferWriter<byte> text = new();
        JsonWriterOptions options = new() { Indented = isIndented, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (Utf8JsonWriter json = new(text, options))
            JsonFieldWriter.Object(json, fields);
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>Reads an object. A field that is missing, of a wrong type or unknown is refused.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    /// <param name="text">The JSON.</param>
    /// <param name="fields">Names the fields.</param>
    /// <param name="refusal">The exception to throw: it gets the place in the text, empty for the whole, and the problem.</param>
    public static T Read<T>(string text, Func<JsonFields, T> fields, Func<string, string, Exception> refusal)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return JsonFieldReader.Object(document.RootElement, "", refusal, fields);
    }

    public string? OptionalText(string name, string? value)
    {
        string text = value ?? "";
        return Field(name, value is not null, ref text, s_text) ? text : null;
    }

    public string Text(string name, string? value) => OptionalText(name, value) ?? throw Missing(name);

    /// <summary>A truth value; false is left out.</summary>
    public bool Truth(string name, bool? value)
    {
        bool truth = value ?? false;
        return Field(name, truth, ref truth, s_truth) && truth;
    }

    public int? OptionalInteger(string name, int? value)
    {
        int number = value ?? 0;
        return Field(name, value is not null, ref number, s_integer) ? number : null;
    }

    public int Integer(string name, int? value) => OptionalInteger(name, value) ?? throw Missing(name);

    public long Long(string name, long? value)
    {
        long number = value ?? 0;
        return Field(name, value is not null, ref number, s_long) ? number : throw Missing(name);
    }

    /// <summary>A number. One that JSON lacks, such as an infinite strength, is a text.</summary>
    public double Number(string name, double? value)
    {
        double number = value ?? 0;
        return Field(name, value is not null, ref number, s_number) ? number : throw Missing(name);
    }

    /// <summary>A list of texts; default where there is none.</summary>
    public ImmutableArray<string> OptionalTexts(string name, ImmutableArray<string> values) => Values(name, values, s_text);

    public ImmutableArray<string> Texts(string name, ImmutableArray<string> values) => Needed(name, OptionalTexts(name, values));

    /// <summary>A list of whole numbers; an empty one is left out.</summary>
    public ImmutableArray<int> OptionalIntegers(string name, ImmutableArray<int> values) =>
        Values(name, values.IsDefaultOrEmpty ? default : values, s_integer) is { IsDefault: false } numbers ? numbers : [];

    public ImmutableArray<int> Integers(string name, ImmutableArray<int> values) => Needed(name, Values(name, values, s_integer));

    public ImmutableArray<long> Longs(string name, ImmutableArray<long> values) => Needed(name, Values(name, values, s_long));

    public ImmutableArray<double> Numbers(string name, ImmutableArray<double> values) => Needed(name, Values(name, values, s_number));

    /// <summary>A list of values of another kind; default where there is none.</summary>
    public abstract ImmutableArray<T> Values<T>(string name, ImmutableArray<T> values, JsonScalar<T> kind);

    /// <summary>A list of objects; an empty one is left out.</summary>
    /// <param name="name">The field.</param>
    /// <param name="items">The items; default while they are read.</param>
    /// <param name="item">Names an item's fields.</param>
    public abstract ImmutableArray<T> List<T>(string name, ImmutableArray<T> items, Func<JsonFields, T?, T> item)
        where T : class;

    /// <summary>The refusal of this object, with its place.</summary>
    public abstract Exception Wrong(string problem);

    protected abstract bool Field<T>(string name, bool isGiven, ref T value, JsonScalar<T> kind);

    private ImmutableArray<T> Needed<T>(string name, ImmutableArray<T> values) => values.IsDefault ? throw Missing(name) : values;

    private Exception Missing(string name) => Wrong($"'{name}' is missing");

    private static bool ReadText(JsonElement json, out string value)
    {
        value = json.ValueKind is JsonValueKind.String ? json.GetString()! : "";
        return json.ValueKind is JsonValueKind.String;
    }

    private static bool ReadTruth(JsonElement json, out bool value)
    {
        value = json.ValueKind is JsonValueKind.True;
        return json.ValueKind is JsonValueKind.True or JsonValueKind.False;
    }

    private static bool ReadInteger(JsonElement json, out int value)
    {
        value = 0;
        return json.ValueKind is JsonValueKind.Number && json.TryGetInt32(out value);
    }

    private static bool ReadLong(JsonElement json, out long value)
    {
        value = 0;
        return json.ValueKind is JsonValueKind.Number && json.TryGetInt64(out value);
    }

    private static void WriteNumber(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumberValue(value);
        else
            json.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
    }

    private static bool ReadNumber(JsonElement json, out double value)
    {
        value = 0;
        return json.ValueKind is JsonValueKind.Number
            ? json.TryGetDouble(out value)
            : ReadText(json, out string text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }
}

/// <summary>Values of one kind in JSON.</summary>
/// <param name="Name">The kind, for messages: "a number".</param>
/// <param name="Write">Writes a value.</param>
/// <param name="TryRead">Reads a value; false where the element is of another kind.</param>
internal sealed record JsonScalar<T>(string Name, Action<Utf8JsonWriter, T> Write, TryRead<T> TryRead);

/// <summary>Reads a value; false where the element is of another kind.</summary>
internal delegate bool TryRead<T>(JsonElement json, out T value);

/// <summary>Writes the fields of an object.</summary>
internal sealed class JsonFieldWriter : JsonFields
{
    private readonly Utf8JsonWriter _json;

    private JsonFieldWriter(Utf8JsonWriter json) => _json = json;

    public override bool IsReading => false;

    public static void Object(Utf8JsonWriter json, Action<JsonFields> fields)
    {
        json.WriteStartObject();
        fields(new JsonFieldWriter(json));
        json.WriteEndObject();
    }

    public override ImmutableArray<T> Values<T>(string name, ImmutableArray<T> values, JsonScalar<T> kind)
    {
        if (values.IsDefault)
            return values;
        _json.WriteStartArray(name);
        foreach (T value in values)
            kind.Write(_json, value);
        _json.WriteEndArray();
        return values;
    }

    public override ImmutableArray<T> List<T>(string name, ImmutableArray<T> items, Func<JsonFields, T?, T> item)
        where T : class
    {
        if (items.IsDefaultOrEmpty)
            return [];
        _json.WriteStartArray(name);
        foreach (T one in items)
            Object(_json, fields => item(fields, one));
        _json.WriteEndArray();
        return items;
    }

    public override Exception Wrong(string problem) => new InvalidOperationException($"This cannot be saved: {problem}.");

    protected override bool Field<T>(string name, bool isGiven, ref T value, JsonScalar<T> kind)
    {
        if (!isGiven)
            return false;
        _json.WritePropertyName(name);
        kind.Write(_json, value);
        return true;
    }
}

/// <summary>Reads the fields of an object, and remembers which were asked for.</summary>
internal sealed class JsonFieldReader : JsonFields
{
    private readonly JsonElement _json;
    private readonly string _place;
    private readonly Func<string, string, Exception> _refusal;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    private JsonFieldReader(JsonElement json, string place, Func<string, string, Exception> refusal) =>
        (_json, _place, _refusal) = (json, place, refusal);

    public override bool IsReading => true;

    public static T Object<T>(JsonElement json, string place, Func<string, string, Exception> refusal, Func<JsonFields, T> fields)
    {
        JsonFieldReader reader = new(json, place, refusal);
        if (json.ValueKind is not JsonValueKind.Object)
            throw reader.Wrong("it is not an object");
        T value = fields(reader);
        // A field that this version does not know would be lost.
        foreach (JsonProperty property in json.EnumerateObject())
            if (!reader._known.Contains(property.Name))
                throw reader.Wrong($"'{property.Name}' is not known to this version of Interventions");
        return value;
    }

    public override ImmutableArray<T> Values<T>(string name, ImmutableArray<T> values, JsonScalar<T> kind)
    {
        if (Find(name) is not { } list)
            return default;
        return [.. Items(name, list).Select(json => kind.TryRead(json, out T value)
            ? value
            : throw Wrong($"'{name}' has an item that is not {kind.Name}"))];
    }

    public override ImmutableArray<T> List<T>(string name, ImmutableArray<T> items, Func<JsonFields, T?, T> item)
        where T : class
    {
        if (Find(name) is not { } list)
            return [];
        string prefix = _place.Length == 0 ? name : $"{_place}, {name}";
        return [.. Items(name, list).Select((json, i) =>
            Object(json, string.Create(CultureInfo.InvariantCulture, $"{prefix}[{i}]"), _refusal, fields => item(fields, null)))];
    }

    public override Exception Wrong(string problem) => _refusal(_place, problem);

    protected override bool Field<T>(string name, bool isGiven, ref T value, JsonScalar<T> kind)
    {
        if (Find(name) is not { } json)
            return false;
        return kind.TryRead(json, out value) ? true : throw Wrong($"'{name}' is not {kind.Name}");
    }

    private IEnumerable<JsonElement> Items(string name, JsonElement list) =>
        list.ValueKind is JsonValueKind.Array ? list.EnumerateArray() : throw Wrong($"'{name}' is not a list");

    private JsonElement? Find(string name)
    {
        _known.Add(name);
        return _json.TryGetProperty(name, out JsonElement value) && value.ValueKind is not JsonValueKind.Null ? value : null;
    }
}
