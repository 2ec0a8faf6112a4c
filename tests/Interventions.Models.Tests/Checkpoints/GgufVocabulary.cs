using System.Globalization;
using System.Text.Json;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>The vocabulary of a <c>tokenizer.json</c> in the keys of a GGUF file, as llama.cpp's converters write it.</summary>
internal static class GgufVocabulary
{
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Byte = 6;

    /// <summary>A byte-level vocabulary, with its merges. It is not said which kind.</summary>
    public static GgufBuilder Of(string path)
    {
        JsonElement json = JsonElement.Parse(File.ReadAllBytes(path));
        GgufBuilder file = new();
        string[] tokens = WriteTokens(file, json, _ => Normal);
        file["tokenizer.ggml.merges"] = Merges(json).Select(merge => $"{merge.Left} {merge.Right}").ToArray();
        WriteIds(file, json, tokens);
        return file;
    }

    /// <summary>A vocabulary of SentencePiece's kind: the earlier a merge, the higher the score of what it gives.</summary>
    public static GgufBuilder OfSentencePiece(string path, bool prefix)
    {
        JsonElement json = JsonElement.Parse(File.ReadAllBytes(path));
        GgufBuilder file = new() { Values = [("tokenizer.ggml.model", "llama"), ("tokenizer.ggml.pre", "default")] };
        string? unknown = json.GetProperty("model").GetProperty("unk_token").GetString();
        string[] tokens = WriteTokens(file, json, token => token == unknown ? Unknown : IsByte(token) ? Byte : Normal);
        Dictionary<string, float> scores = [];
        foreach ((int rank, (string left, string right)) in Merges(json).Index())
            scores.TryAdd(left + right, -rank);
        file["tokenizer.ggml.scores"] = tokens.Select(token => scores.GetValueOrDefault(token, -1e6f)).ToArray();
        if (!prefix)
            file["tokenizer.ggml.add_space_prefix"] = false;
        file["tokenizer.ggml.unknown_token_id"] = (uint)Array.IndexOf(tokens, unknown);
        WriteIds(file, json, tokens);
        return file;
    }

    private static string[] WriteTokens(GgufBuilder file, JsonElement json, Func<string, int> typeOf)
    {
        SortedDictionary<int, (string Token, int Type)> byId = [];
        foreach (JsonProperty token in json.GetProperty("model").GetProperty("vocab").EnumerateObject())
            byId[token.Value.GetInt32()] = (token.Name, typeOf(token.Name));
        foreach (JsonElement added in json.GetProperty("added_tokens").EnumerateArray())
        {
            string content = added.GetProperty("content").GetString()!;
            int type = typeOf(content) == Unknown ? Unknown : added.GetProperty("special").GetBoolean() ? Control : UserDefined;
            byId[added.GetProperty("id").GetInt32()] = (content, type);
        }
        Assert.Equal(Enumerable.Range(0, byId.Count), byId.Keys);
        string[] tokens = [.. byId.Values.Select(token => token.Token)];
        file["tokenizer.ggml.tokens"] = tokens;
        file["tokenizer.ggml.token_type"] = byId.Values.Select(token => token.Type).ToArray();
        return tokens;
    }

    /// <summary>The token that the file puts in front of texts.</summary>
    private static void WriteIds(GgufBuilder file, JsonElement json, string[] tokens)
    {
        JsonElement post = json.GetProperty("post_processor");
        if (post.ValueKind != JsonValueKind.Object)
            return;
        IEnumerable<JsonElement> steps = post.TryGetProperty("processors", out JsonElement several) ? several.EnumerateArray() : [post];
        foreach (JsonElement step in steps)
            if (step.TryGetProperty("single", out JsonElement single) && single[0].TryGetProperty("SpecialToken", out JsonElement begin))
                file["tokenizer.ggml.bos_token_id"] = (uint)Array.IndexOf(tokens, begin.GetProperty("id").GetString());
    }

    private static IEnumerable<(string Left, string Right)> Merges(JsonElement json)
    {
        foreach (JsonElement merge in json.GetProperty("model").GetProperty("merges").EnumerateArray())
        {
            string[] pair = merge.ValueKind == JsonValueKind.Array
                ? [merge[0].GetString()!, merge[1].GetString()!] : merge.GetString()!.Split(' ', 2);
            yield return (pair[0], pair[1]);
        }
    }

    private static bool IsByte(string token) => token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal)
        && byte.TryParse(token[3..5], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out _);
}
