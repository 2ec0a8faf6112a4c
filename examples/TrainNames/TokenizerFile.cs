using System.Text.Json;

namespace Interventions.Examples;

/// <summary>
/// Writes a <c>tokenizer.json</c> whose tokens are whole words with the space in front of them, so that decoding gives the text back.
/// </summary>
public static class TokenizerFile
{
    public static void Write(string path, IEnumerable<string> words)
    {
        using FileStream stream = File.Create(path);
        using Utf8JsonWriter json = new(
            stream,
            new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteStartArray("added_tokens");
        json.WriteStartObject();
        json.WriteNumber("id", 0);
        json.WriteString("content", "[UNK]");
        foreach (string flag in new[] { "single_word", "lstrip", "rstrip", "normalized" })
            json.WriteBoolean(flag, false);
        json.WriteBoolean("special", true);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteNull("normalizer");
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", " ?[A-Za-z]+|[^A-Za-z ]");
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
        json.WriteEndObject();
        json.WriteNull("post_processor");
        json.WriteStartObject("decoder");
        json.WriteString("type", "Fuse");
        json.WriteEndObject();
        json.WriteStartObject("model");
        json.WriteString("type", "WordLevel");
        json.WriteStartObject("vocab");
        int id = 0;
        foreach (string word in words.Prepend("[UNK]"))
            json.WriteNumber(word, id++);
        json.WriteEndObject();
        json.WriteString("unk_token", "[UNK]");
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
