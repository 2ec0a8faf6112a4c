using System.Text.Json;
using Interventions.Models.Chats;

namespace Interventions.Models.Tokenization;

/// <summary>The chat templates of a tokenizer, by name. The one that is used where nothing else is asked for is <c>default</c>.</summary>
/// <param name="where">The file or folder that they come from, for messages.</param>
/// <param name="sources">Their texts.</param>
internal sealed class ChatTemplates(string? where, IReadOnlyDictionary<string, string> sources)
{
    public const string Default = "default";

    /// <summary>The one that transformers takes where a chat has tools, if it is there.</summary>
    private const string ForTools = "tool_use";

    public static readonly ChatTemplates None = new(null, new Dictionary<string, string>());

    private readonly Dictionary<string, ChatTemplate> _read = [];

    public IReadOnlyDictionary<string, string> Sources => sources;

    /// <summary>The template of a chat, read when it is first needed.</summary>
    /// <param name="hasTools">Whether the chat has tools.</param>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public ChatTemplate For(bool hasTools)
    {
        string name = hasTools && sources.ContainsKey(ForTools) ? ForTools : Default;
        if (!sources.TryGetValue(name, out string? source))
            throw new InvalidOperationException(sources.Count == 0
                ? "The tokenizer has no chat template. Give it that of its model: tokenizer.WithChatTemplate(\"…\")."
                : $"The tokenizer's chat templates are {TemplateText.Listed(sources.Keys)}, and none is the default: take one, "
                    + $"tokenizer.WithChatTemplate(tokenizer.ChatTemplates[\"{sources.Keys.First()}\"]).");
        lock (_read)
        {
            if (!_read.TryGetValue(name, out ChatTemplate? template))
                _read[name] = template = new ChatTemplate(
                    $"The chat template{(name == Default ? "" : $" '{name}'")}{(where is null ? "" : $" of '{where}'")}", source);
            return template;
        }
    }
}

/// <summary>Where the files of a tokenizer have chat templates.</summary>
internal static class ChatTemplateFiles
{
    private const string Key = "chat_template", GgufKey = "tokenizer.chat_template";

    private const string JsonName = "chat_template.json", Name = "chat_template.jinja", Others = "additional_chat_templates";

    private static readonly string[] s_tokens =
        ["bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token"];

    /// <summary>The templates in a folder. As in transformers, files of their own count before <c>tokenizer_config.json</c>.</summary>
    public static ChatTemplates InFolder(string folder, IReadOnlyList<JsonField> configs)
    {
        string json = Path.Combine(folder, JsonName);
        IEnumerable<JsonField> files = File.Exists(json) ? [JsonField.OfFile(json), .. configs] : configs;
        Dictionary<string, string> sources = new(InFiles(folder, files).Sources, StringComparer.Ordinal);
        foreach (string name in NamesIn(folder).Where(name => name != JsonName))
            sources[name == Name ? ChatTemplates.Default : Path.GetFileNameWithoutExtension(name)] =
                File.ReadAllText(Path.Combine(folder, name));
        return new(folder, sources);
    }

    /// <summary>The files in a folder that hold templates alone, by their names in it.</summary>
    public static IEnumerable<string> NamesIn(string folder)
    {
        string others = Path.Combine(folder, Others);
        IEnumerable<string> named = Directory.Exists(others)
            ? Directory.GetFiles(others, "*.jinja").Order(StringComparer.Ordinal).Select(file => Path.GetRelativePath(folder, file))
            : [];
        return new[] { JsonName, Name }.Where(name => File.Exists(Path.Combine(folder, name))).Concat(named);
    }

    /// <summary>The templates in JSON files: a text, or a list of named ones, in the first file that has any.</summary>
    public static ChatTemplates InFiles(string where, IEnumerable<JsonField> files)
    {
        if (files.Select(file => file.Optional(Key)).FirstOrDefault(field => field is not null) is not { } found)
            return ChatTemplates.None;
        if (found.Kind == JsonValueKind.String)
            return new(where, new Dictionary<string, string> { [ChatTemplates.Default] = found.String() });
        Dictionary<string, string> sources = new(StringComparer.Ordinal);
        foreach (JsonField item in found.Items())
            if (!sources.TryAdd(item.Required("name").String(), item.Required("template").String()))
                throw item.Invalid("the name is there twice");
        return new(where, sources);
    }

    /// <summary>
    /// The texts that templates know as <c>bos_token</c> and so on. A file that says <c>null</c> means that there is none; where no file
    /// says anything, it is the token that the tokenizer takes for it.
    /// </summary>
    public static IReadOnlyDictionary<string, string> SpecialTokens(IReadOnlyList<JsonField> files, SpecialTokenNames names)
    {
        Dictionary<string, string?> tokens = new(StringComparer.Ordinal)
        {
            ["bos_token"] = names.Bos,
            ["eos_token"] = names.Eos,
            ["pad_token"] = names.Pad,
        };
        foreach (string name in s_tokens)
            if (files.SelectMany(file => file.Members()).FirstOrDefault(member => member.Name == name) is { Name: not null } member)
                tokens[name] = member.Value.Kind switch
                {
                    JsonValueKind.Null => null,
                    JsonValueKind.Object => member.Value.Required("content").String(),
                    _ => member.Value.String(),
                };
        return tokens.Where(token => token.Value is not null).ToDictionary(token => token.Key, token => token.Value!);
    }

    /// <summary>Writes the templates among the keys of a GGUF file as <c>tokenizer_config.json</c> has them.</summary>
    public static void Write(IReadOnlyDictionary<string, object> keys, Utf8JsonWriter json)
    {
        (string Name, string Source)[] templates =
        [
            .. keys.Where(pair => pair.Key == GgufKey || pair.Key.StartsWith(GgufKey + ".", StringComparison.Ordinal))
                .Select(pair => (pair.Key == GgufKey ? ChatTemplates.Default : pair.Key[(GgufKey.Length + 1)..], $"{pair.Value}")),
        ];
        if (templates is [(ChatTemplates.Default, var only)])
            json.WriteString(Key, only);
        else if (templates.Length > 0)
        {
            json.WriteStartArray(Key);
            foreach ((string name, string source) in templates)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteString("template", source);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
    }
}
