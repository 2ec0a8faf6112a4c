namespace Interventions.Models.Tests.Tokenization;

/// <summary>The text that decoders make of tokens.</summary>
public sealed class DecodersTests
{
    [Fact]
    public void Without_a_decoder_tokens_are_joined_with_spaces() =>
        Assert.Equal("a b", TokenizerFolder.LoadWith("\"decoder\": null").Decode([1, 2]));

    [Fact]
    public void Metaspace_decodes_to_spaces_but_for_the_first() =>
        Assert.Equal("a b", TokenizerFolder.LoadWith("""
            "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}
            """).Decode([6, 7]));
}
