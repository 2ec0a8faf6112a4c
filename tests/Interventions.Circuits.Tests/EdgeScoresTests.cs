namespace Interventions.Circuits.Tests;

/// <summary>Which edges scores choose.</summary>
public sealed class EdgeScoresTests
{
    private static readonly CircuitGraph s_graph = new(1, 1);

    /// <summary>embed to q, k, v, m0; a0.h0 to m0; embed, a0.h0, m0 to logits.</summary>
    private static readonly EdgeScores s_scores = new(s_graph, [[3, 0, -9, 1, 0, 5, -4, 2], [1, 0, -7, 1, 0, 1, -4, -4]]);

    [Fact]
    public void Scores_are_means_over_prompts()
    {
        Assert.Equal([2, 0, -8, 1, 0, 3, -4, -1], s_scores.Means);
        Assert.Equal(-8, s_scores[Edge.Parse("embed->a0.h0.v")]);
        Assert.Equal([3, 0, -9, 1, 0, 5, -4, 2], s_scores.OfPrompt(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_scores.OfPrompt(2));
    }

    [Theory]
    [InlineData(
        Ranking.Absolute,
        "embed->a0.h0.v a0.h0->logits embed->logits embed->a0.h0.q embed->m0 m0->logits embed->a0.h0.k a0.h0->m0")]
    [InlineData(
        Ranking.MostNegative,
        "embed->a0.h0.v a0.h0->logits m0->logits embed->a0.h0.k a0.h0->m0 embed->m0 embed->a0.h0.q embed->logits")]
    [InlineData(
        Ranking.MostPositive,
        "embed->logits embed->a0.h0.q embed->m0 embed->a0.h0.k a0.h0->m0 m0->logits a0.h0->logits embed->a0.h0.v")]
    public void Edges_are_ranked_and_ties_keep_their_order(Ranking ranking, string order)
    {
        Assert.Equal(order.Split(' '), s_scores.Ranked(ranking).Select(edge => $"{edge}"));
        for (int count = 0; count <= 8; count++)
            Assert.Equal(new Circuit(s_graph, order.Split(' ').Take(count).Select(Edge.Parse)), s_scores.Top(count, ranking));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_scores.Top(9, ranking));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_scores.Greedy(-1, ranking));
    }

    /// <summary>The largest score is no candidate until its head is there.</summary>
    [Fact]
    public void Greedy_grows_from_the_logits()
    {
        string[] order = ["a0.h0->logits", "embed->a0.h0.v", "embed->logits", "embed->a0.h0.q", "m0->logits", "embed->m0"];
        for (int count = 0; count <= order.Length; count++)
            Assert.Equal(new Circuit(s_graph, order.Take(count).Select(Edge.Parse)), s_scores.Greedy(count));
        Assert.Equal(Circuit.All(s_graph), s_scores.Greedy(8));
    }

    [Fact]
    public void Greedy_reaches_the_logits_where_all_scores_are_equal()
    {
        CircuitGraph graph = new(3, 2);
        EdgeScores equal = new(graph, [new double[graph.EdgeCount]]);
        for (int count = 0; count <= graph.EdgeCount; count++)
        {
            Circuit circuit = equal.Greedy(count);
            Assert.Equal(count, circuit.Count);
            HashSet<Component> leading = [Component.Logits];
            foreach (Edge edge in circuit.Edges.Reverse())
                Assert.True(leading.Contains(edge.Target.Component) && (leading.Add(edge.Source) || true), $"{edge} leads nowhere");
        }
    }

    [Fact]
    public void Choosing_does_not_depend_on_the_unit()
    {
        Random random = new(1);
        CircuitGraph graph = new(3, 2);
        double[] scores = [.. graph.Edges.Select(_ => random.NextDouble() - 0.5)];
        EdgeScores one = new(graph, [scores]), other = new(graph, [scores.Select(score => score * 1024).ToArray()]);
        for (int count = 0; count <= graph.EdgeCount; count += 7)
        {
            Assert.Equal(one.Top(count), other.Top(count));
            Assert.Equal(one.Greedy(count, Ranking.MostNegative), other.Greedy(count, Ranking.MostNegative));
        }
    }

    [Fact]
    public void Scores_that_do_not_fit_are_refused()
    {
        Assert.Contains("7 scores for 8 edges", Refused([new double[7]]));
        Assert.Contains("There is no prompt", Refused([]));
        Assert.Contains("The score of 'a0.h0->m0' is NaN", Refused([[0, 0, 0, 0, double.NaN, 0, 0, 0]]));

        static string Refused(double[][] scores) => Assert.Throws<ArgumentException>(() => new EdgeScores(s_graph, scores)).Message;
    }

    /// <summary>Trapezoids by hand; a perfect ranking has areas 0.999 and 0.</summary>
    [Fact]
    public void Areas_are_those_of_trapezoids()
    {
        FaithfulnessCurve curve = new([0.2, 0.5, 1], [-0.5, 1.5, 1]);
        Assert.Equal(((-0.5 + 1.5) / 2 * 0.3) + ((1.5 + 1) / 2 * 0.5), curve.Cpr, 1e-12);
        Assert.Equal(((1.5 + 0.5) / 2 * 0.3) + ((0.5 + 0) / 2 * 0.5), curve.Cmd, 1e-12);
        FaithfulnessCurve perfect = new(
            FaithfulnessCurve.UsualSizes, [.. FaithfulnessCurve.UsualSizes.Select(_ => 1.0)]);
        Assert.Equal((0.999, 0), (Math.Round(perfect.Cpr, 12), perfect.Cmd));
    }

    [Fact]
    public void They_print_the_largest() => Assert.Equal(
        ["edge            score  ±", "embed->a0.h0.v     -8  1", "a0.h0->logits      -4  0", "embed->logits      +3  2"],
        $"{s_scores}".Split('\n')[..4]);
}
