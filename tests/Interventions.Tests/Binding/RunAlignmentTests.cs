using FsCheck;
using FsCheck.Fluent;
using Interventions.Binding;
using Interventions.Runtime;

namespace Interventions.Tests.Binding;

/// <summary>Where the runs of a prompt differ in length, both are shown beside each other.</summary>
public sealed class RunAlignmentTests
{
    private static readonly PromptVocabulary s_names = new(
        "Pairs", EquatableArray.Of("clean", "corrupted"), EquatableArray.Of("end"), default);

    [Fact]
    public void The_token_that_is_alone_is_named_and_both_texts_stand_beside_each_other() => Assert.Equal(
        """
        The runs of prompt 4 of Pairs differ in length: 'clean' has 5 tokens, 'corrupted' has 6. Patching needs them aligned token by token; choose words of equally many tokens.
        Token 3 of 'corrupted', "andra", has none beside it in 'clean':
        token  clean    token  corrupted
            1  " when"      1  " when"
            2  " Mary"      2  " Cass"
                            3  "andra"
            3  " and"       4  " and"
            4  " Tom"       5  " Paul"
        """,
        PromptChecks.Misfit(
            Prompt(["So", " when", " Mary", " and", " Tom"], ["So", " when", " Cass", "andra", " and", " Paul"]), 4, s_names));

    [Fact]
    public void Tokens_without_text_are_numbers() => Assert.Contains(
        "Token 1 of 'clean', #7, has none beside it in 'corrupted':\n",
        PromptChecks.Misfit(new PromptTokens([new([5, 7, 9], [0]), new([5, 9], [0])], []), 0, s_names));

    [Fact]
    public void Other_prompts_of_unequal_runs_are_counted()
    {
        PromptTokens good = Prompt(["a"], ["b"]), bad = Prompt(["a"], ["b", "c"]);
        Assert.Equal("\nSo do those of prompts 3, 4.", RunAlignment.Others([good, bad, good, bad, bad], 1));
        Assert.Equal("\nSo do those of prompts 1, 2, 3, 4, 5 and 2 more.", RunAlignment.Others([.. Enumerable.Repeat(bad, 8)], 0));
        Assert.Equal("", RunAlignment.Others([good, bad, good], 1));
        Assert.Equal("", RunAlignment.Others([good, bad, good], 0));
    }

    /// <summary>Few tokens differ or are alone: as few as can be, by a slow count; and long prompts are aligned too.</summary>
    [Fact]
    public void The_report_shows_every_token_of_both_runs() => Prop.ForAll(Pairs, pair =>
    {
        string report = RunAlignment.Report(new(pair.One, [0]), new(pair.Other, [0]), "one", "other");
        string[] words = report.Split(':')[0].Split(' ');
        bool isOne = words[3] == "'one',";
        int at = int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture);
        long[] longer = isOne ? pair.One : pair.Other, shorter = isOne ? pair.Other : pair.One;
        Assert.Equal($"#{longer[at]},", words[4]);
        // Without the token that is alone, the runs are one edit nearer.
        long[] without = [.. longer[..at], .. longer[(at + 1)..]];
        Assert.Equal(Edits(longer, shorter) - 1, Edits(without, shorter));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Long_runs_are_aligned_in_order()
    {
        long[] one = [.. Enumerable.Range(0, 9000).Select(i => (long)i)], other = [.. Enumerable.Range(1, 8000).Select(i => (long)-i)];
        Assert.StartsWith(
            "Token 8000 of 'one', #8000, has none beside it", RunAlignment.Report(new(one, [0]), new(other, [0]), "one", "other"));
    }

    private static Arbitrary<(long[] One, long[] Other)> Pairs =>
        (from one in Gen.Choose(1, 7).SelectMany(length => Gen.ArrayOf(Gen.Choose(0, 2), length))
         from other in Gen.Choose(1, 7).SelectMany(length => Gen.ArrayOf(Gen.Choose(0, 2), length))
         where one.Length != other.Length
         select (one.Select(id => (long)id).ToArray(), other.Select(id => (long)id).ToArray())).ToArbitrary();

    private static int Edits(long[] one, long[] other) =>
        one.Length == 0 || other.Length == 0 ? one.Length + other.Length
            : Math.Min(
                Edits(one[1..], other[1..]) + (one[0] == other[0] ? 0 : 1), Math.Min(Edits(one[1..], other), Edits(one, other[1..])) + 1);

    private static PromptTokens Prompt(string[] clean, string[] corrupted) => new([Run(clean), Run(corrupted)], []);

    private static RunTokens Run(string[] texts) => new([.. texts.Select(text => (long)text.Sum(letter => letter))], [texts.Length - 1])
    {
        Texts = texts,
    };
}
