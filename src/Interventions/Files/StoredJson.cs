using System.Text;
using System.Text.Json;

namespace Interventions.Files;

/// <summary>What packages keep as JSON.</summary>
internal static class StoredJson
{
    /// <summary>Reads a text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="refusal">What it is not, where it is malformed: <c>This is no circuit</c>.</param>
    /// <param name="read">Reads its fields.</param>
    /// <exception cref="InterventionException">It is malformed.</exception>
    public static T Read<T>(string json, string refusal, Func<JsonFields, T> read)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            return JsonFields.Read(json, read, (place, problem) =>
                new InterventionException($"{refusal}: {(place.Length > 0 ? $"at {place}, " : "")}{problem}."));
        }
        catch (Exception wrong) when (wrong is JsonException or FormatException or ArgumentException)
        {
            throw new InterventionException($"{refusal}: {wrong.Message}", wrong);
        }
    }

    /// <summary>Writes a file, which appears under its name only when it is complete.</summary>
    public static void Write(string path, Action<JsonFields> write)
    {
        byte[] text = Encoding.UTF8.GetBytes(JsonFields.Write(write));
        CompleteFile.Replace(path, stream => stream.Write(text));
    }
}
