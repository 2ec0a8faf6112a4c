using FsCheck;
using FsCheck.Fluent;
using Interventions.Models.Prompts;

namespace Interventions.Models.Tests.Prompts;

/// <summary>Texts with slots, and marks that are put into texts.</summary>
public sealed class PromptTemplateTests
{
    private static readonly PromptVocabulary s_names = TinyPrompts.DeclaredVocabulary;

    [Fact]
    public void Slots_are_filled_and_those_that_are_positions_are_marked()
    {
        PromptTemplate template = new("When {subject} met {who}, {{{who}}} said", s_names);
        Assert.Equal(["subject", "who"], template.Slots);
        Dictionary<string, string> words = new() { ["subject"] = "Tom", ["who"] = "Mary" };
        Assert.Equal("When [subject|Tom] met Mary, {Mary} said", template.Fill(words));
        Assert.Equal("{a} b", new PromptTemplate("{{a}} {b}").Fill(new Dictionary<string, string> { ["b"] = "b" }));
        // A word's brackets are text.
        string filled = template.Fill(new Dictionary<string, string> { ["subject"] = "[x]", ["who"] = "a[|]" });
        MarkedText read = MarkedText.Read(s_names, filled, "here");
        Assert.Equal("When [x] met a[|], {a[|]} said", read.Text);
        Assert.Equal(new Mark("subject", 5, 8), Assert.Single(read.Marks));
    }

    [Theory]
    [InlineData("a {b", "The '{' at character 2 of \"a {b\" is not a slot")]
    [InlineData("a {}", "is not a slot")]
    [InlineData("a {b{c}}", "The '{' at character 2")]
    [InlineData("a } b", "The '}' at character 2 of \"a } b\" closes nothing: write }} for a plain brace.")]
    [InlineData("{subject} {subject}", "Slot {subject} occurs twice")]
    public void A_broken_template_is_refused(string text, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => new PromptTemplate(text, s_names)).Message);

    [Fact]
    public void Words_that_do_not_fit_the_slots_are_refused()
    {
        PromptTemplate template = new("{subject} met {who}", s_names);
        Assert.Equal(
            "Slot {who} of \"{subject} met {who}\" has no word: [\"who\"] = ….", Refused(new() { ["subject"] = "a" }));
        Assert.Equal(
            "\"{subject} met {who}\" has no slot {whom}; did you mean {who}?",
            Refused(new() { ["subject"] = "a", ["who"] = "b", ["whom"] = "c" }));

        string Refused(Dictionary<string, string> words) => Assert.Throws<ArgumentException>(() => template.Fill(words)).Message;
    }

    [Fact]
    public void Fillings_differ_and_no_word_stands_twice_in_one()
    {
        PromptTemplate template = new("{a} {b} {c}");
        string[] letters = ["x", "y", "z"];
        Dictionary<string, IReadOnlyList<string>> words = new() { ["a"] = letters, ["b"] = letters };
        IReadOnlyList<Dictionary<string, string>> all = template.Sample(words, 6, seed: 3);
        Assert.Equal(6, all.Select(filling => filling["a"] + filling["b"]).Distinct().Count());
        Assert.All(all, filling => Assert.True(filling["a"] != filling["b"] && filling.Count == 2));
        Assert.Equal(all, template.Sample(words, 6, seed: 3));
        Assert.Contains("gives 6 different prompts, and 7 are asked for", Refused(words, 7));
        words["c"] = ["x"];
        words["b"] = ["x"];
        Assert.Contains("The list for slot {", Refused(words, 1));
        Assert.Contains("has no slot {d}", Refused(new() { ["d"] = letters }, 1));

        string Refused(Dictionary<string, IReadOnlyList<string>> words, int count) =>
            Assert.Throws<ArgumentException>(() => template.Sample(words, count, seed: 3)).Message;
    }

    [Fact]
    public void Parts_of_a_text_are_marked_by_what_they_are_or_where()
    {
        const string text = "The [Eiffel] Tower is in";
        Assert.Equal("The [subject|[[Eiffel[] Tower] is in", PromptMarks.At(text, ("subject", "[Eiffel] Tower")));
        Assert.Equal("The [[Eiffel[] [end|Tower] [subject|is] in", PromptMarks.At(text, ("subject", "is"), ("end", "Tower")));
        Assert.Equal("[subject|The] [[Eiffel[] Tower is [end|in]", PromptMarks.At(text, ("subject", ..3), ("end", ^2..)));
        Assert.Equal("The [[Eiffel[] Tower is in", PromptMarks.None(text));
    }

    [Theory]
    [InlineData("Tim", "\"Tim\", which is to be position 'subject', is not in \"Tom and Tom\".")]
    [InlineData("Tom", "\"Tom\", which is to be position 'subject', stands at characters 0 and 8 of \"Tom and Tom\": give more")]
    [InlineData("om a", "Positions 'subject' and 'end' overlap in \"Tom and Tom\"")]
    public void A_part_that_is_no_one_place_is_refused(string part, string message) => Assert.StartsWith(
        message, Assert.Throws<ArgumentException>(() => PromptMarks.At("Tom and Tom", ("subject", part), ("end", "and"))).Message);

    [Fact]
    public void A_range_that_is_no_part_is_refused()
    {
        foreach (Range range in new[] { 2..2, 3..2, 1..9, ^9..2 })
            Assert.Contains("give a part of it", Assert.Throws<ArgumentException>(() => PromptMarks.At("Tom", ("subject", range))).Message);
    }

    /// <summary>Any text, with any parts marked, is read back as it was.</summary>
    [Fact]
    public void Marks_are_read_as_they_were_written() => Prop.ForAll(MarkedTexts, text =>
    {
        MarkedText read = MarkedText.Read(s_names, text.Written(), "here");
        Assert.Equal(text.Text, read.Text);
        Assert.Equal(text.Marks, read.Marks);
    }).QuickCheckThrowOnFailure();

    private static Arbitrary<MarkedText> MarkedTexts =>
        (from letters in Gen.ArrayOf(Gen.Elements("[]|ab é😀\n".Select(letter => letter.ToString()).ToArray()), 14)
         from cuts in Gen.ArrayOf(Gen.Choose(0, 14), 4)
         let at = cuts.Order().ToArray()
         let marks = new[] { new Mark("subject", at[0], at[1]), new Mark("end", at[2], at[3]) }
         select new MarkedText(string.Concat(letters), [.. marks.Where(mark => mark.End > mark.Start)], "here")).ToArbitrary();
}
