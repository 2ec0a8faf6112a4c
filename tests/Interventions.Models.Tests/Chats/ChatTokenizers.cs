using System.Text.Json;
using Interventions.Models.Tests.Tokenization;

namespace Interventions.Models.Tests.Chats;

/// <summary>Tokenizers of a few words, with special tokens around turns, and a beginning of text that encoding adds.</summary>
internal static class ChatTokenizers
{
    public const string Template = """
        {{ bos_token }}{% for turn in messages %}<|{{ turn.role }}|>{{ turn.content | trim }}<|end|>{% endfor %}
        {%- if add_generation_prompt %}<|assistant|>{% endif %}
        """;

    private static readonly string[] s_special = ["[UNK]", "<s>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"];

    private static readonly string[] s_words =
        ["When", " Mary", "Mary", " Tom", "Tom", " met", " gave", " it", " to", ",", "[", "]", " Ann", "Ann", "Hi", ".", " ", "INST"];

    /// <summary>The tokenizer in a folder, with the files that are given beside it.</summary>
    public static HuggingFaceTokenizer Load(params (string Name, string Content)[] files)
    {
        using TokenizerFolder folder = new TokenizerFolder().Write("tokenizer.json", File);
        foreach ((string name, string content) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder.FullPath, name))!);
            folder.Write(name, content);
        }
        return HuggingFaceTokenizer.Load(folder.FullPath);
    }

    /// <summary>The same with a template.</summary>
    public static HuggingFaceTokenizer WithTemplate(string template = Template) =>
        Load(("tokenizer_config.json", """{"eos_token": "<|end|>"}""")).WithChatTemplate(template);

    /// <summary>The words of ids.</summary>
    public static string Words(this HuggingFaceTokenizer tokenizer, IEnumerable<long> ids) =>
        string.Join('/', ids.Select(id => tokenizer.IdToToken((int)id)));

    private static string Vocabulary =>
        JsonSerializer.Serialize(s_special.Concat(s_words).Index().ToDictionary(word => word.Item, word => word.Index));

    private static string Added => JsonSerializer.Serialize(s_special.Select((token, id) => new Dictionary<string, object>
    {
        ["id"] = id,
        ["content"] = token,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = token == "<|assistant|>",
        ["normalized"] = false,
        ["special"] = true,
    }));

    /// <summary>The file <c>tokenizer.json</c>.</summary>
    public static string File => $$$"""
        {
          "version": "1.0", "normalizer": null, "decoder": { "type": "Fuse" },
          "added_tokens": {{{Added}}},
          "pre_tokenizer": {"type": "Split", "pattern": {"Regex": " ?[A-Za-z]+|[^A-Za-z]"}, "behavior": "Isolated", "invert": false},
          "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]} } },
          "model": {"type": "WordLevel", "unk_token": "[UNK]",
            "vocab": {{{Vocabulary}}} }
        }
        """;
}
