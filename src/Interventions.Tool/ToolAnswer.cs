using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Interventions.Tool;

/// <summary>What a command answers: lines for people, at most 80 wide, and one JSON document for programs.</summary>
/// <param name="Text">The lines, each with its end.</param>
/// <param name="Json">The document. Its names are part of the tool's promises.</param>
internal sealed record ToolAnswer(Func<string> Text, Func<JsonNode> Json)
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true,
        // What a terminal shows and a program reads needs no escapes for web pages.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The document as text.</summary>
    public static string ToText(JsonNode json) => json.ToJsonString(s_options) + "\n";

    /// <summary>A list of a document.</summary>
    public static JsonArray List<T>(IEnumerable<T> items, Func<T, JsonNode?> item) => [.. items.Select(item)];

    /// <summary>An object of a document, by name.</summary>
    public static JsonObject Object<T>(IEnumerable<T> items, Func<T, (string Name, JsonNode? Value)> property) =>
        new(items.Select(property).Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
}

/// <summary>A mistake in how the tool was called, or a lack of this installation: a sentence for the user.</summary>
internal sealed class ToolException(string message) : Exception(message);
