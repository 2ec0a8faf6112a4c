namespace Interventions.Models.Tests.Tokenization;

/// <summary>The text that decoders make of tokens.</summary>
public sealed class DecodersTests
{
    [Fact]
    public void Without_a_decoder_tokens_are_joined_with_spaces() =>
        Assert.Equal("a b", TokenizerFolder.LoadWith("\"decoder\": null").Decode([1, 2]));

    [Fact]
    public void A_suffix_ends_a_word()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load("""
            {
              "pre_tokenizer": {"type": "WhitespaceSplit"},
              "decoder": {"type": "BPEDecoder", "suffix": "</w>"},
              "model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {"a": 0, "b": 1, "b</w>": 2, "ab</w>": 3, "a</w>": 4, "ab": 5},
                "merges": ["a b</w>", "a b"]}
            }
            """);
        Assert.Equal(["ab</w>", "ab", "a</w>", "b</w>"], tokenizer.Encode("ab aba b").Tokens);
        Assert.Equal("ab aba b", tokenizer.Decode([3, 5, 4, 2]));
    }

    [Fact]
    public void Metaspace_decodes_to_spaces_but_for_the_first() =>
        Assert.Equal("a b", TokenizerFolder.LoadWith("""
            "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}
            """).Decode([6, 7]));
}
