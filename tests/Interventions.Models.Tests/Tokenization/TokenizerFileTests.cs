namespace Interventions.Models.Tests.Tokenization;

/// <summary>The files that make a tokenizer, and the errors that name them.</summary>
public sealed class TokenizerFileTests
{
    [Fact]
    public void Files_beside_it_name_the_special_tokens()
    {
        using TokenizerFolder folder = new TokenizerFolder()
            .Write("tokenizer.json", SmallFiles.Sentences)
            .Write("tokenizer_config.json", """{"eos_token": {"content": "<s>"}, "pad_token": null}""")
            .Write("config.json", """{"bos_token_id": 5, "eos_token_id": [5, 6], "pad_token_id": 0}""");
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(Path.Combine(folder.FullPath, "tokenizer.json"));
        Assert.Equal((5, 1, 0), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId));
    }

    [Fact]
    public void A_vocabulary_and_merges_are_enough()
    {
        using TokenizerFolder folder = new TokenizerFolder()
            .Write("vocab.json", """{"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "<|endoftext|>": 5}""")
            .Write("merges.txt", "#version: 0.2\na b\nĠ ab\n");
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(folder.FullPath);
        Assert.Equal([2, 4, 5], tokenizer.Encode("ab ab<|endoftext|>").Ids);
        Assert.Equal(5, tokenizer.BosId);

        folder.Write("merges.txt", "a b\na c\n");
        string message = Assert.Throws<InvalidDataException>(() => HuggingFaceTokenizer.Load(folder.FullPath)).Message;
        Assert.EndsWith("merges.txt: line 2: 'c' is not in the vocabulary", message);
    }

    [Theory]
    [InlineData("""{"type": "Nmt"}""", "normalizer", "the normalizer 'Nmt' is not supported")]
    [InlineData("""{"type": "UnicodeScripts"}""", "pre_tokenizer", "the pre-tokenizer 'UnicodeScripts' is not supported")]
    [InlineData("""{"type": "CTC"}""", "decoder", "the decoder 'CTC' is not supported")]
    [InlineData("""{"type": "Other"}""", "post_processor", "the post-processor 'Other' is not supported")]
    public void An_unsupported_component_is_named(string component, string room, string reason)
    {
        string json = $$"""{"version": "1.0", "{{room}}": {{component}}, "model": {"type": "BPE", "vocab": {}, "merges": []} }""";
        Assert.EndsWith($"tokenizer.json: {room}: {reason}", TokenizerFolder.Refused<NotSupportedException>(json));
    }

    [Fact]
    public void An_unsupported_model_is_named() => Assert.EndsWith(
        "model: the model 'WordSalad' is not supported",
        TokenizerFolder.Refused<NotSupportedException>("""{"model": {"type": "WordSalad"} }"""));

    [Theory]
    [InlineData("normalizer", "Precompiled", "", ": 'precompiled_charsmap' is missing")]
    [InlineData("normalizer", "Precompiled", ", \"precompiled_charsmap\": \"???\"", ".precompiled_charsmap: it is not base64")]
    [InlineData("normalizer", "Precompiled", ", \"precompiled_charsmap\": \"CAAAAA==\"", ".precompiled_charsmap: its trie is cut off")]
    [InlineData(
        "normalizer", "Precompiled", ", \"precompiled_charsmap\": \"BAAAAAAAAABh\"",
        ".precompiled_charsmap: its last replacement has no end")]
    [InlineData("post_processor", "BertProcessing", ", \"sep\": [\"s\", 0], \"cls\": [\"c\", 7]", ".cls[1]: no token has the id 7")]
    [InlineData("post_processor", "BertProcessing", ", \"sep\": \"s\", \"cls\": [\"s\", 0]", ".sep: it is a token and its id")]
    [InlineData("pre_tokenizer", "CharDelimiterSplit", ", \"delimiter\": \"ab\"", ".delimiter: 'ab' is not one character")]
    public void A_malformed_component_is_named(string room, string type, string members, string reason) => Assert.Contains(
        $"tokenizer.json: {room}{reason}",
        TokenizerFolder.Refused<InvalidDataException>($$$"""
            {"{{{room}}}": {"type": "{{{type}}}"{{{members}}}}, "model": {"type": "WordLevel", "unk_token": "s", "vocab": {"s": 0} } }
            """));

    [Fact]
    public void A_merge_within_a_word_needs_the_prefix_of_such_tokens() => Assert.EndsWith(
        "model.merges[0]: 'b' does not begin with '@@', as each token but a word's first does",
        TokenizerFolder.Refused<InvalidDataException>("""
            {"model": {"type": "BPE", "continuing_subword_prefix": "@@", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]} }
            """));

    [Fact]
    public void A_missing_file_is_named()
    {
        FileNotFoundException error = Assert.Throws<FileNotFoundException>(() => HuggingFaceTokenizer.Load("/no/such/folder"));
        Assert.Contains("/no/such/folder", error.Message);
        using TokenizerFolder empty = new();
        error = Assert.Throws<FileNotFoundException>(() => HuggingFaceTokenizer.Load(empty.FullPath));
        Assert.Contains("neither tokenizer.json nor vocab.json", error.Message);
    }
}
