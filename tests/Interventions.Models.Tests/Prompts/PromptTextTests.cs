using Interventions.Models.Tests.Tokenization;

namespace Interventions.Models.Tests.Prompts;

/// <summary>Marked texts, read as tokens and positions.</summary>
public sealed class PromptTextTests
{
    private static readonly HuggingFaceTokenizer s_tokenizer =
        Words("When", " Mary", " Tom", " met", " gave", " it", " to", ",", "[", " Ann");

    [Fact]
    public void Marks_name_the_last_token_of_their_text()
    {
        RunTokens clean = Create("When[subject| Tom met], gave it to").Prompts[0].Runs[0];
        Assert.Equal(["When", " Tom", " met", ",", " gave", " it", " to"], clean.Ids.Select(id => s_tokenizer.IdToToken((int)id)!));
        Assert.Equal([2, 6], clean.Positions); // the end is the last token unless it is marked
        Assert.Equal([1, 0], Create("[end|When][subject| Tom] met").Prompts[0].Runs[0].Positions);
    }

    [Fact]
    public void Marks_are_written_once()
    {
        const string marked = "When[subject| Tom] met";
        TinyPrompts prompts = TinyPrompts.Create(
            s_tokenizer,
            [new() { Clean = "When Mary met", Corrupted = marked, Other = "When Ann met", Right = " Mary", Wrong = " Ann" }]);
        Assert.All(prompts.Prompts[0].Runs, run => Assert.Equal([1, 2], run.Positions));
    }

    [Fact]
    public void Texts_are_prompts_of_one_run_without_marks()
    {
        Texts texts = Texts.Of(s_tokenizer, "When Mary", "[ Tom");
        Assert.Equal(["clean"], texts.Vocabulary.Runs);
        Assert.Equal(["end"], texts.Vocabulary.Positions);
        Assert.Empty(texts.Vocabulary.Answers);
        Assert.Equal(
            ["When Mary", "[ Tom"],
            texts.Prompts.Select(prompt => s_tokenizer.Decode([.. prompt.Runs[0].Ids.Select(id => (int)id)])));
        Assert.Contains("prompt 1 of Texts, run 'clean' has no text: it is null", Refusal(() => Texts.Of(s_tokenizer, "When", null!)));
    }

    [Fact]
    public void Token_ids_are_prompts_by_run_position_and_answer()
    {
        TinyPrompts prompts = TinyPrompts.FromTokens(
            [[1, 2, 3], [4, 5]], [[1, 3, 3], [4, 6]], [[1, 2, 3], [4, 5]], new() { ["subject"] = [1, 0] },
            new() { ["right"] = [7, 8], ["wrong"] = [9, 10] });
        Assert.Equal([1L, 3, 3], prompts.Prompts[0].Runs[1].Ids);
        Assert.Equal([0, 1], prompts.Prompts[1].Runs[2].Positions); // the end is the last token unless it is given
        Assert.Equal([8L, 10], prompts.Prompts[1].Answers);
        Assert.Equal([2, 0], Texts.FromTokens([[1, 2, 3], [4]]).Prompts.Select(prompt => prompt.Runs[0].Positions[0]));
        Texts marked = Texts.FromTokens([[1, 2, 3], [4]], new() { ["end"] = [1, 0] });
        Assert.Equal([1, 0], marked.Prompts.Select(prompt => prompt.Runs[0].Positions[0]));
        Assert.Equal([5L, 6], PromptPairs.FromTokens([[1]], [[2]], new() { ["correct"] = [5], ["wrong"] = [6] }).Prompts[0].Answers);
    }

    [Theory]
    [InlineData(2, "subject", 1, "right", "TinyPrompts: run 'corrupted' has 2 prompts, and run 'clean' 1 prompts.")]
    [InlineData(1, "sbject", 1, "right", "TinyPrompts has no position 'sbject'; did you mean 'subject'?")]
    [InlineData(1, "end", 1, "right", "TinyPrompts has position 'subject', and none was given: [\"subject\"] = …, one a prompt.")]
    [InlineData(1, "subject", 2, "right", "TinyPrompts: position 'subject' has 2 indices, and run 'clean' 1 prompts.")]
    [InlineData(1, "subject", 1, "rigth", "TinyPrompts has no answer 'rigth'; did you mean 'right'?")]
    public void Token_ids_that_do_not_fit_the_names_are_refused(
        int corrupted, string position, int indices, string answer, string message) =>
        Assert.Contains(message, Refusal(() => TinyPrompts.FromTokens(
            [[1, 2]], [.. Enumerable.Repeat(new long[] { 1, 2 }, corrupted)], [[1, 2]],
            new() { [position] = [.. Enumerable.Repeat(1, indices)] }, new() { [answer] = [1], ["wrong"] = [1] })));

    [Fact]
    public void Prompts_say_their_template()
    {
        const string text = "[subject|When]";
        TinyPrompts.Prompt prompt = new() { Clean = text, Corrupted = text, Other = text, Right = " Mary", Wrong = " Ann" };
        TinyPrompts prompts = TinyPrompts.Create(s_tokenizer, [prompt, prompt with { Template = 3 }]);
        Assert.Equal([0, 3], prompts.Prompts.Select(tokens => tokens.Template));
    }

    [Fact]
    public void Two_brackets_are_a_bracket() =>
        Assert.Equal("[", s_tokenizer.IdToToken((int)Create("[[[subject| Tom] met").Prompts[0].Runs[0].Ids[0]));

    [Theory]
    [InlineData("When Tom met", "does not mark position 'subject': write [subject|…]")]
    [InlineData("When[sbject| Tom] met", "marks position 'sbject', which TinyPrompts does not have; it has subject, end")]
    [InlineData("When[subject| Tom[subject| met]]", "not a mark")]
    [InlineData("When[subject| Tom][subject| met]", "marks position 'subject' twice")]
    [InlineData("When[subject|] Tom", "marks no text")]
    [InlineData("When[subject| To]m", "no token ends where the text marked 'subject' ends")]
    [InlineData("When [Tom", "is not a mark")]
    [InlineData("When[subject| Zorro] met", "the tokenizer does not know \" Zorro\"")]
    [InlineData("", "")]
    [InlineData(null, "has no text: it is null")]
    public void A_text_that_cannot_be_read_is_refused_with_its_prompt(string? text, string message)
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => Create(text!));
        Assert.Contains(message, refused.Message);
        Assert.StartsWith("prompt 0 of TinyPrompts, run 'clean'", refused.Message);
    }

    [Fact]
    public void Runs_of_unequal_length_are_refused()
    {
        const string text = "When[subject| Tom] met", shorter = "When[subject| Tom]";
        TinyPrompts.Prompt prompt = new() { Clean = text, Corrupted = shorter, Other = text, Right = " Tom", Wrong = " Mary" };
        ArgumentException refused = Assert.Throws<ArgumentException>(() => TinyPrompts.Create(s_tokenizer, [prompt]));
        Assert.Contains("prompt 0 of TinyPrompts differ in length: 'clean' has 3 tokens, 'corrupted' has 2", refused.Message);
    }

    [Theory]
    [InlineData(" Tom met", "is 2 tokens, \" Tom\", \" met\"; an answer is exactly one. AnswerTokens.First lets the first of several count.")]
    [InlineData(" Zorro", "the tokenizer does not know")]
    public void An_answer_is_one_known_token(string answer, string message)
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => Create("When[subject| Tom] met", answer));
        Assert.Contains("answer 'right' of prompt 0 of TinyPrompts", refused.Message);
        Assert.Contains(message, refused.Message);
    }

    [Fact]
    public void The_first_of_several_answer_tokens_counts_where_it_is_asked_for()
    {
        const string text = "When[subject| Tom] met";
        TinyPrompts.Prompt prompt = new()
        {
            Clean = text,
            Corrupted = "When Mary met",
            Other = "When Ann met",
            Right = " Tom met",
            Wrong = " Ann",
        };
        TinyPrompts set = TinyPrompts.Create(
            s_tokenizer, [prompt with { Right = " Tom" }, prompt, prompt with { Right = " Mary gave it" }], AnswerTokens.First);
        Assert.Equal([" Tom", " Tom", " Mary"], set.Prompts.Select(tokens => s_tokenizer.IdToToken((int)tokens.Answers[0])));
        const string note = "Answer 'right' is several tokens, of which the first counts, in 2 of 3 prompts of TinyPrompts: in prompt 1 it is "
            + "\" Tom met\", 2 tokens.";
        Assert.Equal([note], set.Notes);
        Assert.EndsWith($"note: {note}\n", set.ToString().Replace("\n  ", " "));
        Assert.Equal(
            "Answers 'right' and 'wrong' of prompt 0 of TinyPrompts, \" Tom met\" and \" Tom\", begin with the same token, and only the first "
            + "one counts; choose others.",
            Refusal(() => TinyPrompts.Create(s_tokenizer, [prompt with { Wrong = " Tom" }], AnswerTokens.First)));
        Assert.Contains("is 0 tokens", Refusal(() => TinyPrompts.Create(s_tokenizer, [prompt with { Wrong = "" }], AnswerTokens.First)));
    }

    /// <summary>Some models have one special token for all purposes.</summary>
    [Fact]
    public void The_unknown_token_may_be_added_around_a_text()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(
            SmallFiles.Sentences.Replace("\"unk_token\": \"<unk>\"", "\"unk_token\": \"<s>\""));
        Assert.Equal([1, 9, 10], PromptText.Encode(tokenizer, "ab a", "the text"));
        Assert.Throws<ArgumentException>(() => PromptText.Encode(tokenizer, "ab z", "the text"));
    }

    /// <summary>The hint is given where it is right: the word with the space is one token.</summary>
    [Theory]
    [InlineData("ab", "is 2 tokens, \"a\", \"b\"; an answer is exactly one. With the space in front, \" ab\", it is one.")]
    [InlineData("ba", "is 2 tokens, \"b\", \"a\"; an answer is exactly one. AnswerTokens.First lets the first of several count.")]
    public void An_answer_that_lacks_its_space_is_told(string answer, string message)
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load("""
            {
              "version": "1.0", "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": { "type": "Fuse" },
              "added_tokens": [],
              "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, " ": 2, " a": 3, " ab": 4 }, "merges": [[" ", "a"], [" a", "b"]] }
            }
            """);
        string refused = Refusal(
            () => PromptPairs.Create(tokenizer, [new() { Clean = "a", Corrupted = "b", Correct = answer, Wrong = "a" }]));
        Assert.EndsWith(message, refused);
    }

    [Fact]
    public void A_beginning_that_the_tokenizer_adds_is_not_there_twice()
    {
        HuggingFaceTokenizer tokenizer = TokenizerFolder.Load(SmallFiles.Sentences);
        Assert.Equal([1L, 9], Texts.Of(tokenizer, "ab").Prompts[0].Runs[0].Ids);
        Assert.StartsWith(
            "prompt 1 of Texts, run 'clean' begins with \"<s>\", which the tokenizer adds itself, so that it would be there twice.",
            Refusal(() => Texts.Of(tokenizer, "ab", "<s>ab")));
        Assert.Equal([1L, 9, 1, 9], Texts.Of(tokenizer, "ab<s>ab").Prompts[0].Runs[0].Ids);    // within the text it is meant
        Assert.Equal([1L, 1, 9], Texts.FromTokens([[1, 1, 9]]).Prompts[0].Runs[0].Ids);

        HuggingFaceTokenizer ending = TokenizerFolder.Load(SmallFiles.Sentences.Replace(
            """[{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]""",
            """[{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 0}}]"""));
        Assert.Equal([1L, 9, 1], Texts.Of(ending, "<s>ab").Prompts[0].Runs[0].Ids);
        Assert.Contains("ends with \"<s>\"", Refusal(() => Texts.Of(ending, "ab<s>")));
    }

    private static string Refusal(Action create) => Assert.Throws<ArgumentException>(create).Message;

    private static TinyPrompts Create(string text, string right = " Mary") =>
        TinyPrompts.Create(s_tokenizer, [new() { Clean = text, Corrupted = text, Other = text, Right = right, Wrong = " Ann" }]);

    /// <summary>A tokenizer of whole words with the space in front of them.</summary>
    private static HuggingFaceTokenizer Words(params string[] words)
    {
        string vocabulary = string.Join(", ", words.Prepend("[UNK]").Select((word, i) => $"\"{word}\": {i}"));
        return TokenizerFolder.Load($$"""
            {
              "version": "1.0", "normalizer": null, "post_processor": null, "decoder": { "type": "Fuse" },
              "added_tokens": [{ "id": 0, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                "special": true }],
              "pre_tokenizer": { "type": "Split", "pattern": { "Regex": " ?[A-Za-z]+|[^A-Za-z ]" },
                "behavior": "Isolated", "invert": false },
              "model": { "type": "WordLevel", "unk_token": "[UNK]", "vocab": { {{vocabulary}} } }
            }
            """);
    }
}
