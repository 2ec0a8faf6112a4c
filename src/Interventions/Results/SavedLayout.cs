using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Interventions.Runtime;

namespace Interventions.Results;

/// <summary>A result's layout as JSON in a file's metadata, written and read without reflection.</summary>
internal static class SavedLayout
{
    /// <summary>The metadata that hold it.</summary>
    public const string Key = "interventions.result";

    private const int Version = 2;

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(ResultLayout layout)
    {
        ArrayBufferWriter<byte> text = new();
        using (Utf8JsonWriter json = new(text, s_options))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteString("declaration", layout.Declaration);
            json.WriteStartArray("sweep");
            foreach (SweepAxis axis in layout.Sweep)
            {
                json.WriteStartObject();
                json.WriteString("name", axis.Name);
                json.WriteStartArray("coordinates");
                foreach (SweepCoordinate coordinate in axis.Coordinates)
                    Write(json, coordinate);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            Texts("runs", layout.Runs);
            json.WriteString("baseRun", layout.BaseRun);
            json.WriteStartArray("kept");
            foreach (KeptLayout kept in layout.Kept)
            {
                json.WriteStartObject();
                json.WriteString("name", kept.Name);
                json.WriteBoolean("stacked", kept.IsStacked);
                json.WriteBoolean("swept", kept.IsSwept);
                json.WriteBoolean("masked", kept.IsMasked);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            Texts("parameters", layout.Parameters);
            Numbers(json, "prompts", layout.Prompts);
            json.WriteStartArray("writes");
            foreach (WriteTally write in layout.Writes)
                Write(json, write);
            json.WriteEndArray();
            Texts("notes", layout.Notes);
            json.WriteStartArray("alike");
            foreach (AlikePrompts alike in layout.Alike)
                Write(json, alike);
            json.WriteEndArray();
            json.WriteEndObject();

            void Texts(string name, ImmutableArray<string> values)
            {
                json.WriteStartArray(name);
                foreach (string value in values)
                    json.WriteStringValue(value);
                json.WriteEndArray();
            }
        }
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <exception cref="CheckpointException">The file holds no result, or one of a newer version.</exception>
    public static ResultLayout Of(SafeTensorFile file)
    {
        if (!file.Metadata.TryGetValue(Key, out string? text))
            throw new CheckpointException(file.Path, $"holds tensors, but no result of a run: it has no metadata '{Key}'.");
        ResultLayout layout;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            int version = root.GetProperty("version").GetInt32();
            if (version != Version)
                throw new CheckpointException(file.Path, $"holds a result of version {version}, and this version of Interventions reads version {Version}: update the package.");
            layout = new ResultLayout(
                root.GetProperty("declaration").GetString()!,
                [.. root.GetProperty("sweep").EnumerateArray().Select(axis => new SweepAxis(
                    axis.GetProperty("name").GetString()!, [.. axis.GetProperty("coordinates").EnumerateArray().Select(Read)]))],
                Texts(root, "runs"),
                root.GetProperty("baseRun").GetString()!,
                [.. root.GetProperty("kept").EnumerateArray().Select(kept => new KeptLayout(
                    kept.GetProperty("name").GetString()!, kept.GetProperty("stacked").GetBoolean(), kept.GetProperty("swept").GetBoolean(), kept.GetProperty("masked").GetBoolean()))],
                Texts(root, "parameters"),
                Numbers(root, "prompts"),
                [.. root.GetProperty("writes").EnumerateArray().Select(ReadWrite)],
                Texts(root, "notes"))
            {
                Alike = [.. root.GetProperty("alike").EnumerateArray().Select(ReadAlike)],
            };
        }
        catch (Exception wrong) when (wrong is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new CheckpointException(file.Path, $"has metadata '{Key}' that describe no result: {wrong.Message}", wrong);
        }
        return layout.Tensors.FirstOrDefault(tensor => !file.Entries.ContainsKey(tensor)) is { } missing
            ? throw new CheckpointException(file.Path, $"has no tensor '{missing}', which its metadata describe.")
            : layout;
    }

    private static void Write(Utf8JsonWriter json, AlikePrompts alike)
    {
        json.WriteStartObject();
        json.WriteString("write", alike.Write);
        json.WriteString("site", alike.Site);
        if (alike.Run is { } run)
            json.WriteString("run", run);
        Numbers(json, "prompts", alike.Prompts);
        json.WriteEndObject();
    }

    private static AlikePrompts ReadAlike(JsonElement alike) => new(
        alike.GetProperty("write").GetString()!,
        alike.GetProperty("site").GetString()!,
        alike.TryGetProperty("run", out JsonElement run) ? run.GetString() : null,
        Numbers(alike, "prompts"));

    private static void Write(Utf8JsonWriter json, WriteTally write)
    {
        json.WriteStartObject();
        json.WriteString("write", write.Effect.Write);
        json.WriteString("site", write.Effect.Site);
        if (write.Effect.Run is { } run)
            json.WriteString("run", run);
        json.WriteNumber("selected", write.Effect.Selected);
        json.WriteNumber("written", write.Effect.Written);
        json.WriteNumber("compared", write.Effect.Compared);
        json.WriteNumber("changed", write.Effect.Changed);
        json.WritePropertyName("largest");
        Write(json, write.Effect.Largest);
        json.WriteNumber("read", write.Read);
        json.WriteNumber("due", write.Due);
        json.WriteEndObject();
    }

    private static WriteTally ReadWrite(JsonElement write) => new(
        new WriteEffect(
            write.GetProperty("write").GetString()!,
            write.GetProperty("site").GetString()!,
            write.TryGetProperty("run", out JsonElement run) ? run.GetString() : null,
            write.GetProperty("selected").GetInt64(),
            write.GetProperty("written").GetInt64(),
            write.GetProperty("compared").GetInt64(),
            write.GetProperty("changed").GetInt64(),
            Number(write.GetProperty("largest"))),
        write.GetProperty("read").GetInt64(),
        write.GetProperty("due").GetInt64());

    private static void Write(Utf8JsonWriter json, SweepCoordinate coordinate)
    {
        if (coordinate.Name is { } name)
            json.WriteStringValue(name);
        else
            Write(json, coordinate.Number);
    }

    private static SweepCoordinate Read(JsonElement value) => value.ValueKind is JsonValueKind.String ? value.GetString()! : Number(value);

    /// <summary>Numbers that JSON lacks (an infinite strength) are objects, as a text is a name.</summary>
    private static void Write(Utf8JsonWriter json, double number)
    {
        if (double.IsFinite(number))
        {
            json.WriteNumberValue(number);
            return;
        }
        json.WriteStartObject();
        json.WriteString("number", number.ToString(CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    private static double Number(JsonElement value) => value.ValueKind is JsonValueKind.Number
        ? value.GetDouble()
        : double.Parse(value.GetProperty("number").GetString()!, CultureInfo.InvariantCulture);

    private static void Numbers(Utf8JsonWriter json, string name, ImmutableArray<int> numbers)
    {
        json.WriteStartArray(name);
        foreach (int number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private static ImmutableArray<int> Numbers(JsonElement root, string name) =>
        [.. root.GetProperty(name).EnumerateArray().Select(number => number.GetInt32())];

    private static ImmutableArray<string> Texts(JsonElement root, string name) => [.. root.GetProperty(name).EnumerateArray().Select(text => text.GetString()!)];
}
