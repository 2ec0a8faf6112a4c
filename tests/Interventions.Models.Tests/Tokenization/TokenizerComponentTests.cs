namespace Interventions.Models.Tests.Tokenization;

/// <summary>The components that the small tokenizers of <see cref="HuggingFaceTokenizerTests"/> do without.</summary>
public sealed class TokenizerComponentTests
{
    private const string Words = """{"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2, "1": 3, "12": 4, " ": 5, "▁a": 6, "▁b": 7}}""";

    [Theory]
    [InlineData("""{"type": "Whitespace"}""", "a b, 12", "a b ? 12")]
    [InlineData("""{"type": "WhitespaceSplit"}""", "a b, 12", "a ? 12")]
    [InlineData("""{"type": "Punctuation"}""", "a,b", "a ? b")]
    [InlineData("""{"type": "Digits", "individual_digits": true}""", "a12b", "a 1 ? b")]
    [InlineData("""{"type": "Digits", "individual_digits": false}""", "a12b", "a 12 b")]
    [InlineData("""{"type": "Split", "pattern": {"String": " "}, "behavior": "Removed", "invert": false}""", "a b", "a b")]
    [InlineData("""{"type": "Split", "pattern": {"Regex": "[ab]"}, "behavior": "Removed", "invert": true}""", "a, b", "a b")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}""", "a b a", "▁a ▁b ▁a")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}""", "a b a", "a ▁b ▁a")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}""", "a<x>a b", "▁a <x> a ▁b")]
    [InlineData("""{"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}, {"type": "Digits", "individual_digits": true}]}""", "a b1", "a b 1")]
    public void Pre_tokenizers(string preTokenizer, string text, string tokens) =>
        Assert.Equal(tokens.Split(' '), Load($"\"pre_tokenizer\": {preTokenizer}").Encode(text).Tokens);

    [Theory]
    [InlineData("""{"type": "Lowercase"}""", "A", "a")]
    [InlineData("""{"type": "Strip", "strip_left": true, "strip_right": true}""", " a\n", "a")]
    [InlineData("""{"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}""", "á", "a")]
    [InlineData("""{"type": "NFKC"}""", "１２", "12")]
    [InlineData("""{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}""", "   ", " ")]
    public void Normalizers(string normalizer, string text, string token) =>
        Assert.Equal([token], Load($"\"normalizer\": {normalizer}").Encode(text).Tokens);

    [Theory]
    [InlineData(false, false, false, "b <x> b", 2)]
    [InlineData(false, true, false, "b <x> b", 1)]
    [InlineData(false, true, true, "b <x> b", 1)]
    [InlineData(true, false, false, "b<x>b", -1)]
    [InlineData(true, false, false, "b-<x>-b", 2)]
    public void Added_tokens_keep_their_flags(bool singleWord, bool left, bool right, string text, int start)
    {
        var encoded = Load("\"pre_tokenizer\": {\"type\": \"WhitespaceSplit\"}", (singleWord, left, right)).Encode(text);
        int index = encoded.Tokens.ToList().IndexOf("<x>");
        Assert.Equal(start, index < 0 ? -1 : encoded.Offsets[index].Start.Value);
        if (right) Assert.Equal(6, encoded.Offsets[index].End.Value);
    }

    [Fact]
    public void Unigram_takes_the_likeliest_cut()
    {
        var tokenizer = TokenizerFolder.Load("""
            {"model": {"type": "Unigram", "unk_id": 0, "vocab": [["?", 0], ["a", -3], ["b", -3], ["ab", -4], ["abc", -20], ["c", -2]]}}
            """);
        Assert.Equal(["ab", "c"], tokenizer.Encode("abc").Tokens);
        var encoded = tokenizer.Encode("axyb");
        Assert.Equal(["a", "?", "b"], encoded.Tokens);    // neighbours that are unknown are one token
        Assert.Equal([0..1, 1..3, 3..4], encoded.Offsets);
    }

    [Fact]
    public void Without_a_decoder_tokens_are_joined_with_spaces() => Assert.Equal("a b", Load("\"decoder\": null").Decode([1, 2]));

    [Fact]
    public void Metaspace_decodes_to_spaces_but_for_the_first() =>
        Assert.Equal("a b", Load("""
            "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}
            """).Decode([6, 7]));

    private static HuggingFaceTokenizer Load(string rooms, (bool SingleWord, bool Left, bool Right) flags = default)
    {
        static string Json(bool value) => value ? "true" : "false";
        return TokenizerFolder.Load($$"""
            {
              {{rooms}},
              "added_tokens": [{"id": 8, "content": "<x>", "single_word": {{Json(flags.SingleWord)}}, "lstrip": {{Json(flags.Left)}},
                "rstrip": {{Json(flags.Right)}}, "normalized": false, "special": false}],
              "model": {{Words}}
            }
            """);
    }
}
