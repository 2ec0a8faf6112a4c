using System.Text.Json;
using System.Text.Unicode;

namespace Interventions.Files;

/// <summary>What files of others hold as text: it is checked before it is used, and shortened before it is shown.</summary>
internal static class FileText
{
    /// <summary>Reads JSON all of whose texts are texts.</summary>
    /// <exception cref="JsonException">
    /// It is no JSON, no UTF-8, or has half of a surrogate pair, which <see cref="JsonDocument"/> would not notice before it is read.
    /// </exception>
    public static JsonDocument ParseJson(byte[] bytes)
    {
        if (!Utf8.IsValid(bytes))
            throw new JsonException("it is not text in UTF-8.");
        try
        {
            CheckTexts(bytes);
            return JsonDocument.Parse(bytes);
        }
        catch (JsonException error)
        {
            throw new JsonException(Explained(error), error);
        }
    }

    /// <summary>What is wrong with JSON, and where. The parser's own message may show all of the file.</summary>
    public static string Explained(JsonException error)
    {
        string what = Shown(error.Message.Split(" LineNumber:")[0]);
        return error.LineNumber is { } line ? $"line {line + 1}, byte {error.BytePositionInLine + 1}: {what}" : what;
    }

    private static void CheckTexts(byte[] bytes)
    {
        Utf8JsonReader reader = new(bytes);
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !reader.ValueIsEscaped)
                continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException error)
            {
                throw new JsonException($"the text at byte {reader.TokenStartIndex} has half of a surrogate pair.", error);
            }
        }
    }

    /// <summary>A name from a file in a message: in quotes, short, and without control characters.</summary>
    public static string Quoted(string name) => $"'{Shown(name)}'";

    /// <summary>Text from a file in a message: short, and without control characters.</summary>
    public static string Shown(string text, int longest = 80)
    {
        string shown = text.Length <= longest ? text : text[..longest] + "…";
        return new string([.. shown.Select(character => char.IsControl(character) ? '?' : character)]);
    }
}
