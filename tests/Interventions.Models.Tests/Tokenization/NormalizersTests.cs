using Interventions.Models.Tokenization;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>The text that each normalizer makes, and the part of the original text that it stands for.</summary>
public sealed class NormalizersTests
{
    [Theory]
    [InlineData("""{"type": "Lowercase"}""", "A", "a")]
    [InlineData("""{"type": "Strip", "strip_left": true, "strip_right": true}""", " a\n", "a")]
    [InlineData("""{"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}""", "á", "a")]
    [InlineData("""{"type": "NFKC"}""", "１２", "12")]
    [InlineData("""{"type": "BertNormalizer"}""", "Á\u0000\uFFFD", "a")]
    [InlineData("""{"type": "BertNormalizer", "lowercase": false}""", "Á", "?")]
    [InlineData("""{"type": "BertNormalizer", "lowercase": false, "strip_accents": true}""", "á", "a")]
    [InlineData("""{"type": "BertNormalizer"}""", "\t", " ")]
    [InlineData("""{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}""", "   ", " ")]
    public void Each_normalizer_rewrites_a_text(string normalizer, string text, string token) =>
        Assert.Equal([token], TokenizerFolder.LoadWith($"\"normalizer\": {normalizer}").Encode(text).Tokens);

    [Fact]
    public void A_table_of_replacements_takes_graphemes_first_and_the_shortest_entry()
    {
        string table = Charsmap.Write(new Dictionary<string, string>
        {
            ["①"] = "1",
            ["e\u0301"] = "a",
            ["①①"] = "b",
            ["\u0007"] = "",
            ["½"] = "12",
        });
        HuggingFaceTokenizer tokenizer = TokenizerFolder.LoadWith($$"""
            "normalizer": {"type": "Precompiled", "precompiled_charsmap": "{{table}}"},
            "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "12|."}, "behavior": "Isolated", "invert": false}
            """);
        EncodedText encoded = tokenizer.Encode("①e\u0301\u0007½b");
        Assert.Equal(["1", "a", "12", "b"], encoded.Tokens);
        Assert.Equal([0..1, 1..2, 4..5, 5..6], encoded.Offsets);
    }

    [Theory]
    [InlineData("e\u0301", "é", "e\u0301", "é")]
    [InlineData("\u212B", "Å", "A\u030A", "Å")]                                         // Ångström sign
    [InlineData("\uFB01", "\uFB01", "\uFB01", "fi")]                                    // a ligature is only compatible
    [InlineData("각", "각", "\u1100\u1161\u11A8", "각")]
    [InlineData("\u1100\u1161\u11A8", "각", "\u1100\u1161\u11A8", "각")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307", "q\u0323\u0307", "q\u0323\u0307")]    // marks in order
    [InlineData("\u0915\u093C", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C")]        // never composed
    [InlineData("d\u0323\u0307", "\u1E0D\u0307", "d\u0323\u0307", "\u1E0D\u0307")]
    public void Unicode_has_four_normal_forms(string text, string composed, string decomposed, string compatible)
    {
        AlignedText aligned = AlignedText.From(text);
        Assert.Equal(composed, new UnicodeNormalizer(compatibility: false, compose: true).Normalize(aligned).Text);
        Assert.Equal(decomposed, new UnicodeNormalizer(compatibility: false, compose: false).Normalize(aligned).Text);
        Assert.Equal(compatible, new UnicodeNormalizer(compatibility: true, compose: true).Normalize(aligned).Text);
    }

    [Fact]
    public void A_composed_character_stands_for_the_first_that_went_into_it()
    {
        AlignedText normalized = new UnicodeNormalizer(compatibility: false, compose: true).Normalize(AlignedText.From("e\u0301x"));
        Assert.Equal([new Glyph('é', 0, 1), new Glyph('x', 2, 3)], normalized.Glyphs.ToArray());
    }
}
