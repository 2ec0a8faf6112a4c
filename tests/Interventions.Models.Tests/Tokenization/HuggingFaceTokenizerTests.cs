namespace Interventions.Models.Tests.Tokenization;

/// <summary>The tokenizer's own members, on files small enough to check by eye.</summary>
public sealed class HuggingFaceTokenizerTests
{
    [Fact]
    public void Words_with_their_space_are_one_token_and_come_back()
    {
        foreach (string json in (string[])[SmallFiles.Words, SmallFiles.WordLevel])
        {
            HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(json);
            EncodedText encoded = tokenizer.Encode("When Mary and John");
            Assert.Equal([1, 2, 3, 4], encoded.Ids);
            Assert.Equal([0..4, 4..9, 9..13, 13..18], encoded.Offsets);
            Assert.Equal("When Mary and John", tokenizer.Decode(encoded.Ids));
            Assert.Equal([2], tokenizer.Encode(" Mary").Ids);
        }
    }

    [Fact]
    public void An_unknown_word_is_spelt_in_bytes_or_unknown()
    {
        HuggingFaceTokenizer bytes = TokenizerFolder.Load(SmallFiles.Words);
        Assert.Equal([6, 7, 8, 9], bytes.Encode(" Bob").Ids);
        Assert.Equal("é", bytes.Decode(bytes.Encode("é").Ids));
        Assert.Equal([0..1, 0..1], bytes.Encode("é").Offsets);

        HuggingFaceTokenizer words = TokenizerFolder.Load(SmallFiles.WordLevel);
        Assert.Equal([1, 0, 5], words.Encode("When Bob,").Ids);
        Assert.Equal(0, words.UnknownId);
    }

    [Fact]
    public void Text_without_a_token_is_reported_as_missing()
    {
        EncodedText encoded = TokenizerFolder.Load(SmallFiles.Words).Encode("When Zoe");
        Assert.Equal([1, 6, 8], encoded.Ids);
        Assert.Equal(["Z", "e"], encoded.Missing.Select(range => encoded.Text[range]));
        Assert.Equal("o", encoded.Text[encoded.Offsets[^1]]);
    }

    [Fact]
    public void Special_tokens_are_added_kept_and_skipped_as_asked()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Sentences);
        Assert.Equal([1, 9, 10], tokenizer.Encode("ab a").Ids);
        Assert.Equal([9, 10], tokenizer.Encode("ab a", addSpecialTokens: false).Ids);
        Assert.Equal([1, 9, 10], tokenizer.EncodeToIds("ab a"));
        Assert.Equal("<s> ab a", tokenizer.Decode([1, 9, 10]));
        Assert.Equal("ab a", tokenizer.Decode([1, 9, 10], skipSpecialTokens: true));
        Assert.Equal([9, 1, 9], tokenizer.Encode("ab<s>ab", addSpecialTokens: false).Ids);
    }

    [Fact]
    public void The_vocabulary_can_be_asked()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Words);
        Assert.Equal(12, tokenizer.VocabularySize);
        Assert.Equal(2, tokenizer.TokenToId("ĠMary"));
        Assert.Null(tokenizer.TokenToId("Mary"));
        Assert.Equal("ĠMary", tokenizer.IdToToken(2));
        Assert.Null(tokenizer.IdToToken(99));
        Assert.Equal(0, tokenizer.SpecialTokens["<|endoftext|>"]);
        Assert.Equal((0, 0, null, null), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId, tokenizer.UnknownId));
        Assert.Equal(1, TokenizerFolder.Load(SmallFiles.Sentences).BosId);
    }

    [Fact]
    public void Ids_outside_the_vocabulary_give_no_text() =>
        Assert.Equal("When", TokenizerFolder.Load(SmallFiles.Words).Decode([1, 12345, -1]));

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Words);
        Assert.Contains("index 2", Assert.Throws<ArgumentException>(() => tokenizer.Encode("ab\uD83D")).Message);
    }

    [Fact]
    public void The_empty_text_is_its_special_tokens()
    {
        Assert.Empty(TokenizerFolder.Load(SmallFiles.Words).Encode("").Ids);
        Assert.Equal([1], TokenizerFolder.Load(SmallFiles.Sentences).Encode("").Ids);
    }

    [Fact]
    public void Threads_share_a_tokenizer()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Sentences);
        string[] texts = [.. Enumerable.Range(0, 500).Select(i => string.Concat(Enumerable.Repeat("ab a", i % 7)) + " b")];
        int[][] alone = [.. texts.Select(text => tokenizer.Encode(text).Ids.ToArray())];
        HuggingFaceTokenizer fresh = TokenizerFolder.Load(SmallFiles.Sentences);
        Parallel.For(0, texts.Length, i => Assert.Equal(alone[i], fresh.Encode(texts[i]).Ids));
    }
}
