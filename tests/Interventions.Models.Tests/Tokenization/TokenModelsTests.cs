namespace Interventions.Models.Tests.Tokenization;

/// <summary>The tokens that each kind of model cuts a word into.</summary>
public sealed class TokenModelsTests
{
    [Fact]
    public void Unigram_takes_the_likeliest_cut()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load("""
            {"model": {"type": "Unigram", "unk_id": 0, "vocab": [["?", 0], ["a", -3], ["b", -3], ["ab", -4], ["abc", -20], ["c", -2]]}}
            """);
        Assert.Equal(["ab", "c"], tokenizer.Encode("abc").Tokens);
        EncodedText encoded = tokenizer.Encode("axyb");
        Assert.Equal(["a", "?", "b"], encoded.Tokens);    // neighbours that are unknown are one token
        Assert.Equal([0..1, 1..3, 3..4], encoded.Offsets);
    }

    [Fact]
    public void Characters_outside_the_vocabulary_fall_back_to_bytes_or_are_unknown()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Sentences);
        EncodedText encoded = tokenizer.Encode("a€", addSpecialTokens: false);
        Assert.Equal([10, 2, 3, 4], encoded.Ids);
        Assert.Equal([0..1, 1..2, 1..2, 1..2], encoded.Offsets);
        Assert.Equal("a€", tokenizer.Decode(encoded.Ids));
        Assert.Equal([10, 0, 6], tokenizer.Encode("a\U0001F600\U0001F601a", addSpecialTokens: false).Ids);    // fused
        Assert.Equal("a\uFFFD\uFFFD", tokenizer.Decode([10, 2, 3]));
    }

    [Fact]
    public void A_long_text_without_words_takes_no_quadratic_time()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Sentences);    // no pre-tokenizer: the text is one word
        Assert.Equal(100_001, tokenizer.Encode(string.Concat(Enumerable.Repeat(" ab", 100_000)), addSpecialTokens: false).Ids.Count);
    }
}
