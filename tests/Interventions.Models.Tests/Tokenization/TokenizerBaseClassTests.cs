using System.Buffers;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>Our tokenizer behind the base class's interface, which users may hold in place of ours.</summary>
public sealed class TokenizerBaseClassTests
{
    /// <summary>Tokens do not cover the spaces at their ends, as in GPT-NeoX's file.</summary>
    private static readonly string s_trimmed = SmallFiles.Words.Replace(
        "\"decoder\"", "\"post_processor\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true}, \"decoder\"");

    /// <summary>A file, and texts it has tokens for: with characters of several tokens, and with tokens around them.</summary>
    public static TheoryData<string, string> Cases => new()
    {
        { SmallFiles.Words, "When Mary and John" },
        { SmallFiles.Words, "oéé Mary<|endoftext|>éo" },
        { SmallFiles.Words, "oéZ" },    // no token for Z
        { SmallFiles.Sentences, "ab a€b" },
        { SmallFiles.Sentences, "€" },
        { SmallFiles.WordLevel, "When Mary, and Bob" },
        { s_trimmed, "When Mary  and" },
        { s_trimmed, "" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_way_to_encode_gives_the_same_tokens(string json, string text)
    {
        HuggingFaceTokenizer own = TokenizerFolder.Load(json);
        Tokenizer tokenizer = own;
        EncodedText expected = own.Encode(text);
        foreach (IReadOnlyList<EncodedToken> tokens in (IReadOnlyList<EncodedToken>[])
            [tokenizer.EncodeToTokens(text, out string? normalized), tokenizer.EncodeToTokens(text.AsSpan(), out normalized)])
        {
            Assert.Equal(expected.Ids, tokens.Select(token => token.Id));
            Assert.Equal(expected.Tokens, tokens.Select(token => token.Value));
            Assert.Equal(expected.Offsets, tokens.Select(token => token.Offset));
            Assert.Null(normalized);
        }
        Assert.Equal(expected.Ids, tokenizer.EncodeToIds(text));
        Assert.Equal(expected.Ids, tokenizer.EncodeToIds(text.AsSpan()));
        Assert.Equal(expected.Ids.Count, tokenizer.CountTokens(text));
        Assert.Equal(expected.Ids.Count, tokenizer.CountTokens(text.AsSpan()));
        Assert.Equal(own.Decode(expected.Ids), tokenizer.Decode(expected.Ids));
    }

    /// <summary>Offsets point into the given text, but with a normalizer a caller would expect offsets into normalized text.</summary>
    [Fact]
    public void There_is_no_normalizer_and_no_pre_tokenizer_to_apply()
    {
        Tokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Sentences);
        Assert.Null(tokenizer.Normalizer);
        Assert.Null(tokenizer.PreTokenizer);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_limit_cuts_at_the_same_place_from_either_end(string json, string text)
    {
        Tokenizer tokenizer = TokenizerFolder.Load(json);
        IReadOnlyList<EncodedToken> all = tokenizer.EncodeToTokens(text, out _);
        for (int limit = 1; limit <= all.Count + 1; limit++)
        {
            IReadOnlyList<int> head = tokenizer.EncodeToIds(text, limit, out string? normalized, out int consumed);
            Assert.Null(normalized);
            Assert.InRange(head.Count, limit > all.Count ? all.Count : 0, limit);
            Assert.Equal(all.Take(head.Count).Select(token => token.Id), head);
            Assert.Equal(head, tokenizer.EncodeToIds(text.AsSpan(), limit, out _, out int spanConsumed));
            Assert.Equal(consumed, spanConsumed);

            foreach (int index in (int[])[
                tokenizer.GetIndexByTokenCount(text, limit, out normalized, out int count),
                tokenizer.GetIndexByTokenCount(text.AsSpan(), limit, out _, out int spanCount)])
                Assert.Equal((consumed, head.Count, head.Count, null), (index, count, spanCount, normalized));
            // No character is in both parts.
            Assert.All(all.Take(head.Count), token => Assert.InRange(token.Offset.End.Value, 0, consumed));
            Assert.DoesNotContain(all.Skip(head.Count), token => token.Offset.End.Value > 0 && token.Offset.Start.Value < consumed);

            int tail = tokenizer.GetIndexByTokenCountFromEnd(text, limit, out normalized, out int kept);
            Assert.Equal(tail, tokenizer.GetIndexByTokenCountFromEnd(text.AsSpan(), limit, out _, out int spanKept));
            Assert.Equal((kept, null), (spanKept, normalized));
            Assert.InRange(kept, limit > all.Count ? all.Count : 0, limit);
            if (kept == all.Count)
                Assert.Equal(0, tail);
            else if (kept == 0)
                Assert.Equal(text.Length, tail);
            else if (all.Count - kept is int others && tokenizer.EncodeToIds(text, others, out _, out int before).Count == others)
                Assert.Equal(before, tail);
        }
    }

    [Fact]
    public void The_kept_end_begins_with_the_spaces_of_its_first_token()
    {
        Tokenizer tokenizer = TokenizerFolder.Load(s_trimmed);
        const string text = "When  Mary";    // When, Ġ and ĠMary, which cover 0..4, 5..5 and 6..10
        Assert.Equal([0..4, 5..5, 6..10], tokenizer.EncodeToTokens(text, out _).Select(token => token.Offset));
        foreach (int limit in (int[])[1, 2])
        {
            int index = tokenizer.GetIndexByTokenCountFromEnd(text, limit, out _, out int count);
            Assert.Equal((limit, limit), (count, tokenizer.CountTokens(text[index..])));
        }
    }

    [Fact]
    public void Members_of_the_base_class_return_tokens_and_text()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Words);
        const string text = "When Mary and John";
        Assert.Equal(4, tokenizer.CountTokens(text));
        Assert.Equal([1, 2], tokenizer.EncodeToIds(text, 2, out string? normalized, out int consumed));
        Assert.Equal((null, 9), (normalized, consumed));
        Assert.Equal(9, tokenizer.GetIndexByTokenCount(text, 2, out _, out int count));
        Assert.Equal(13, tokenizer.GetIndexByTokenCountFromEnd(text, 1, out _, out count));
        Assert.Equal(1, count);
        Assert.Equal("ĠMary", tokenizer.EncodeToTokens(text.AsSpan(), out _)[1].Value);
        Assert.Equal(OperationStatus.DestinationTooSmall, tokenizer.Decode([1, 2], new char[8], out int consumedIds, out int written));
        Assert.Equal((0, 0), (consumedIds, written));
        Assert.Equal(OperationStatus.Done, tokenizer.Decode([1, 2], new char[9], out consumedIds, out written));
        Assert.Equal((2, 9), (consumedIds, written));
    }

    [Fact]
    public void A_limit_never_cuts_a_character()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Words);    // é is two tokens
        Assert.Equal([8], tokenizer.EncodeToIds("oé", 2, out _, out int consumed));
        Assert.Equal(1, consumed);
        Assert.Equal(2, tokenizer.GetIndexByTokenCountFromEnd("oéo", 2, out _, out int count));
        Assert.Equal(1, count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_limit_is_positive(int limit)
    {
        Tokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Words);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.EncodeToIds("When", limit, out _, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.GetIndexByTokenCount("When", limit, out _, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.GetIndexByTokenCountFromEnd("When", limit, out _, out _));
    }

    [Fact]
    public void Both_steps_before_the_model_can_be_left_out()
    {
        Tokenizer words = TokenizerFolder.Load(SmallFiles.WordLevel);
        Assert.Equal([1, 2], words.EncodeToIds("When Mary"));
        Assert.Equal([0], words.EncodeToIds("When Mary", considerPreTokenization: false));    // one unknown word
        Assert.Equal(1, words.CountTokens("When Mary", considerPreTokenization: false));
        Assert.Equal(["[UNK]"], words.EncodeToTokens("When Mary", out _, considerPreTokenization: false).Select(token => token.Value));

        Tokenizer sentences = TokenizerFolder.Load(SmallFiles.Sentences);
        Assert.Equal([1, 9, 7], sentences.EncodeToIds("abb"));
        Assert.Equal([1, 8, 7], sentences.EncodeToIds("abb", considerNormalization: false));    // no ▁ in front
        Assert.Equal(3, sentences.GetIndexByTokenCount("abb", 3, out _, out int count, considerNormalization: false));
        Assert.Equal(3, count);
    }

    [Fact]
    public void Text_is_decoded_into_a_buffer_whole_or_not_at_all()
    {
        Tokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Words);
        IReadOnlyList<int> ids = tokenizer.EncodeToIds("When éo");
        char[] buffer = new char[8];
        Assert.Equal(OperationStatus.Done, tokenizer.Decode(ids.Where(_ => true), buffer, out int consumed, out int written));
        Assert.Equal((ids.Count, "When éo"), (consumed, new string(buffer, 0, written)));
        Assert.Equal(OperationStatus.Done, tokenizer.Decode([], [], out consumed, out written));
        Assert.Equal((0, 0), (consumed, written));

        buffer.AsSpan().Fill('x');
        Assert.Equal(OperationStatus.DestinationTooSmall, tokenizer.Decode(ids, buffer.AsSpan(0, 6), out consumed, out written));
        Assert.Equal((0, 0, "xxxxxxxx"), (consumed, written, new string(buffer)));
        Assert.Throws<ArgumentNullException>(() => tokenizer.Decode(null!));
        Assert.Throws<ArgumentNullException>(() => tokenizer.Decode(null!, buffer, out _, out _));
    }
}
