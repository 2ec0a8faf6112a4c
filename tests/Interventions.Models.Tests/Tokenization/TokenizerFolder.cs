namespace Interventions.Models.Tests.Tokenization;

/// <summary>A folder of tokenizer files, which the test deletes.</summary>
internal sealed class TokenizerFolder : IDisposable
{
    public string FullPath { get; } = Directory.CreateTempSubdirectory("tokenizer-").FullName;

    public TokenizerFolder Write(string name, string content)
    {
        File.WriteAllText(Path.Combine(FullPath, name), content);
        return this;
    }

    public void Dispose() => Directory.Delete(FullPath, recursive: true);

    /// <summary>Loads a tokenizer from the text of a <c>tokenizer.json</c>.</summary>
    public static HuggingFaceTokenizer Load(string json)
    {
        using TokenizerFolder folder = new TokenizerFolder().Write("tokenizer.json", json);
        return HuggingFaceTokenizer.Load(folder.FullPath);
    }

    /// <summary>Loads a tokenizer of few words, and an added token &lt;x&gt;, with further components.</summary>
    public static HuggingFaceTokenizer LoadWith(string components, (bool SingleWord, bool Left, bool Right) flags = default)
    {
        static string Json(bool value) => value ? "true" : "false";
        return Load($$"""
            {
              {{components}},
              "added_tokens": [{"id": 8, "content": "<x>", "single_word": {{Json(flags.SingleWord)}}, "lstrip": {{Json(flags.Left)}},
                "rstrip": {{Json(flags.Right)}}, "normalized": false, "special": false}],
              "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2, "1": 3, "12": 4, " ": 5, "▁a": 6, "▁b": 7} }
            }
            """);
    }

    /// <summary>Asserts that this text is no tokenizer, and gives the error's text.</summary>
    public static string Refused<TException>(string json) where TException : Exception
    {
        using TokenizerFolder folder = new TokenizerFolder().Write("tokenizer.json", json);
        string message = Assert.Throws<TException>(() => HuggingFaceTokenizer.Load(folder.FullPath)).Message;
        Assert.StartsWith(Path.Combine(folder.FullPath, "tokenizer.json"), message);
        return message;
    }
}

/// <summary>Texts of <c>tokenizer.json</c>, small enough to check by eye.</summary>
internal static class SmallFiles
{
    /// <summary>Byte-level: a word that is a token stays whole (ignore_merges); the rest is spelt in bytes.</summary>
    public const string Words = """
        {
          "version": "1.0",
          "added_tokens": [
            {"id": 0, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false,
              "normalized": false, "special": true}],
          "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true},
          "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true},
          "model": {
            "type": "BPE", "ignore_merges": true, "merges": [],
            "vocab": {"<|endoftext|>": 0, "When": 1, "ĠMary": 2, "Ġand": 3, "ĠJohn": 4, ".": 5,
              "Ġ": 6, "B": 7, "o": 8, "b": 9, "Ã": 10, "©": 11}
          }
        }
        """;

    /// <summary>SentencePiece-style: a sign in front, byte fallback, a beginning of sentence.</summary>
    public const string Sentences = """
        {
          "version": "1.0",
          "added_tokens": [
            {"id": 0, "content": "<unk>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
            {"id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
          "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
          "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
          "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
          "model": {
            "type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
            "vocab": {"<unk>": 0, "<s>": 1, "<0xE2>": 2, "<0x82>": 3, "<0xAC>": 4, "▁": 5, "a": 6, "b": 7, "ab": 8, "▁ab": 9, "▁a": 10},
            "merges": ["a b", "▁ ab", "▁ a"]
          }
        }
        """;

    /// <summary>Words with their space, nothing else: unknown words are one token.</summary>
    public const string WordLevel = """
        {
          "version": "1.0",
          "pre_tokenizer": {"type": "Split", "pattern": {"Regex": " ?\\p{L}+| ?[^\\s\\p{L}]|\\s+"},
            "behavior": "Isolated", "invert": false},
          "decoder": {"type": "Fuse"},
          "model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "When": 1, " Mary": 2, " and": 3, " John": 4, ",": 5}}
        }
        """;
}
