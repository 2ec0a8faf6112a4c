using System.Diagnostics;
using Interventions.Models.Prompts.Tasks;

namespace Interventions.Models.Tests.Prompts.Tasks;

/// <summary>What all tasks promise, with a tokenizer of whole words, and with those of GPT-2 and SmolLM2.</summary>
public sealed class TaskTests
{
    private delegate PromptSet Sampler(HuggingFaceTokenizer tokenizer, int count, int seed, PromptSet? except);

    private static readonly Dictionary<string, Sampler> s_tasks = new()
    {
        ["ioi"] = (t, count, seed, except) => IoiTask.Sample(t, count, seed, except: (IoiTask?)except),
        ["greater-than"] = (t, count, seed, except) =>
            GreaterThanTask.Sample(t, count, seed, CutsDigits(t) ? 1 : 2, (GreaterThanTask?)except),
        ["pronoun"] = (t, count, seed, except) => GenderedPronounTask.Sample(t, count, seed, except: (GenderedPronounTask?)except),
        ["docstring"] = (t, count, seed, except) => DocstringTask.Sample(t, count, seed, except: (DocstringTask?)except),
        ["induction"] = (t, count, seed, except) => InductionTask.Sample(t, count, seed, except: (InductionTask?)except),
        ["facts"] = (t, count, seed, except) => FactualRecallTask.Sample(t, count, seed, except: (FactualRecallTask?)except),
        ["choice"] = (t, count, seed, except) => MultipleChoiceTask.Sample(t, count, seed, except: (MultipleChoiceTask?)except),
    };

    public static TheoryData<string> Tasks => [.. s_tasks.Keys];

    [Theory]
    [MemberData(nameof(Tasks))]
    public void A_seed_says_which_prompts(string task) => Check(s_tasks[task], TaskTokenizers.All);

    [SharedTheory("reference/tokenizers/gpt2/tokenizer.json")]
    [MemberData(nameof(Tasks))]
    public void A_seed_says_which_prompts_of_GPT2(string task) => Check(s_tasks[task], Shared("gpt2"));

    [SharedTheory("reference/tokenizers/smollm2/tokenizer.json")]
    [MemberData(nameof(Tasks))]
    public void A_seed_says_which_prompts_of_SmolLM2(string task) => Check(s_tasks[task], Shared("smollm2"));

    private static void Check(Sampler sample, HuggingFaceTokenizer tokenizer)
    {
        const int Count = 12;
        PromptSet set = sample(tokenizer, Count, 1, null), again = sample(tokenizer, Count, 1, null);
        PromptSet other = sample(tokenizer, Count, 2, null);
        Assert.Equal(Count, set.Prompts.Count);
        Assert.Equal(Ids(set), Ids(again));
        Assert.Equal(set.Prompts.SelectMany(prompt => prompt.Answers), again.Prompts.SelectMany(prompt => prompt.Answers));
        Assert.NotEqual(Ids(set), Ids(other));
        Assert.Equal(Count, CleanIds(set).Distinct().Count());
        foreach (PromptTokens prompt in set.Prompts)
        {
            Assert.NotEmpty(prompt.Differences());
            Assert.All(prompt.Runs, run => Assert.Equal(run.Ids.Count - 1, run.Positions[^1])); // end is the last token
            Assert.True(prompt.Answers.Distinct().Count() == prompt.Answers.Count, "two answers are one token");
            // The answer is what the tokenizer makes of the text that goes on with it.
            if (prompt.Runs[0].Marked is { } marked)
                Assert.Equal(
                    [.. prompt.Runs[0].Ids, prompt.Answers[0]],
                    PromptText.Encode(tokenizer, tokenizer.Text(prompt.Runs[0]) + Following(tokenizer, prompt, marked), "the text"));
        }
        // Held out: as many prompts as are left, and none that is excluded.
        PromptSet held = sample(tokenizer, Count, 1, set);
        Assert.Empty(CleanIds(held).Intersect(CleanIds(set)));
        Assert.Equal(Count, held.Prompts.Count);
    }

    /// <summary>The first answer's text; of greater-than the answer is what the year before ends with.</summary>
    private static string Following(HuggingFaceTokenizer tokenizer, PromptTokens prompt, string marked) =>
        tokenizer.Text(prompt.Answers[0]) is var answer && marked.Contains("[YY|", StringComparison.Ordinal) ? answer.TrimStart() : answer;

    [Fact]
    public void As_many_prompts_as_there_are_can_be_drawn_and_no_more()
    {
        IoiOptions few = new()
        {
            Templates = ["When {IO} and {S1} went to the {place}, {S2} gave a {object} to"],
            Names = ["Mary", "John"],
            Words = new Dictionary<string, IReadOnlyList<string>> { ["place"] = ["store", "park"], ["object"] = ["drink"] },
            Corruption = IoiCorruption.FlippedSubject,
        };
        // Two people in two orders of mention, acting one or the other, at two places.
        IoiTask all = IoiTask.Sample(TaskTokenizers.All, 8, seed: 3, few);
        Assert.Equal(8, CleanIds(all).Distinct().Count());
        Assert.Equal(
            "IoiTask gives at most 8 different prompts, and 9 are asked for: ask for fewer, or give it more words.",
            Assert.Throws<ArgumentException>(() => IoiTask.Sample(TaskTokenizers.All, 9, seed: 3, few)).Message);
        IoiTask half = IoiTask.Sample(TaskTokenizers.All, 5, seed: 4, few);
        Assert.Equal(3, IoiTask.Sample(TaskTokenizers.All, 3, seed: 4, few, except: half).Prompts.Count);
        Assert.Contains(
            "gives 3 different prompts that are not among the 5 excluded ones, and 4 are asked for",
            Assert.Throws<ArgumentException>(() => IoiTask.Sample(TaskTokenizers.All, 4, seed: 4, few, except: half)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => IoiTask.Sample(TaskTokenizers.All, 0, seed: 4, few));
    }

    /// <summary>Nobody waits for prompts that cannot be, or that no memory holds.</summary>
    [Fact]
    public void A_number_of_prompts_beyond_reason_is_refused_at_once()
    {
        Stopwatch watch = Stopwatch.StartNew();
        Assert.Matches(
            @"^IoiTask gives at most \d+ different prompts, and 2147483647 are asked for",
            Refused(() => IoiTask.Sample(TaskTokenizers.All, int.MaxValue, seed: 1)));
        Assert.Contains("GreaterThanTask gives at most ", Refused(() => GreaterThanTask.Sample(TaskTokenizers.All, 10_000_000, seed: 1)));
        Assert.Contains(
            "GenderedPronounTask gives at most ", Refused(() => GenderedPronounTask.Sample(TaskTokenizers.All, 10_000_000, seed: 1)));
        Assert.Contains(
            "FactualRecallTask gives at most ", Refused(() => FactualRecallTask.Sample(TaskTokenizers.All, 10_000_000, seed: 1)));
        Assert.Contains(
            "MultipleChoiceTask gives at most ", Refused(() => MultipleChoiceTask.Sample(TaskTokenizers.All, int.MaxValue, seed: 1)));
        Assert.Matches(
            @"^2147483647 prompts of DocstringTask take about [\d.]+ GiB, and this machine has [\d.]+ GiB of memory: ask for fewer than \d",
            Refused(() => DocstringTask.Sample(TaskTokenizers.All, int.MaxValue, seed: 1)));
        Assert.Contains("prompts of InductionTask take about ", Refused(() => InductionTask.Sample(1000, int.MaxValue, seed: 1)));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{watch.Elapsed}");

        static string Refused(Action draw) => Assert.Throws<ArgumentException>(draw).Message;
    }

    [Fact]
    public void Words_that_are_not_one_token_are_left_out_and_counted()
    {
        string[] unknown = ["Mary", "Anna", "John", "store", "drink", "ring"];
        HuggingFaceTokenizer tokenizer = TaskTokenizers.Without(unknown.ToHashSet());
        IoiTask prompts = IoiTask.Sample(tokenizer, 40, seed: 1);
        Assert.Equal(
            [
                "97 of 100 names are one token of this tokenizer.", "19 of 20 words for {place} are one token of this tokenizer.",
                "18 of 20 words for {object} are one token of this tokenizer.",
            ],
            prompts.Notes);
        Assert.Contains("note: 97 of 100 names are one token of this tokenizer.\n", prompts.ToString());
        Assert.All(prompts.Prompts.SelectMany(prompt => prompt.Runs), run => Assert.All(
            unknown, word => Assert.DoesNotContain(word, tokenizer.Text(run))));
        Assert.Equal(
            "IoiTask: 4 of 100 names are one token of this tokenizer, and at least 5 are needed; it uses words of one token only.",
            Assert.Throws<ArgumentException>(() => IoiTask.Sample(
                TaskTokenizers.Without(FirstNames.Feminine.Concat(FirstNames.Masculine).Skip(4).ToHashSet()), 3, seed: 1)).Message);
    }

    /// <summary>A word's tokens are those that it has behind another word, whatever the tokenizer does with a text's beginning.</summary>
    [Fact]
    public void A_word_is_what_stands_behind_a_space()
    {
        HuggingFaceTokenizer spaced = TokenizerFolder("""[[" ", "a"], [" a", "b"]]""");
        Assert.Equal(new TaskWord("ab", " ab", 4, 1), TaskWord.Find(spaced, "ab"));
        Assert.Equal(new TaskWord("ba", " ba", 2, 3), TaskWord.Find(spaced, "ba"));
        Assert.Null(TaskWord.Find(spaced, "az"));
        // A sign is put in front of every text: the answer has no space of its own.
        HuggingFaceTokenizer prefixed = Tokenization.TokenizerFolder.Load(Tokenization.SmallFiles.Sentences);
        Assert.Equal(new TaskWord("ab", "ab", 9, 1), TaskWord.Find(prefixed, "ab"));

        static HuggingFaceTokenizer TokenizerFolder(string merges) => Tokenization.TokenizerFolder.Load($$"""
            {
              "version": "1.0", "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": { "type": "Fuse" },
              "added_tokens": [],
              "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, " ": 2, " a": 3, " ab": 4 }, "merges": {{merges}} }
            }
            """);
    }

    private static HuggingFaceTokenizer Shared(string name) =>
        HuggingFaceTokenizer.Load(SharedData.Path($"reference/tokenizers/{name}/tokenizer.json"));

    private static bool CutsDigits(HuggingFaceTokenizer tokenizer) => tokenizer.Encode("32").Ids.Count == 2;

    private static IEnumerable<string> CleanIds(PromptSet set) => set.Prompts.Select(prompt => string.Join(' ', prompt.Runs[0].Ids));

    private static IEnumerable<long> Ids(PromptSet set) => set.Prompts.SelectMany(prompt => prompt.Runs.SelectMany(run => run.Ids));
}
