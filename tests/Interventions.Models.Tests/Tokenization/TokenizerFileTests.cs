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
        FileNotFoundException error = Assert.Throws<FileNotFoundException>(() => HuggingFaceTokenizer.Load("/no/such/folder"));
        Assert.Contains("/no/such/folder", error.Message);
        using TokenizerFolder empty = new();
        error = Assert.Throws<FileNotFoundException>(() => HuggingFaceTokenizer.Load(empty.FullPath));
        Assert.Contains("neither tokenizer.json nor vocab.json", error.Message);
    }
}
