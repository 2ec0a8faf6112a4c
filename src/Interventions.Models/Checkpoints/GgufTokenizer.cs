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
        CheckKeys(header);
        string[] tokens = Required<string[]>(header, "tokens");
        GgufTokenKind kind = KindOf(header, out bool isSentencePiece);
        return (
            Json(json => WriteTokenizer(header, tokens, kind, isSentencePiece, json)),
            Json(json => WriteConfig(header, tokens, isSentencePiece, json)));
    }

    private static GgufTokenKind KindOf(GgufHeader header, out bool isSentencePiece)
    {
        string model = Required<string>(header, "model");
        object? prefix = Optional<object>(header, "add_space_prefix");
        isSentencePiece = model == "llama";
        if (isSentencePiece)
        {
            return prefix is null or bool
                ? GgufTokenKind.SentencePiece(prefix is not false)
                : throw Wrong(header, "add_space_prefix", "must be true or false");
        }
        if (model != "gpt2")
        {
            throw Wrong(header, "model",
                $"is {GgufHeader.Quoted(model)}; read are byte-level tokenizers ('gpt2') and SentencePiece's byte pairs ('llama')");
        }
        string name = Required<string>(header, "pre");
        if (prefix is not (null or false))
            throw Wrong(header, "add_space_prefix", "must be false for a byte-level tokenizer");
        return GgufTokenKind.ByteLevel.GetValueOrDefault(name) ?? throw Wrong(header, "pre",
            $"is {GgufHeader.Quoted(name)}; read are {string.Join(", ", GgufTokenKind.ByteLevel.Keys)}");
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

    private static void WriteTokenizer(
        GgufHeader header, string[] tokens, GgufTokenKind kind, bool isSentencePiece, Utf8JsonWriter json)
    {
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        WriteAddedTokens(header, tokens, isSentencePiece, json);
        foreach ((string name, string value) in ((string, string)[])
            [("normalizer", kind.Normalizer), ("pre_tokenizer", kind.PreTokenizer), ("decoder", kind.Decoder)])
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value);
        }
        WritePostProcessor(header, tokens, (kind.BeginsByDefault, isSentencePiece), json);

        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        if (kind.IgnoresMerges)
            json.WriteBoolean("ignore_merges", true);
        if (isSentencePiece)
        {
            json.WriteBoolean("byte_fallback", true);
            json.WriteBoolean("fuse_unk", true);
            json.WriteString("unk_token", tokens[IdOf(header, tokens, "unknown_token_id") ?? 0]);
        }
        json.WriteStartObject("vocab");
        for (int id = 0; id < tokens.Length; id++)
            json.WriteNumber(tokens[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        if (isSentencePiece)
            WriteMerges(header, tokens, json);
        else
            foreach (string merge in Required<string[]>(header, "merges"))
                json.WriteStringValue(merge);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>
    /// SentencePiece joins any two neighbours that make a token, those of the highest score first: the ways to cut each token in two are
    /// the merges, by its score.
    /// </summary>
    private static void WriteMerges(GgufHeader header, string[] tokens, Utf8JsonWriter json)
    {
        double[] scores = Required<double[]>(header, "scores");
        if (scores.Length != tokens.Length)
            throw Wrong(header, "scores", $"has {scores.Length} elements for {tokens.Length} tokens");
        HashSet<string> known = [.. tokens];
        foreach (int id in Enumerable.Range(0, tokens.Length).OrderByDescending(id => scores[id]))
        {
            string token = tokens[id];
            for (int at = 1; at < token.Length; at++)
            {
                (string left, string right) = (token[..at], token[at..]);
                if (char.IsLowSurrogate(token[at]) || !known.Contains(left) || !known.Contains(right))
                    continue;
                json.WriteStartArray();
                json.WriteStringValue(left);
                json.WriteStringValue(right);
                json.WriteEndArray();
            }
        }
    }

    /// <summary>Tokens that are searched in the text itself: control tokens, which are special, and those that a user added.</summary>
    private static void WriteAddedTokens(GgufHeader header, string[] tokens, bool isSentencePiece, Utf8JsonWriter json)
    {
        const long normal = 1, unknown = 2, control = 3, userDefined = 4, unused = 5, byteValue = 6;
        long[] types = Required<long[]>(header, "token_type");
        if (types.Length != tokens.Length)
            throw Wrong(header, "token_type", $"has {types.Length} elements for {tokens.Length} tokens");
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < tokens.Length; id++)
        {
            if (types[id] is normal or unused || (isSentencePiece && types[id] == byteValue))
                continue;
            if (types[id] is not (control or userDefined) && !(isSentencePiece && types[id] == unknown))
            {
                string possible = isSentencePiece
                    ? "SentencePiece's has the types 1 to 6"
                    : "a byte-level tokenizer has the types 1, 3, 4 and 5";
                throw Wrong(header, "token_type", $"is {types[id]} for token {id}; {possible}");
            }
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", tokens[id]);
            foreach (string flag in (string[])["single_word", "lstrip", "rstrip", "normalized"])
                json.WriteBoolean(flag, false);
            json.WriteBoolean("special", types[id] != userDefined);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>The tokens that are put around a text.</summary>
    private static void WritePostProcessor(
        GgufHeader header, string[] tokens, (bool BeginsByDefault, bool IsSentencePiece) usual, Utf8JsonWriter json)
    {
        int? Around(string flag, string id, bool otherwise) => (Optional<object>(header, flag) ?? otherwise) switch
        {
            false => null,
            true => SpecialId(header, tokens, id, usual.IsSentencePiece)
                ?? throw Wrong(header, id, "is missing, and its token is to be put around texts"),
            _ => throw Wrong(header, flag, "must be true or false"),
        };
        int? before = Around("add_bos_token", "bos_token_id", usual.BeginsByDefault);
        int? after = Around("add_eos_token", "eos_token_id", otherwise: false);
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

    private static void WriteConfig(GgufHeader header, string[] tokens, bool isSentencePiece, Utf8JsonWriter json)
    {
        foreach ((string property, string key) in ((string, string)[])
            [("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"), ("unk_token", "unknown")])
        {
            if (SpecialId(header, tokens, key + "_token_id", isSentencePiece) is { } id)
                json.WriteString(property, tokens[id]);
        }
        ChatTemplateFiles.Write(header.Values, json);
    }

    /// <summary>The id of a special token. Those of SentencePiece are the first tokens where a file does not say them.</summary>
    private static int? SpecialId(GgufHeader header, string[] tokens, string key, bool isSentencePiece)
    {
        int usual = isSentencePiece ? Array.IndexOf(["unknown_token_id", "bos_token_id", "eos_token_id"], key) : -1;
        return IdOf(header, tokens, key) ?? (usual >= 0 && usual < tokens.Length ? usual : null);
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
