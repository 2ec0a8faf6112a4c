using System.Text.Json;
using Interventions.Models.Tokenization;

namespace Interventions.Models.Checkpoints;

/// <summary>
/// The tokenizer in the keys of a GGUF file, written as the files of the Hugging Face layout: these can be read, and saved beside
/// weights.
/// </summary>
internal static class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";

    private const string ByteLevel = """{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}""";

    /// <summary>The pre-tokenizers that <c>tokenizer.ggml.pre</c> names. A new one is a line.</summary>
    private static readonly Dictionary<string, string> s_preTokenizers = new()
    {
        ["gpt-2"] = ByteLevel,
        ["smollm"] = $$"""
            {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, {{ByteLevel}}]}
            """,
    };

    /// <summary>The keys that are read here, and scores, which byte-level encoding does not have.</summary>
    private static readonly HashSet<string> s_read =
        ["model", "pre", "tokens", "token_type", "merges", "scores", "add_bos_token", "add_eos_token", "add_space_prefix"];

    /// <summary>Whether a file has a tokenizer.</summary>
    public static bool IsIn(GgufHeader header) =>
        header.Values.Keys.Any(key => key.StartsWith(Prefix, StringComparison.Ordinal))
        && header.Values.GetValueOrDefault(Prefix + "model") is not ("none" or "no_vocab");

    /// <summary>The contents of <c>tokenizer.json</c> and <c>tokenizer_config.json</c>.</summary>
    /// <exception cref="CheckpointException">A key is missing, malformed, unknown or asks for something unsupported.</exception>
    public static (byte[] Tokenizer, byte[] Config) Write(GgufHeader header)
    {
        string model = Required<string>(header, "model");
        if (model != "gpt2")
            throw Wrong(header, "model", $"is {GgufHeader.Quoted(model)}; byte-level tokenizers ('gpt2') are read");
        string kind = Required<string>(header, "pre");
        string preTokenizer = s_preTokenizers.GetValueOrDefault(kind)
            ?? throw Wrong(header, "pre", $"is {GgufHeader.Quoted(kind)}; read are {string.Join(", ", s_preTokenizers.Keys)}");
        if (Optional<object>(header, "add_space_prefix") is not (null or false))
            throw Wrong(header, "add_space_prefix", "must be false for a byte-level tokenizer");
        CheckKeys(header);
        string[] tokens = Required<string[]>(header, "tokens");
        return (Json(json => WriteTokenizer(header, tokens, preTokenizer, json)), Json(json => WriteConfig(header, tokens, json)));
    }

    /// <summary>Refuses keys that could change tokens. The ids of further tokens, templates of chats and copies of files do not.</summary>
    private static void CheckKeys(GgufHeader header)
    {
        foreach (string key in header.Values.Keys.Where(key => key.StartsWith("tokenizer.", StringComparison.Ordinal)))
        {
            bool isRead = key.StartsWith(Prefix, StringComparison.Ordinal)
                ? s_read.Contains(key[Prefix.Length..]) || key.EndsWith("_token_id", StringComparison.Ordinal)
                : key is "tokenizer.huggingface.json" || key.StartsWith("tokenizer.chat_template", StringComparison.Ordinal);
            if (!isRead)
                throw Unusable(header, $"{GgufHeader.Quoted(key)} may change the tokens and is not read");
        }
    }

    private static void WriteTokenizer(GgufHeader header, string[] tokens, string preTokenizer, Utf8JsonWriter json)
    {
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        WriteAddedTokens(header, tokens, json);
        json.WriteNull("normalizer");
        json.WritePropertyName("pre_tokenizer");
        json.WriteRawValue(preTokenizer);
        WritePostProcessor(header, tokens, json);
        json.WritePropertyName("decoder");
        json.WriteRawValue(ByteLevel);

        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteStartObject("vocab");
        for (int id = 0; id < tokens.Length; id++)
            json.WriteNumber(tokens[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (string merge in Required<string[]>(header, "merges"))
            json.WriteStringValue(merge);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Tokens that are searched in the text itself: control tokens, which are special, and those that a user added.</summary>
    private static void WriteAddedTokens(GgufHeader header, string[] tokens, Utf8JsonWriter json)
    {
        const long normal = 1, control = 3, userDefined = 4, unused = 5;
        long[] types = Required<long[]>(header, "token_type");
        if (types.Length != tokens.Length)
            throw Wrong(header, "token_type", $"has {types.Length} elements for {tokens.Length} tokens");
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < tokens.Length; id++)
        {
            if (types[id] is normal or unused)
                continue;
            if (types[id] is not (control or userDefined))
                throw Wrong(header, "token_type", $"is {types[id]} for token {id}; a byte-level tokenizer has the types 1, 3, 4 and 5");
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", tokens[id]);
            foreach (string flag in (string[])["single_word", "lstrip", "rstrip", "normalized"])
                json.WriteBoolean(flag, false);
            json.WriteBoolean("special", types[id] == control);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>The tokens that are put around a text.</summary>
    private static void WritePostProcessor(GgufHeader header, string[] tokens, Utf8JsonWriter json)
    {
        int? Around(string flag, string id) => Optional<object>(header, flag) switch
        {
            null or false => null,
            true => IdOf(header, tokens, id) ?? throw Wrong(header, id, "is missing, and its token is to be put around texts"),
            _ => throw Wrong(header, flag, "must be true or false"),
        };
        int? before = Around("add_bos_token", "bos_token_id"), after = Around("add_eos_token", "eos_token_id");
        if (before is null && after is null)
        {
            json.WriteNull("post_processor");
            return;
        }
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        foreach (string template in (string[])["single", "pair"])
        {
            json.WriteStartArray(template);
            foreach ((string kind, string? name) in (ReadOnlySpan<(string, string?)>)
                [("SpecialToken", Name(before)), ("Sequence", "A"), ("SpecialToken", Name(after))])
            {
                if (name is null)
                    continue;
                json.WriteStartObject();
                json.WriteStartObject(kind);
                json.WriteString("id", name);
                json.WriteNumber("type_id", 0);
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteStartObject("special_tokens");
        foreach (int id in (HashSet<int>)[.. new[] { before, after }.OfType<int>()])
        {
            json.WriteStartObject(tokens[id]);
            json.WriteString("id", tokens[id]);
            json.WriteStartArray("ids");
            json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            json.WriteStringValue(tokens[id]);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();

        string? Name(int? id) => id is { } index ? tokens[index] : null;
    }

    private static void WriteConfig(GgufHeader header, string[] tokens, Utf8JsonWriter json)
    {
        foreach ((string property, string key) in ((string, string)[])
            [("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"), ("unk_token", "unknown")])
        {
            if (IdOf(header, tokens, key + "_token_id") is { } id)
                json.WriteString(property, tokens[id]);
        }
        ChatTemplateFiles.Write(header.Values, json);
    }

    private static int? IdOf(GgufHeader header, string[] tokens, string key) => Optional<object>(header, key) switch
    {
        null => null,
        long id when id >= 0 && id < tokens.Length => (int)id,
        object id => throw Wrong(header, key, $"is {id}, and there are {tokens.Length} tokens"),
    };

    private static T Required<T>(GgufHeader header, string key) where T : class =>
        Optional<T>(header, key) ?? throw Wrong(header, key, "is missing");

    private static T? Optional<T>(GgufHeader header, string key) where T : class =>
        header.Values.GetValueOrDefault(Prefix + key) switch
        {
            null => null,
            T value => value,
            object value => throw Wrong(header, key, $"holds {value.GetType().Name}, and must hold {typeof(T).Name}"),
        };

    private static CheckpointException Wrong(GgufHeader header, string key, string reason) =>
        Unusable(header, $"{GgufHeader.Quoted(Prefix + key)} {reason}");

    private static CheckpointException Unusable(GgufHeader header, string reason) => new(header.Path,
        $"has a tokenizer that cannot be used: {reason}. The model computes on token ids without it, and a tokenizer.json is read by " +
        "HuggingFaceTokenizer.Load.");

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }
}
