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

    [Fact]
    public void WordPiece_takes_the_longest_token_each_time()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load("""
            {
              "pre_tokenizer": {"type": "BertPreTokenizer"},
              "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
              "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9,
                "vocab": {"[UNK]": 0, "un": 1, "##want": 2, "##ed": 3, "unw": 4, "##able": 5, "want": 6, ",": 7} }
            }
            """);
        EncodedText encoded = tokenizer.Encode("want,wanted");
        Assert.Equal(["want", ",", "want", "##ed"], encoded.Tokens);
        Assert.Equal([0..4, 4..5, 5..9, 9..11], encoded.Offsets);
        Assert.Equal("want, wanted", tokenizer.Decode(encoded.Ids));
        // "unw" is longer than "un", and then nothing fits: no way back, the whole word is unknown.
        encoded = tokenizer.Encode("unwanted want");
        Assert.Equal(["[UNK]", "want"], encoded.Tokens);
        Assert.Equal([0..8, 9..13], encoded.Offsets);
        Assert.Equal(["[UNK]"], tokenizer.Encode("wantwanted").Tokens);    // too long
    }

    [Fact]
    public void A_long_word_has_the_tokens_of_its_parts()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Sentences);
        string[] texts = ["ab", " a", " ab", "b", "€", "bab", "aa", "\U0001F600", "\U0001F600b"];
        Random random = new(3);
        for (int i = 0; i < 50; i++)
        {
            string text = string.Concat(Enumerable.Range(0, 60).Select(_ => texts[random.Next(texts.Length)]));
            EncodedText encoded = tokenizer.Encode(text, addSpecialTokens: false);
            // No merge of this file joins two words, so word by word gives the same.
            IEnumerable<string> words = text.Split(' ').SelectMany(word =>
                word.Length == 0 ? ["▁"] : tokenizer.Encode(word, addSpecialTokens: false).Tokens);
            Assert.Equal(words, encoded.Tokens);
        }
    }
}
