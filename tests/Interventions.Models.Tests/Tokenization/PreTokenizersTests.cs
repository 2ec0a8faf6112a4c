namespace Interventions.Models.Tests.Tokenization;

/// <summary>The cuts of each pre-tokenizer.</summary>
public sealed class PreTokenizersTests
{
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
    [InlineData(
        """{"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}, {"type": "Digits", "individual_digits": true}]}""",
        "a b1", "a b 1")]
    public void Each_pre_tokenizer_cuts_a_text_at_its_places(string preTokenizer, string text, string tokens) =>
        Assert.Equal(tokens.Split(' '), TokenizerFolder.LoadWith($"\"pre_tokenizer\": {preTokenizer}").Encode(text).Tokens);
}
