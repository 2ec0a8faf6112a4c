namespace Interventions.Circuits.Tests;

/// <summary>What scores of nodes say, and how they print and are saved.</summary>
public sealed class NodeScoresTests
{
    /// <summary>Two layers of two heads, two prompts.</summary>
    private static readonly NodeScores s_scores = new(
        "noising Z", "LD", [NodeAxis.Of("layer", 2), NodeAxis.Of("head", 2)], [[1, -2, 0, 0.5], [3, 2, 0, 0.5]], new([4, 6], [1, 1]))
    {
        Kind = NodeKind.Z,
    };

    /// <summary>The second prompt lacks the last position.</summary>
    private static readonly NodeScores s_ragged = new(
        "denoising Embed", "LD", [NodeAxis.Of("pos", 2)], [[1, 2], [3, double.NaN]], new([4, 6], [2, 1], ChangesCorrupted: true))
    {
        Kind = NodeKind.Embed,
    };

    [Fact]
    public void Means_magnitudes_and_normalised_means_by_hand()
    {
        Assert.Equal([2, 0, 0, 0.5], s_scores.Means);
        Assert.Equal([2, 2, 0, 0.5], s_scores.Magnitudes);
        Assert.Equal([7, 5, 5, 5.5], s_scores.Values);
        // Means are 5 clean and 1 corrupted: (7 − 1) / 4 = 1.5. A mean of ratios would be (4 / 3 + 8 / 5) / 2.
        Assert.Equal([1.5, 1, 1, 1.125], s_scores.Normalized);
        Assert.Equal([0.4, 0, 0, 0.1], s_scores.Relative);
        Assert.Equal(0.5, s_scores[("head", 1), ("layer", 1)]);
        Assert.Equal([3, 2, 0, 0.5], s_scores.OfPrompt(1));
        // Where the second prompt has no such position, the first alone counts: 2 + 2 lies (4 − 2) / (4 − 2) of the way.
        Assert.Equal([2, 2], s_ragged.Means);
        Assert.Equal([3.5, 4], s_ragged.Values);
        Assert.Equal([(3.5 - 1.5) / (5 - 1.5), 1], s_ragged.Normalized);
        Assert.Contains("nothing to normalise by", Assert.Throws<InterventionException>(() =>
            new NodeScores("t", "LD", [], [[1]], new([2], [2])).Normalized).Message);
    }

    [Fact]
    public void The_largest_come_first()
    {
        Assert.Equal(
            ["layer=0 head=0", "layer=0 head=1", "layer=1 head=1"], s_scores.Top(3).Select(node => node.Place));
        Assert.Equal(new NodeScore(NodeKind.Z, "layer=0 head=1", 0, 2), s_scores.Top(2)[1]);
        NodeAttributions both = new([s_scores, s_ragged], [[], []]);
        Assert.Equal([NodeKind.Z, NodeKind.Z, NodeKind.Embed], both.Top(3).Select(node => node.Kind));
        Assert.Same(s_ragged, both[NodeKind.Embed]);
        Assert.Empty(both.ByBlock(NodeKind.Z));
    }

    [Fact]
    public void They_print_as_tables()
    {
        Assert.Equal(
            """
            noising Z: change of LD, which is 5 clean and 1 corrupted; 2 prompts
            layer\head       0       1
            0           +2.000   0.000
            1            0.000  +0.500

            """,
            $"{s_scores}");
        Assert.Contains("layer\\head", $"{s_scores}", StringComparison.Ordinal);
        Assert.Contains("pos", $"{s_ragged}", StringComparison.Ordinal);
        NodeScores large = new(
            "AtP of Z", "LD", [NodeAxis.Of("layer", 3), NodeAxis.Of("head", 5), NodeAxis.Of("pos", 2)],
            [[.. Enumerable.Range(0, 30).Select(i => Math.Sin(i))]], new([1], [0]));
        Assert.EndsWith("… and 18 places\n", $"{large}", StringComparison.Ordinal);
        NodeAttributions both = new([large, s_scores], [[], []]);
        Assert.EndsWith("… and 22 nodes\n", $"{both}", StringComparison.Ordinal);
        foreach (object printed in (object[])[s_scores, s_ragged, large, both])
            Assert.All($"{printed}".Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public void They_are_saved_with_a_row_a_place_and_prompt()
    {
        string file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.csv");
        try
        {
            s_ragged.SaveCsv(file);
            Assert.Equal(["pos,prompt,change,value", "0,0,1,3", "0,1,3,4", "1,0,2,4"], File.ReadAllLines(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_place_that_is_none_is_refused()
    {
        Refused("'head' is missing; the axes are layer, head", () => s_scores[("layer", 0)]);
        Refused("There is no axis 'pos'", () => s_scores[("layer", 0), ("pos", 0)]);
        Refused("There are two labels of 'layer'", () => s_scores[("layer", 0), ("layer", 1)]);
        Refused("Nothing is called '7' along 'head': 0, 1.", () => s_scores[("layer", 0), ("head", 7)]);
        Assert.Throws<ArgumentOutOfRangeException>(() => s_scores.OfPrompt(2));

        static void Refused(string message, Func<double> read) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => read()).Message);
    }
}
