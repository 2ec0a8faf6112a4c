using System.Collections;
using System.Globalization;
using System.Text.Json;

namespace Interventions.Models.Chats;

/// <summary>Messages and variables as values of a template.</summary>
internal static class ChatValues
{
    /// <summary>
    /// The messages. Every character that a message says has a number of its own: first those of its content, then those of its fields.
    /// </summary>
    /// <param name="messages">The messages.</param>
    /// <param name="starts">Gets the number of each message's first character.</param>
    public static TemplateList Of(IReadOnlyList<ChatMessage> messages, int[] starts)
    {
        int next = 0;
        List<object?> values = [];
        foreach ((int i, ChatMessage message) in messages.Index())
        {
            string where = $"message {i}";
            if (message?.Role is null || message.Content is null)
                throw new ArgumentException($"The chat's {where} has no {(message?.Role is null ? "role" : "content")}: it is null.");
            starts[i] = next;
            OrderedDictionary<string, object?> fields = new(StringComparer.Ordinal)
            {
                ["role"] = (TracedText)message.Role,    // templates write it into tokens, as in <|user|>
                ["content"] = Traced(message.Content),
            };
            foreach ((string name, object? value) in message.Fields)
                if (!fields.TryAdd(name, Of(value, $"{name} of {where}", Traced)))
                    throw new ArgumentException($"The chat's {where} has '{name}' twice: as a property and among its fields.");
            values.Add(new TemplateMap(fields));
        }
        return new TemplateList(values);

        TracedText Traced(string text)
        {
            TracedText traced = TracedText.Of(text, next);
            next += text.Length;
            return traced;
        }
    }

    /// <summary>A variable.</summary>
    /// <exception cref="ArgumentException">It is of no kind that templates know.</exception>
    public static object? Of(object? value, string where) => Of(value, where, text => text);

    private static object? Of(object? value, string where, Func<string, TracedText> text) => value switch
    {
        null => null,
        bool or long or double => value,
        int or short or byte or sbyte or ushort or uint => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        float single => (double)single,
        string letters => text(letters),
        JsonElement json => OfJson(json, where, text),
        IEnumerable<KeyValuePair<string, object?>> map => Map(map.Select(pair => (pair.Key, Of(pair.Value, where, text)))),
        IEnumerable<KeyValuePair<string, string>> map => Map(map.Select(pair => (pair.Key, Of(pair.Value, where, text)))),
        IDictionary => throw Unknown(value, where),
        IEnumerable list => new TemplateList([.. list.Cast<object?>().Select(item => Of(item, where, text))]),
        _ => throw Unknown(value, where),
    };

    private static object? OfJson(JsonElement json, string where, Func<string, TracedText> text) => json.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.True or JsonValueKind.False => json.GetBoolean(),
        JsonValueKind.Number => json.TryGetInt64(out long whole) ? whole : (object)json.GetDouble(),
        JsonValueKind.String => text(json.GetString()!),
        JsonValueKind.Array => new TemplateList([.. json.EnumerateArray().Select(item => OfJson(item, where, text))]),
        JsonValueKind.Object => Map(json.EnumerateObject().Select(member => (member.Name, OfJson(member.Value, where, text)))),
        _ => throw Unknown(json, where),
    };

    private static TemplateMap Map(IEnumerable<(string Key, object? Value)> pairs)
    {
        OrderedDictionary<string, object?> values = new(StringComparer.Ordinal);
        foreach ((string key, object? value) in pairs)
            values[key] = value;
        return new TemplateMap(values);
    }

    private static ArgumentException Unknown(object value, string where) => new(
        $"The chat's {where} is a {value.GetType().Name}: give texts, numbers, truth values, lists and maps of these, or a JsonElement.");
}
