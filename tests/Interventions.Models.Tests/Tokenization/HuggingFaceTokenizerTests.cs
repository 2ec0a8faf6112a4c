using System.Buffers;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>What a user sees, on tokenizers small enough to check by eye.</summary>
public sealed class HuggingFaceTokenizerTests
{
    // Byte-level: words that are tokens are found as they are (ignore_merges); the rest is spelt in bytes.
    internal const string Words = """
        {
          "version": "1.0",
          "added_tokens": [
            {"id": 0, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
          "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true},
          "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true},
          "model": {
            "type": "BPE", "ignore_merges": true, "merges": [],
            "vocab": {"<|endoftext|>": 0, "When": 1, "ĠMary": 2, "Ġand": 3, "ĠJohn": 4, ".": 5,
              "Ġ": 6, "B": 7, "o": 8, "b": 9, "Ã": 10, "©": 11}
          }
        }
        """;

    // SentencePiece-style: a sign in front, byte fallback, a beginning of sentence.
    internal const string Sentences = """
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

    // Words with their space, nothing else: unknown words are one token.
    internal const string WordLevel = """
        {
          "version": "1.0",
          "pre_tokenizer": {"type": "Split", "pattern": {"Regex": " ?\\p{L}+| ?[^\\s\\p{L}]|\\s+"}, "behavior": "Isolated", "invert": false},
          "decoder": {"type": "Fuse"},
          "model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "When": 1, " Mary": 2, " and": 3, " John": 4, ",": 5}}
        }
        """;

    [Fact]
    public void Words_with_their_space_are_one_token_and_come_back()
    {
        foreach (string json in (string[])[Words, WordLevel])
        {
            var tokenizer = TokenizerFolder.Load(json);
            var encoded = tokenizer.Encode("When Mary and John");
            Assert.Equal([1, 2, 3, 4], encoded.Ids);
            Assert.Equal([0..4, 4..9, 9..13, 13..18], encoded.Offsets);
            Assert.Equal("When Mary and John", tokenizer.Decode(encoded.Ids));
            Assert.Equal([2], tokenizer.Encode(" Mary").Ids);
        }
    }

    [Fact]
    public void An_unknown_word_is_spelt_in_bytes_or_unknown()
    {
        var bytes = TokenizerFolder.Load(Words);
        Assert.Equal([6, 7, 8, 9], bytes.Encode(" Bob").Ids);
        Assert.Equal("é", bytes.Decode(bytes.Encode("é").Ids));
        Assert.Equal([0..1, 0..1], bytes.Encode("é").Offsets);

        var words = TokenizerFolder.Load(WordLevel);
        Assert.Equal([1, 0, 5], words.Encode("When Bob,").Ids);
        Assert.Equal(0, words.UnknownId);
    }

    [Fact]
    public void Text_without_a_token_is_reported_as_missing()
    {
        var encoded = TokenizerFolder.Load(Words).Encode("When Zoe");
        Assert.Equal([1, 6, 8], encoded.Ids);
        Assert.Equal(["Z", "e"], encoded.Missing.Select(range => encoded.Text[range]));
        Assert.Equal("o", encoded.Text[encoded.Offsets[^1]]);
    }

    [Fact]
    public void Special_tokens_are_added_kept_and_skipped_as_asked()
    {
        var tokenizer = TokenizerFolder.Load(Sentences);
        Assert.Equal([1, 9, 10], tokenizer.Encode("ab a").Ids);
        Assert.Equal([9, 10], tokenizer.Encode("ab a", addSpecialTokens: false).Ids);
        Assert.Equal([1, 9, 10], tokenizer.EncodeToIds("ab a"));
        Assert.Equal("<s> ab a", tokenizer.Decode([1, 9, 10]));
        Assert.Equal("ab a", tokenizer.Decode([1, 9, 10], skipSpecialTokens: true));
        Assert.Equal([9, 1, 9], tokenizer.Encode("ab<s>ab", addSpecialTokens: false).Ids);
    }

    [Fact]
    public void Characters_outside_the_vocabulary_fall_back_to_bytes_or_are_unknown()
    {
        var tokenizer = TokenizerFolder.Load(Sentences);
        var encoded = tokenizer.Encode("a€", addSpecialTokens: false);
        Assert.Equal([10, 2, 3, 4], encoded.Ids);
        Assert.Equal([0..1, 1..2, 1..2, 1..2], encoded.Offsets);
        Assert.Equal("a€", tokenizer.Decode(encoded.Ids));
        Assert.Equal([10, 0, 6], tokenizer.Encode("a\U0001F600\U0001F601a", addSpecialTokens: false).Ids);    // fused
        Assert.Equal("a\uFFFD\uFFFD", tokenizer.Decode([10, 2, 3]));
    }

    [Fact]
    public void The_vocabulary_can_be_asked()
    {
        var tokenizer = TokenizerFolder.Load(Words);
        Assert.Equal(12, tokenizer.VocabularySize);
        Assert.Equal(2, tokenizer.TokenToId("ĠMary"));
        Assert.Null(tokenizer.TokenToId("Mary"));
        Assert.Equal("ĠMary", tokenizer.IdToToken(2));
        Assert.Null(tokenizer.IdToToken(99));
        Assert.Equal(0, tokenizer.SpecialTokens["<|endoftext|>"]);
        Assert.Equal((0, 0, null, null), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId, tokenizer.UnknownId));
        Assert.Equal(1, TokenizerFolder.Load(Sentences).BosId);
    }

    [Fact]
    public void Files_beside_it_name_the_special_tokens()
    {
        using var folder = new TokenizerFolder()
            .Write("tokenizer.json", Sentences)
            .Write("tokenizer_config.json", """{"eos_token": {"content": "<s>"}, "pad_token": null}""")
            .Write("config.json", """{"bos_token_id": 5, "eos_token_id": [5, 6], "pad_token_id": 0}""");
        var tokenizer = HuggingFaceTokenizer.Load(Path.Combine(folder.FullPath, "tokenizer.json"));
        Assert.Equal((5, 1, 0), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId));
    }

    [Fact]
    public void A_vocabulary_with_merges_is_enough()
    {
        using var folder = new TokenizerFolder()
            .Write("vocab.json", """{"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "<|endoftext|>": 5}""")
            .Write("merges.txt", "#version: 0.2\na b\nĠ ab\n");
        var tokenizer = HuggingFaceTokenizer.Load(folder.FullPath);
        Assert.Equal([2, 4, 5], tokenizer.Encode("ab ab<|endoftext|>").Ids);
        Assert.Equal(5, tokenizer.BosId);

        folder.Write("merges.txt", "a b\na c\n");
        string message = Assert.Throws<InvalidDataException>(() => HuggingFaceTokenizer.Load(folder.FullPath)).Message;
        Assert.EndsWith("merges.txt: line 2: 'c' is not in the vocabulary", message);
    }

    [Fact]
    public void The_base_class_works()
    {
        var tokenizer = TokenizerFolder.Load(Words);
        const string text = "When Mary and John";
        Assert.Equal(4, tokenizer.CountTokens(text));
        Assert.Equal([1, 2], tokenizer.EncodeToIds(text, 2, out string? normalized, out int consumed));
        Assert.Equal((null, 9), (normalized, consumed));
        Assert.Equal(9, tokenizer.GetIndexByTokenCount(text, 2, out _, out int count));
        Assert.Equal(13, tokenizer.GetIndexByTokenCountFromEnd(text, 1, out _, out count));
        Assert.Equal(1, count);
        Assert.Equal("ĠMary", tokenizer.EncodeToTokens(text.AsSpan(), out _)[1].Value);
        Assert.Equal(OperationStatus.DestinationTooSmall, tokenizer.Decode([1, 2], new char[8], out int consumedIds, out int written));
        Assert.Equal((0, 0), (consumedIds, written));
        Assert.Equal(OperationStatus.Done, tokenizer.Decode([1, 2], new char[9], out consumedIds, out written));
        Assert.Equal((2, 9), (consumedIds, written));
    }

    [Fact]
    public void A_limit_never_cuts_a_character()
    {
        var tokenizer = TokenizerFolder.Load(Words);    // é is two tokens
        Assert.Equal([8], tokenizer.EncodeToIds("oé", 2, out _, out int consumed));
        Assert.Equal(1, consumed);
        Assert.Equal(2, tokenizer.GetIndexByTokenCountFromEnd("oéo", 2, out _, out int count));
        Assert.Equal(1, count);
    }

    [Fact]
    public void Ids_outside_the_vocabulary_give_no_text() => Assert.Equal("When", TokenizerFolder.Load(Words).Decode([1, 12345, -1]));

    [Fact]
    public void Half_a_surrogate_pair_is_refused() =>
        Assert.Contains("index 2", Assert.Throws<ArgumentException>(() => TokenizerFolder.Load(Words).Encode("ab\uD83D")).Message);

    [Fact]
    public void The_empty_text_is_its_special_tokens()
    {
        Assert.Empty(TokenizerFolder.Load(Words).Encode("").Ids);
        Assert.Equal([1], TokenizerFolder.Load(Sentences).Encode("").Ids);
    }

    [Fact]
    public void Threads_share_a_tokenizer()
    {
        var tokenizer = TokenizerFolder.Load(Sentences);
        string[] texts = [.. Enumerable.Range(0, 500).Select(i => string.Concat(Enumerable.Repeat("ab a", i % 7)) + " b")];
        int[][] alone = [.. texts.Select(text => tokenizer.Encode(text).Ids.ToArray())];
        var fresh = TokenizerFolder.Load(Sentences);
        Parallel.For(0, texts.Length, i => Assert.Equal(alone[i], fresh.Encode(texts[i]).Ids));
    }

    [Fact]
    public void A_long_text_without_words_takes_no_quadratic_time()
    {
        var tokenizer = TokenizerFolder.Load(Sentences);    // no pre-tokenizer: the text is one word
        Assert.Equal(100_001, tokenizer.Encode(string.Concat(Enumerable.Repeat(" ab", 100_000)), addSpecialTokens: false).Ids.Count);
    }

    [Theory]
    [InlineData("""{"type": "Precompiled"}""", "normalizer", "the normalizer 'Precompiled' is not supported")]
    [InlineData("""{"type": "BertPreTokenizer"}""", "pre_tokenizer", "the pre-tokenizer 'BertPreTokenizer' is not supported")]
    [InlineData("""{"type": "CTC"}""", "decoder", "the decoder 'CTC' is not supported")]
    [InlineData("""{"type": "BertProcessing"}""", "post_processor", "the post-processor 'BertProcessing' is not supported")]
    public void An_unsupported_component_is_named(string component, string room, string reason)
    {
        string json = $$"""{"version": "1.0", "{{room}}": {{component}}, "model": {"type": "BPE", "vocab": {}, "merges": []} }""";
        Assert.EndsWith($"tokenizer.json: {room}: {reason}", TokenizerFolder.Refused<NotSupportedException>(json));
    }

    [Fact]
    public void An_unsupported_model_is_named() => Assert.EndsWith(
        "model: the model 'WordPiece' is not supported",
        TokenizerFolder.Refused<NotSupportedException>("""{"model": {"type": "WordPiece"} }"""));

    [Fact]
    public void A_missing_file_is_named()
    {
        var error = Assert.Throws<FileNotFoundException>(() => HuggingFaceTokenizer.Load("/no/such/folder"));
        Assert.Contains("/no/such/folder", error.Message);
        using var empty = new TokenizerFolder();
        error = Assert.Throws<FileNotFoundException>(() => HuggingFaceTokenizer.Load(empty.FullPath));
        Assert.Contains("neither tokenizer.json nor vocab.json", error.Message);
    }
}
