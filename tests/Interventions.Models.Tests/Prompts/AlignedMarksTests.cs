using Interventions.Models.Prompts;
using Interventions.Runtime;

namespace Interventions.Models.Tests.Prompts;

/// <summary>A text without marks has those of another run, where the text around them is the same.</summary>
public sealed class AlignedMarksTests
{
    private static readonly PromptVocabulary s_names = new(
        "Names", EquatableArray.Of("clean", "corrupted"), EquatableArray.Of("IO", "S1", "S2", "end"), default);

    [Theory]
    [InlineData("When[IO| Mary] and[S1| Tom] went,[S2| Tom] gave", "When Anna and Paul went, Ruth gave", "IO= Anna|S1= Paul|S2= Ruth")]
    [InlineData("[S1|Tom] met[IO| Mary]", "Paul Peter met Anna", "S1=Paul Peter|IO= Anna")]
    [InlineData("a [[x][S1| b]c[end|d]", "a [x] longcddd", "S1= long|end=ddd")]
    [InlineData("[S1|all]", "other", "S1=other")]
    public void Marks_are_where_the_text_around_them_is_the_same(string marked, string plain, string marks)
    {
        MarkedText like = MarkedText.Read(s_names, marked, "prompt 0 of Names, run 'clean'");
        MarkedText text = MarkedText.Read(s_names, plain.Replace("[", "[[", StringComparison.Ordinal), "here").Like(like);
        Assert.Equal(marks, string.Join('|', text.Marks.Select(mark => $"{mark.Name}={text.Text[mark.Start..mark.End]}")));
    }

    [Theory]
    [InlineData("When[IO| Mary] and[S1| Tom] went", "While Anna and Paul went", "at position 'IO' it does not begin with \"When\"")]
    [InlineData("When[IO| Mary] and[S1| Tom] went", "When Anna or Paul went", "at position 'IO' it has no \" and\" behind it")]
    [InlineData("When[IO| Mary] and[S1| Tom] went", "When Anna and Paul came", "at position 'S1' it has no \" went\" behind it")]
    [InlineData("When[IO| Mary] and[S1| Tom] went", "When Anna and went", "at position 'S1' it has no \" went\" behind it")]
    [InlineData("When[IO| Mary] and[S1| Tom] went", "When A and B and C went", "at position 'IO' it fits at several places")]
    [InlineData("When[IO| Mary][S1| Tom] went", "When A B went", "at position 'IO' it fits at several places")]
    [InlineData("A[IO| b] c", "A", "at position 'IO' it has no \" c\" behind it")]
    [InlineData("A[IO| b]", "A", "at position 'IO' it has no text there")]
    public void A_text_that_may_be_marked_otherwise_is_refused(string marked, string plain, string message)
    {
        MarkedText like = MarkedText.Read(s_names, marked, "prompt 3 of Names, run 'clean'");
        ArgumentException refused = Assert.Throws<ArgumentException>(
            () => MarkedText.Read(s_names, plain, "prompt 3 of Names, run 'corrupted'").Like(like));
        Assert.StartsWith("prompt 3 of Names, run 'corrupted' has no marks, and does not fit around those of run 'clean': ", refused.Message);
        Assert.Contains(message, refused.Message);
    }

    /// <summary>All ways to cut a text are tried: the marks are found if, and only if, there is one way.</summary>
    [Fact]
    public void One_way_is_found_and_several_are_refused()
    {
        int[] found = new int[3];
        for (int seed = 0; seed < 3000; seed++)
            found[Math.Min(CheckWays(new Random(seed)), 2)]++;
        Assert.All(found, count => Assert.InRange(count, 300, 3000));
    }

    private static int CheckWays(Random random)
    {
        string[] around = [.. Enumerable.Range(0, random.Next(2, 5)).Select(_ => Letters(0, 3))];
        string plain = random.Next(3) == 0
            ? Letters(0, 9)
            : around[0] + string.Concat(around.Skip(1).Select(text => Letters(1, 3) + text));
        string[] names = ["IO", "S1", "S2", "end"];
        string marked = around[0] + string.Concat(around.Skip(1).Select((text, i) => $"[{names[i]}|x]{text}"));
        string[] ways = [.. Ways(plain, around, 0, "")];
        MarkedText like = MarkedText.Read(s_names, marked, "prompt 0 of Names, run 'clean'");
        MarkedText text = MarkedText.Read(s_names, plain, "here");
        if (ways.Length == 1)
            Assert.Equal(ways[0], string.Concat(text.Like(like).Marks.Select(mark => $"{mark.Start}-{mark.End};")));
        else
            Assert.Throws<ArgumentException>(() => text.Like(like));
        return ways.Length;

        string Letters(int least, int most) =>
            string.Concat(Enumerable.Range(0, random.Next(least, most)).Select(_ => "ab"[random.Next(2)]));
    }

    private static IEnumerable<string> Ways(string text, string[] around, int at, string marks)
    {
        if (!text.AsSpan(at).StartsWith(around[0]))
            yield break;
        at += around[0].Length;
        if (around.Length == 1 && at == text.Length)
            yield return marks;
        if (around.Length == 1)
            yield break;
        for (int end = at + 1; end <= text.Length; end++)
            foreach (string way in Ways(text, around[1..], end, $"{marks}{at}-{end};"))
                yield return way;
    }
}
