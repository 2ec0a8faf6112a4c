using FsCheck;
using FsCheck.Fluent;
using Interventions.Models.Prompts.Tasks;

namespace Interventions.Models.Tests.Prompts.Tasks;

/// <summary>Indirect objects: who is mentioned where follows from the text alone.</summary>
public sealed class IoiTaskTests
{
    private static readonly HashSet<string> s_names = [.. FirstNames.Feminine, .. FirstNames.Masculine];

    private static Arbitrary<(int Seed, IoiCorruption Corruption, IoiOrder Order, int Dropped)> Draws =>
        (from seed in Gen.Choose(0, 1_000_000)
         from corruption in Gen.Elements(Enum.GetValues<IoiCorruption>())
         from order in Gen.Elements(Enum.GetValues<IoiOrder>())
         from dropped in Gen.Choose(0, 90)
         select (seed, corruption, order, dropped)).ToArbitrary();

    [Fact]
    public void One_person_is_named_twice_and_the_answer_is_the_other() => Prop.ForAll(Draws, draw =>
    {
        string[] shuffled = [.. s_names];
        new Random(draw.Seed).Shuffle(shuffled);
        HashSet<string> unknown = [.. shuffled.Take(draw.Dropped)];
        HuggingFaceTokenizer tokenizer = TaskTokenizers.Without(unknown);
        IoiTask set = IoiTask.Sample(tokenizer, 4, draw.Seed, new IoiOptions { Corruption = draw.Corruption, Order = draw.Order });
        Assert.StartsWith($"{100 - draw.Dropped} of 100 names", set.Notes[0]);
        for (int i = 0; i < 4; i++)
            Check(tokenizer, set, i, draw.Corruption, draw.Order, unknown);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(20));

    private static void Check(
        HuggingFaceTokenizer tokenizer, IoiTask set, int i, IoiCorruption corruption, IoiOrder order, HashSet<string> unknown)
    {
        string[] clean = Names(tokenizer.Text(set.Prompts[i].Runs[0])), corrupted = Names(tokenizer.Text(set.Prompts[i].Runs[1]));
        Assert.Equal(3, clean.Length);
        Assert.DoesNotContain(clean.Concat(corrupted), unknown.Contains);
        string io = clean.Single(name => clean.Count(other => other == name) == 1), s = clean.First(name => name != io);
        Assert.Equal((" " + io, " " + s), (tokenizer.Answer(set, i, "IO"), tokenizer.Answer(set, i, "S")));
        foreach ((string position, string name) in new[] { ("IO", io), ("S1", s), ("S2", s) })
            Assert.Equal(" " + name, tokenizer.At(set, i, 0, position));
        Assert.EndsWith(" to", tokenizer.Text(set.Prompts[i].Runs[0]));

        int ioAt = set.Index(i, 0, "IO"), s1At = set.Index(i, 0, "S1"), s2At = set.Index(i, 0, "S2");
        Assert.True(Math.Max(ioAt, s1At) < s2At);
        Assert.Equal(ioAt < s1At, set.Prompts[i].Template < IoiWords.Templates.Length);
        Assert.True(order == IoiOrder.Mixed || order == IoiOrder.Abba == ioAt < s1At);
        string[] inOrder = ioAt < s1At ? [io, s] : [s, io];
        Assert.Equal([.. inOrder, s], clean);
        switch (corruption)
        {
            case IoiCorruption.OtherNames:
                Assert.Equal(5, corrupted.Concat(clean).Distinct().Count());
                Assert.Equal(set.Indices(i, "IO", "S1", "S2"), set.Prompts[i].Differences());
                break;
            case IoiCorruption.FlippedSubject:
                Assert.Equal([.. inOrder, io], corrupted);
                Assert.Equal([s2At], set.Prompts[i].Differences());
                break;
            default:
                Assert.Equal([.. inOrder.Reverse(), io], corrupted);
                Assert.Equal(set.Indices(i, "IO", "S1", "S2"), set.Prompts[i].Differences());
                break;
        }
    }

    [Fact]
    public void Every_template_is_drawn_in_both_orders_and_fits()
    {
        IoiTask set = IoiTask.Sample(TaskTokenizers.All, 500, seed: 1);
        Assert.Equal(Enumerable.Range(0, 30), set.Prompts.Select(prompt => prompt.Template).Distinct().Order());
        Assert.True(IoiWords.Templates.Length is 15);
        // Prompts of one template have equally many tokens, so that means by position are means of one place.
        Assert.All(set.Prompts.GroupBy(prompt => prompt.Template), same =>
            Assert.Single(same.Select(prompt => string.Join(',', prompt.Runs[0].Positions)).Distinct()));
    }

    [Fact]
    public void Templates_and_words_of_ones_own_are_used()
    {
        IoiOptions own = new()
        {
            Templates = ["The {thing} is {IO} and {S1}. {S2} gave the {thing} to"],
            Words = new Dictionary<string, IReadOnlyList<string>> { ["thing"] = ["book"] },
            Order = IoiOrder.Abba,
        };
        IoiTask set = IoiTask.Sample(TaskTokenizers.All, 3, seed: 1, own);
        Assert.All(set.Prompts, prompt => Assert.Equal(2, Occurrences(TaskTokenizers.All.Text(prompt.Runs[1]), " book")));
        Assert.Contains("has no slot {S2}", Refused(own with { Templates = ["When {IO} and {S1} went to"] }));
        Assert.Contains("Slot {S2} occurs twice", Refused(own with { Templates = ["{IO} {S1} {S2} {S2} to"] }));
        Assert.Contains(
            "a slot {place} without words; there are words for thing", Refused(own with { Templates = ["{IO} {S1} {S2} {place}"] }));

        static string Refused(IoiOptions options) =>
            Assert.Throws<ArgumentException>(() => IoiTask.Sample(TaskTokenizers.All, 3, seed: 1, options)).Message;
    }

    private static int Occurrences(string text, string part) => text.Split(part).Length - 1;

    private static string[] Names(string text) => [.. text.Split(' ', ',', '.').Where(s_names.Contains)];
}
