using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models.Tests.Prompts;

/// <summary>
/// Other tokenizers are used if decoding confirms their offsets, and refused if they could mark a token that the text does not mean.
/// </summary>
public sealed class ForeignTokenizerTests
{
    private const string Advice = " Load the model's own tokenizer.json with HuggingFaceTokenizer.Load.";

    private static readonly Dictionary<string, Tokenizer> s_right = new()
    {
        ["tiktoken"] = SmallTokenizers.Tiktoken(),
        ["codegen"] = SmallTokenizers.CodeGen(),
        ["codegen, tokens added"] = SmallTokenizers.CodeGen(special: true),
        ["byte level"] = SmallTokenizers.ByteLevel(),
        ["byte level, tokens added"] = SmallTokenizers.ByteLevel(special: true),
        ["sentence piece, tokens added"] = SmallTokenizers.SentencePiece(dummyPrefix: false),
        ["by hand, tokens added"] = new LetterTokenizer { Special = '$' },
    };

    public static TheoryData<string> Right => [.. s_right.Keys];

    [Theory]
    [MemberData(nameof(Right))]
    public void A_tokenizer_that_decodes_to_the_text_marks_the_right_token(string name)
    {
        Tokenizer tokenizer = s_right[name];
        foreach (string marked in (string[])[
            "When[subject| Mary] met Tom", "[subject|When]", "When 😀[subject| Mary]",
            "é 😀[subject|😀] Tom", "When[subject| é] met", "[subject|😀]"])
            AssertMarked(tokenizer, marked, Subject(tokenizer, marked));
    }

    [Theory]
    [MemberData(nameof(Right))]
    public void Answers_are_counted_without_the_tokens_that_are_added(string name)
    {
        Tokenizer tokenizer = s_right[name];
        string answer = tokenizer is LetterTokenizer ? "M" : " Mary";
        long id = Create(tokenizer, "[subject|When]", answer).Prompts[0].Answers[0];
        Assert.Equal(answer, tokenizer.Decode([(int)id]));
        Assert.Contains("an answer is exactly one", Refused(tokenizer, "[subject|When]", "MM"));
    }

    [Fact]
    public void Added_tokens_are_part_of_a_prompt_and_of_a_text()
    {
        foreach (Tokenizer tokenizer in (Tokenizer[])
            [SmallTokenizers.CodeGen(true), SmallTokenizers.ByteLevel(true), SmallTokenizers.SentencePiece(false)])
        {
            int[] ids = [.. tokenizer.EncodeToIds("When Mary")];
            Assert.Equal(4, ids.Length);
            RunTokens run = Create(tokenizer, "When[subject| Mary]", " Tom").Prompts[0].Runs[0];
            Assert.Equal(ids.Select(id => (long)id), run.Ids);
            Assert.Equal([2, 3], run.Positions);
            Assert.Equal(run.Ids, PromptText.Encode(tokenizer, "When Mary", "the text"));
        }
    }

    /// <summary>Our reader of the same vocabulary is the oracle.</summary>
    [Fact]
    public void The_same_vocabulary_marks_the_same_tokens_as_ours()
    {
        Tokenizer ours = SmallTokenizers.Ours();
        Random random = new(12);
        int marked = 0;
        for (int i = 0; i < 400; i++)
        {
            (string before, string inside, string after) = (Text(random), Text(random), Text(random));
            if ((before + inside + after).Contains("  "))
                continue;    // CodeGen has tokens of its own for them
            string text = $"{before}[subject|{inside}]{after}";
            foreach (Tokenizer foreign in (Tokenizer[])[s_right["codegen"], s_right["byte level"]])
            {
                if (Try(ours, text) is not RunTokens expected)
                {
                    Assert.Null(Try(foreign, text));
                    continue;
                }
                RunTokens actual = Assert.IsType<RunTokens>(Try(foreign, text));
                Assert.Equal(expected.Ids, actual.Ids);
                Assert.Equal(expected.Positions, actual.Positions);
                marked++;
            }
        }
        Assert.True(marked > 200, $"only {marked} texts could be marked");
    }

    [Theory]
    [MemberData(nameof(Right))]
    public void No_text_is_refused_where_all_can_be_encoded(string name)
    {
        Random random = new(3);
        for (int i = 0; i < 300; i++)
            Assert.NotEmpty(PromptText.Encode(s_right[name], Text(random) + Text(random), $"text {i}"));
    }

    /// <summary>For random text, a position is the token at which decoding reaches the mark, or the text is refused.</summary>
    [Fact]
    public void No_position_is_wrong()
    {
        Random random = new(7);
        Tokenizer[] others =
        [
            SmallTokenizers.Bert, SmallTokenizers.WordPiece, SmallTokenizers.Roberta, SmallTokenizers.Spaceless, SmallTokenizers.Llama,
            SmallTokenizers.SentencePiece(dummyPrefix: true), SmallTokenizers.Tiktoken(new LowerCaseNormalizer()),
            SmallTokenizers.Tiktoken(asciiOnly: true),
        ];
        foreach (Tokenizer tokenizer in s_right.Values.Concat(others))
            for (int i = 0; i < 200; i++)
            {
                string marked = $"{Text(random)}[subject|{Text(random)}]{Text(random)}";
                if (Try(tokenizer, marked) is RunTokens run)
                    AssertMarked(tokenizer, marked, run);
            }
    }

    public static TheoryData<string, string, string> Wrong => new()
    {
        { "bert", "When[subject| mary]", "BertTokenizer gives \"When mary\" back as \"when mary\"." },
        { "bert", "when [subject|zorro]", "BertTokenizer gives \"when zorro\" back as \"when [UNK]\"." },
        { "word piece", "when  [subject|mary]", "WordPieceTokenizer gives \"when  mary\" back as \"when mary\"." },
        { "lower case", "[subject|When]", "TiktokenTokenizer gives \"When\" back as \"when\"." },
        { "ascii", "When[subject| é]", "TiktokenTokenizer cannot read \"When é\" (KeyNotFoundException: The given key" },
        { "spaceless", "When[subject| Mary]", "BpeTokenizer gives \"When Mary\" back as \"WhenMary\"." },
        { "roberta", "When[subject| 😀] Mary", "EnglishRobertaTokenizer gives \"When 😀 Mary\" back as \"When  Mary\"." },
        { "llama", "When[subject| Mary]", "LlamaTokenizer gives wrong offsets in \"When Mary\": token 2, \"▁Mary\", covers 5..10." },
        { "sentence piece", " Mary[subject| Mary]", "gives wrong offsets in \" Mary Mary\": token 3, \"▁Mary\", covers 6..11." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_tokenizer_that_changes_the_text_is_refused_with_that_text(string name, string text, string message)
    {
        Tokenizer tokenizer = name switch
        {
            "bert" => SmallTokenizers.Bert,
            "word piece" => SmallTokenizers.WordPiece,
            "lower case" => SmallTokenizers.Tiktoken(new LowerCaseNormalizer()),
            "ascii" => SmallTokenizers.Tiktoken(asciiOnly: true),
            "spaceless" => SmallTokenizers.Spaceless,
            "roberta" => SmallTokenizers.Roberta,
            "llama" => SmallTokenizers.Llama,
            _ => SmallTokenizers.SentencePiece(dummyPrefix: true),
        };
        string refused = Refused(tokenizer, text, "");
        Assert.StartsWith("prompt 0 of TinyPrompts, run 'clean': ", refused);
        Assert.Contains(message, refused);
        Assert.EndsWith(Advice, refused);
    }

    [Fact]
    public void Answers_and_plain_texts_are_checked_too()
    {
        Assert.Equal(
            "answer 'right' of prompt 0 of TinyPrompts: BertTokenizer gives \"Mary\" back as \"mary\"." + Advice,
            Refused(SmallTokenizers.Bert, "[subject|when]", "Mary"));
        ArgumentException refused = Assert.Throws<ArgumentException>(() => PromptText.Encode(SmallTokenizers.Bert, "Mary", "the text"));
        Assert.Equal("the text: BertTokenizer gives \"Mary\" back as \"mary\"." + Advice, refused.Message);
        Assert.Equal([5, 6], PromptText.Encode(SmallTokenizers.Bert, "when mary", "the text"));
    }

    [Fact]
    public void The_text_around_the_first_difference_is_shown()
    {
        string text = $"{string.Concat(Enumerable.Repeat("when tom met ", 9))}Mary{string.Concat(Enumerable.Repeat(" met tom", 9))}";
        Assert.Contains(
            "gives \"…et when tom met Mary met tom met…\" back as \"…et when tom met mary met tom met…\".",
            Refused(SmallTokenizers.Bert, $"[subject|{text}]", ""));
        // The first token covers nothing, but belongs to the text.
        LetterTokenizer tokenizer = new() { LowerCase = true, Offsets = "0..0 0..2 2..3 3..4 4..5" };
        Assert.Contains("gives \"aB cd\" back as \"ab cd\".", Refused(tokenizer, "[subject|aB] cd", ""));
    }

    /// <summary>Offsets of "ab cd", a token a letter, that are wrong in each way there is.</summary>
    [Theory]
    [InlineData("1..2 2..3 3..4 4..5 5..6", "token 0, \"a\", covers 1..2")]    // a sign in front, as the normalized text has
    [InlineData("0..1 1..2 2..3 3..4 4..6", "token 4, \"d\", covers 4..6")]    // beyond the end
    [InlineData("0..1 1..2 2..3 3..4 3..4", "no token covers 4..5")]
    [InlineData("0..1 1..2 2..3 4..5 3..4", "token 3, \"c\", covers 4..5")]
    [InlineData("0..1 1..2 2..3 3..5 2..4", "token 4, \"d\", covers 2..4")]    // backwards
    [InlineData("0..1 2..1 2..3 3..4 4..5", "token 1, \"b\", covers 2..1")]
    [InlineData("0..0 0..0 0..0 0..0 0..0", "no token covers 1..5")]    // none given
    public void Offsets_that_do_not_cover_the_text_are_refused(string offsets, string message) => Assert.Contains(
        $"LetterTokenizer gives wrong offsets in \"ab cd\": {message}." + Advice,
        Refused(new LetterTokenizer { Offsets = offsets }, "[subject|ab] cd", ""));

    [Fact]
    public void Spaces_need_not_be_covered()
    {
        LetterTokenizer tokenizer = new() { Offsets = "0..1 1..2 3..3 3..4 4..5" };
        Assert.Equal([1, 4], Create(tokenizer, "[subject|ab] cd", "a").Prompts[0].Runs[0].Positions);
    }

    /// <summary>They cover the text without a gap, but contradict decoding at the mark.</summary>
    [Fact]
    public void Offsets_that_are_wrong_at_a_mark_are_refused()
    {
        LetterTokenizer tokenizer = new() { Offsets = "0..2 2..3 3..4 4..5 4..5" };
        Assert.Contains(
            "gives wrong offsets in \"ab cd\": its tokens up to 2 are \"a\"." + Advice, Refused(tokenizer, "[subject|ab] cd", ""));
        Assert.Contains("its tokens up to 3 are \"ab\"", Refused(tokenizer, "[subject|ab ]cd", ""));
        Assert.Equal([4, 4], Create(tokenizer, "[subject|ab cd]", "a").Prompts[0].Runs[0].Positions);

        tokenizer = new() { Offsets = string.Join(' ', Enumerable.Repeat("30..40", 39).Prepend("0..30")) };
        Assert.Contains(
            $"gives wrong offsets in \"{new string('a', 17)}…\": its tokens up to 30 are \"a\".",
            Refused(tokenizer, $"[subject|{new string('a', 30)}]{new string('b', 10)}", ""));
    }

    /// <summary>Decoding undoes the normalizer, so that only the offsets show it.</summary>
    [Fact]
    public void Offsets_into_a_normalized_text_are_refused()
    {
        LetterTokenizer tokenizer = new() { Prefix = "_" };
        Assert.Equal("ab cd", tokenizer.Decode(tokenizer.EncodeToIds("ab cd")));
        Assert.Contains("gives wrong offsets in \"ab cd\": token 5, \"d\", covers 5..6.", Refused(tokenizer, "[subject|ab] cd", ""));
    }

    private static TinyPrompts Create(Tokenizer tokenizer, string text, string answer) =>
        TinyPrompts.Create(tokenizer, [new() { Clean = text, Corrupted = text, Other = text, Right = answer, Wrong = answer }]);

    private static string Refused(Tokenizer tokenizer, string text, string answer) =>
        Assert.Throws<ArgumentException>(() => Create(tokenizer, text, answer)).Message;

    private static RunTokens Subject(Tokenizer tokenizer, string marked) =>
        PromptText.Tokenize(TinyPrompts.DeclaredVocabulary, tokenizer, [new PromptRow([marked], [])])[0].Runs[0];

    private static RunTokens? Try(Tokenizer tokenizer, string marked)
    {
        try
        {
            return Subject(tokenizer, marked);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The token at the position, and no token before it, completes the text up to the end of the mark.</summary>
    private static void AssertMarked(Tokenizer tokenizer, string marked, RunTokens run)
    {
        string expected = marked[..marked.IndexOf(']')].Replace("[subject|", "");
        int position = run.Positions[0];
        Assert.EndsWith(expected, UpTo(position), StringComparison.Ordinal);
        Assert.False(UpTo(position - 1).EndsWith(expected, StringComparison.Ordinal), $"{marked} is complete before token {position}");

        string UpTo(int token) => tokenizer.Decode([.. run.Ids.Take(token + 1).Select(id => (int)id)]);
    }

    private static string Text(Random random)
    {
        string[] parts =
            ["When", " Mary", " Tom", " met", "when", " mary", "tom", "é", " é", "😀", " ", "'s", ".", "\n", "ÅW", "中", "e\u0301"];
        return string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => parts[random.Next(parts.Length)]));
    }

    /// <summary>A token a letter.</summary>
    private sealed class LetterTokenizer : Tokenizer
    {
        /// <summary>Offsets for texts of as many letters; other texts get right ones.</summary>
        public string? Offsets { get; init; }

        /// <summary>A prefix that encoding adds and decoding removes.</summary>
        public string Prefix { get; init; } = "";

        public bool LowerCase { get; init; }

        /// <summary>A token that is put around a text, and that decoding shows.</summary>
        public char? Special { get; init; }

        public override string Decode(IEnumerable<int> ids)
        {
            string text = string.Concat(ids.Select(id => (char)id));
            return text.StartsWith(Prefix, StringComparison.Ordinal) ? text[Prefix.Length..] : text;
        }

        public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten) =>
            throw new NotSupportedException();

        protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        {
            string normalized = Prefix + (text ?? textSpan.ToString());
            normalized = LowerCase ? normalized.ToLowerInvariant() : normalized;
            Range[] offsets = [.. normalized.Select((_, i) => i..(i + 1))];
            string[][] given = [.. Offsets?.Split(' ').Select(range => range.Split("..")) ?? []];
            if (given.Length == offsets.Length)
                offsets = [.. given.Select(ends => int.Parse(ends[0])..int.Parse(ends[1]))];
            IEnumerable<EncodedToken> tokens = normalized.Select((letter, i) => new EncodedToken(letter, letter.ToString(), offsets[i]));
            if (Special is char special)
                tokens = [new(special, "$", 0..0), .. tokens, new(special, "$", normalized.Length..normalized.Length)];
            return new EncodeResults<EncodedToken> { Tokens = [.. tokens], NormalizedText = normalized, CharsConsumed = normalized.Length };
        }
    }
}
