using System.Text.Json;
using System.Text.Json.Nodes;
using Interventions.Testing.ToyModels;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Models.Tests.Decoder;
using Interventions.Testing;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>Tokenizers in the keys of GGUF files.</summary>
public sealed class GgufTokenizerTests : IDisposable
{
    private const string Model = "models/SmolLM2-135M/SmolLM2-135M-Instruct.Q4_1.gguf";
    private const string Golden = "reference/tokenizers";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SharedFact(Model)]
    public void The_keys_become_the_file_that_the_model_was_published_with()
    {
        using GgufFile file = new(SharedData.Path(Model));
        (byte[] tokenizer, byte[] config) = GgufTokenizer.Write(file.Header);
        JsonNode written = JsonNode.Parse(tokenizer)!, published = Published("tokenizer.json");
        // Merges are one string in older files and a pair in newer ones.
        written["model"]!["merges"] = Merges(written);
        published["model"]!["merges"] = Merges(published);
        // Absent options are off.
        JsonObject model = published["model"]!.AsObject();
        foreach ((string name, JsonNode? value) in model.ToArray())
            if (value is null || (value.GetValueKind() == JsonValueKind.False))
                model.Remove(name);
        // Decoding does not read this flag.
        published["decoder"]!["add_prefix_space"] = false;
        foreach ((string name, JsonNode? value) in published.AsObject())
            Assert.True(JsonNode.DeepEquals(value, written[name]), name);
        Assert.Equal(published.AsObject().Count, written.AsObject().Count);

        JsonNode names = JsonNode.Parse(config)!;
        foreach (string name in (string[])["bos_token", "eos_token", "pad_token", "unk_token", "chat_template"])
            Assert.Equal((string?)Published("tokenizer_config.json")[name], (string?)names[name]);

        static JsonNode Published(string name) => JsonNode.Parse(File.ReadAllText(SharedData.Path($"{Golden}/smollm2/{name}")))!;

        static JsonArray Merges(JsonNode tokenizer) => [.. tokenizer["model"]!["merges"]!.AsArray().Select(merge =>
            (JsonNode)(merge is JsonArray pair ? $"{pair[0]} {pair[1]}" : (string)merge!))];
    }

    [SharedFact(Model)]
    public void The_keys_give_the_recorded_ids_and_texts()
    {
        using GgufFile file = new(SharedData.Path(Model));
        HuggingFaceTokenizer tokenizer = StoredTokenizer.InGguf(file.Header).Load();
        Assert.Equal((1, 2, 2), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId));
        Assert.Equal(17, tokenizer.SpecialTokens.Count);
        Compare("smollm2", tokenizer);
    }

    [SharedFact(Golden + "/gpt2/merges.txt")]
    public void Gpt2s_own_files_as_keys_give_the_recorded_ids_and_texts()
    {
        string Folder(string name) => SharedData.Path($"{Golden}/gpt2/{name}");
        Dictionary<string, int> vocabulary = JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(Folder("vocab.json")))!;
        string[] tokens = [.. vocabulary.OrderBy(token => token.Value).Select(token => token.Key)];
        GgufBuilder file = new()
        {
            Values =
            [
                ("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "gpt-2"), ("tokenizer.ggml.tokens", tokens),
                ("tokenizer.ggml.token_type", tokens.Select(token => token == "<|endoftext|>" ? 3 : 1).ToArray()),
                ("tokenizer.ggml.merges", File.ReadAllText(Folder("merges.txt")).TrimEnd('\n').Split('\n').Skip(1).ToArray()),
            ],
        };
        GgufHeader header = GgufHeader.Read(new MemoryStream(file.Build()), "gpt2.gguf");
        Compare("gpt2", StoredTokenizer.InGguf(header).Load());
    }

    [SharedTheory(Golden)]
    [InlineData("llama3-style", "llama-bpe")]
    [InlineData("qwen2-style", "qwen2")]
    public void Byte_level_files_as_keys_give_the_recorded_ids_and_texts(string folder, string kind)
    {
        GgufBuilder file = GgufVocabulary.Of(SharedData.Path($"{Golden}/{folder}/tokenizer.json"));
        file["tokenizer.ggml.model"] = "gpt2";
        file["tokenizer.ggml.pre"] = kind;
        GgufHeader header = GgufHeader.Read(new MemoryStream(file.Build()), "file.gguf");
        Compare(folder, StoredTokenizer.InGguf(header).Load());
    }

    [SharedTheory(Golden)]
    [InlineData("llama2-style", true)]
    [InlineData("gemma-style", false)]
    public void SentencePieces_byte_pairs_as_keys_give_the_recorded_ids_and_texts(string folder, bool prefix)
    {
        GgufBuilder file = GgufVocabulary.OfSentencePiece(SharedData.Path($"{Golden}/{folder}/tokenizer.json"), prefix);
        GgufHeader header = GgufHeader.Read(new MemoryStream(file.Build()), "file.gguf");
        HuggingFaceTokenizer tokenizer = StoredTokenizer.InGguf(header).Load();
        Assert.NotNull(tokenizer.BosId);
        Compare(folder, tokenizer);
    }

    [Theory]
    [InlineData(false, false, new long[] { 38, 1 })]
    [InlineData(true, false, new long[] { 60, 38, 1 })]
    [InlineData(true, true, new long[] { 60, 38, 1, 60 })]
    public void Tokens_are_put_around_a_text_as_the_keys_say(bool before, bool after, long[] ids)
    {
        using DecoderModel model = Load(file =>
        {
            file["tokenizer.ggml.add_bos_token"] = before;
            file["tokenizer.ggml.add_eos_token"] = after;
        });
        Assert.Equal(ids, model.Encode("abca"));
        Assert.Equal("abca", model.Decode(ids));
        Assert.Equal(60, model.Tokenizer.BosId);
    }

    public static TheoryData<string, object?, string> Keys => new()
    {
        { "model", "t5", "'tokenizer.ggml.model' is 't5'; read are byte-level tokenizers ('gpt2') and SentencePiece's byte pairs ('l" },
        { "model", "llama", "'tokenizer.ggml.scores' is missing." },
        { "model", null, "'tokenizer.ggml.model' is missing." },
        { "pre", null, "'tokenizer.ggml.pre' is missing." },
        { "pre", "poro", "'tokenizer.ggml.pre' is 'poro'; read are gpt-2, phi-2, olmo, smollm, " },
        { "tokens", (int[])[1, 2], "'tokenizer.ggml.tokens' holds Int64[], and must hold String[]." },
        { "tokens", Enumerable.Repeat("a", 61).ToArray(), "model.vocab: the token 'a' is there twice." },
        { "token_type", (int[])[1, 1], "'tokenizer.ggml.token_type' has 2 elements for 61 tokens." },
        { "token_type", Enumerable.Repeat(6, 61).ToArray(), "'tokenizer.ggml.token_type' is 6 for token 0;" },
        { "merges", null, "'tokenizer.ggml.merges' is missing." },
        { "merges", (string[])["a b", "a Z"], "model.merges[1]: 'Z' is not in the vocabulary." },
        { "bos_token_id", 61u, "'tokenizer.ggml.bos_token_id' is 61, and there are 61 tokens." },
        { "add_bos_token", 1u, "'tokenizer.ggml.add_bos_token' must be true or false." },
        { "add_space_prefix", true, "'tokenizer.ggml.add_space_prefix' must be false for a byte-level tokenizer." },
        { "remove_extra_whitespaces", true, "'tokenizer.ggml.remove_extra_whitespaces' may change the tokens and is not re" },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public void An_unusable_key_is_refused_with_the_reason_and_the_model_computes(string key, object? value, string reason)
    {
        using DecoderModel model = Load(file =>
        {
            file.Values.RemoveAll(pair => pair.Key == $"tokenizer.ggml.{key}");
            if (value is not null)
                file[$"tokenizer.ggml.{key}"] = value;
        });
        model.Forward(SmallDecoders.Prompts()).Dispose();
        string message = Assert.Throws<CheckpointException>(() => model.Encode("a")).Message;
        Assert.StartsWith($"'{_folder["model.gguf"]}' has a tokenizer that cannot be used: ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    private DecoderModel Load(Action<GgufBuilder> change)
    {
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig);
        GgufBuilder file = GgufConversion.Of(stored).WithTokenizer(stored.VocabularySize);
        change(file);
        file.Save(_folder["model.gguf"]);
        return DecoderModel.Load(_folder["model.gguf"]);
    }

    private static void Compare(string folder, HuggingFaceTokenizer tokenizer)
    {
        foreach (string file in (string[])["cases.jsonl", "random.jsonl"])
        {
            string rows = File.ReadAllText(SharedData.Path($"{Golden}/{folder}/{file}"));
            foreach (string line in rows.Split('\n').Where(line => line.Length > 0))
            {
                JsonElement row = JsonElement.Parse(line);
                int[] ids = [.. row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
                Assert.Equal(ids, tokenizer.Encode(row.GetProperty("text").GetString()!).Ids);
                Assert.Equal(row.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
            }
        }
    }
}
