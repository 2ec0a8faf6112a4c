namespace Interventions.Circuits.Tests;

/// <summary>Circuits and scores beside a reference.</summary>
public sealed class RocTests
{
    private static readonly CircuitGraph s_graph = new(1, 1);

    /// <summary>embed to q, k, v, m0; a0.h0 to m0; embed, a0.h0, m0 to logits.</summary>
    private static readonly EdgeScores s_scores = new(s_graph, [[2, 0, -8, 1, 0, 3, -4, -1]]);

    [Fact]
    public void The_area_is_that_under_the_points_that_no_other_beats()
    {
        // By hand: (.2, .5) is beaten by (.1, .6); trapezoids from (0, 0) over (.1, .6) and (.5, .9) to (1, 1).
        Roc roc = Roc.Of([new(0.5, 0.9), new(0.2, 0.5), new(0.1, 0.6), new(0.1, 0.3)]);
        Assert.Equal([new(0, 0), new(0.1, 0.3), new(0.1, 0.6), new(0.5, 0.9), new(1, 1)], roc.Points.ToList());
        Assert.Equal((0.1 * 0.3 / 2) + (0.4 * 1.5 / 2) + (0.5 * 1.9 / 2), roc.Auc, 1e-12);
        Assert.Equal(0.5, Roc.Of([]).Auc, 1e-12);
        Assert.Equal(1, Roc.Of([new(0, 1)]).Auc, 1e-12);
        Assert.Throws<ArgumentException>(() => Roc.Of([new(0, 1.5)]));
        Assert.Throws<ArgumentException>(() => Roc.Of([new(double.NaN, 1)]));
    }

    [Fact]
    public void A_ranking_is_cut_behind_every_score()
    {
        Assert.Equal(1, Edges("embed->a0.h0.v", "a0.h0->logits").Auc, 1e-12);
        Assert.Equal(0, Edges("embed->a0.h0.k", "a0.h0->m0").Auc, 1e-12);
        Assert.Equal(2.0 / 12, Edges("embed->m0", "embed->a0.h0.k").Auc, 1e-12); // equal scores are half a pair each
        // The first one, and the third: one of its six pairs with others is out of order.
        Assert.Equal(
            [new(0, 0), new(0, 0.5), new(1.0 / 6, 0.5), new(1.0 / 6, 1), new(2.0 / 6, 1)],
            Edges("embed->a0.h0.v", "embed->logits").Points.Take(5));
        Assert.Equal(1 - (0.5 / 6), Edges("embed->a0.h0.v", "embed->logits").Auc, 1e-12);
        Assert.Equal(
            1, Roc.OfEdges(s_scores, Of("embed->logits", "embed->a0.h0.q"), Ranking.MostPositive).Auc, 1e-12);
        Assert.Throws<ArgumentException>(() => Roc.OfEdges(s_scores, Circuit.All(s_graph)));
        Assert.Throws<ArgumentException>(() => Roc.OfEdges(s_scores, Circuit.None(s_graph)));
        Assert.Throws<ArgumentException>(() => Roc.OfEdges(s_scores, Circuit.None(new(2, 1))));

        Roc Edges(params string[] edges) => Roc.OfEdges(s_scores, Of(edges));
    }

    /// <summary>Cutting at every score and comparing the circuits is the ranking's curve.</summary>
    [Fact]
    public void The_curve_of_scores_is_that_of_their_circuits()
    {
        Random random = new(2);
        CircuitGraph graph = new(2, 3);
        for (int i = 0; i < 20; i++)
        {
            EdgeScores scores = new(graph, [graph.Edges.Select(_ => random.NextDouble() - 0.5).ToArray()]);
            Circuit reference = new(graph, graph.Edges.Where(edge =>
                edge.Source.Kind != ComponentKind.Mlp && edge.Target.Component.Kind != ComponentKind.Mlp && random.Next(8) == 0));
            if (reference.Components.Count(node => node.Kind == ComponentKind.Head) == 0)
                continue;
            foreach (Ranking ranking in Enum.GetValues<Ranking>())
            {
                Circuit[] cuts = [.. Enumerable.Range(1, graph.EdgeCount).Select(count => scores.Top(count, ranking))];
                Assert.Equal(Roc.OfEdges(cuts, reference).Auc, Roc.OfEdges(scores, reference, ranking).Auc, 1e-12);
                Assert.Equal(Roc.OfNodes(cuts, reference).Auc, Roc.OfNodes(scores, reference, ranking).Auc, 1e-12);
            }
        }
    }

    /// <summary>The area is the chance that an edge of the reference comes before another one.</summary>
    [Fact]
    public void The_area_of_a_ranking_is_the_part_of_pairs_in_order()
    {
        Random random = new(3);
        CircuitGraph graph = new(2, 2);
        for (int i = 0; i < 20; i++)
        {
            double[] scores = [.. graph.Edges.Select(_ => (double)random.Next(9))]; // with ties
            Circuit reference = new(graph, graph.Edges.Where(_ => random.Next(3) == 0));
            double[] trues = [.. graph.Edges.Zip(scores).Where(edge => reference.Contains(edge.First)).Select(edge => edge.Second)];
            double[] falses = [.. graph.Edges.Zip(scores).Where(edge => !reference.Contains(edge.First)).Select(edge => edge.Second)];
            double pairs = trues.Sum(one => falses.Sum(other => one > other ? 1 : one == other ? 0.5 : 0));
            Assert.Equal(
                pairs / (trues.Length * falses.Length),
                Roc.OfEdges(new EdgeScores(graph, [scores]), reference, Ranking.MostPositive).Auc, 1e-12);
        }
    }

    [Fact]
    public void A_node_has_the_score_of_its_first_edge()
    {
        Assert.Equal([(Component.OfHead(0, 0), -8), (Component.OfMlp(0), 1)], Nodes(Ranking.Absolute));
        Assert.Equal([(Component.OfHead(0, 0), -8), (Component.OfMlp(0), -1)], Nodes(Ranking.MostNegative));
        Assert.Equal([(Component.OfHead(0, 0), 2), (Component.OfMlp(0), 1)], Nodes(Ranking.MostPositive));

        IEnumerable<(Component, double)> Nodes(Ranking ranking) => s_scores.Nodes(ranking).Select(node => (node.Key, node.Value));
    }

    [Fact]
    public void Circuits_are_compared_edge_by_edge_and_node_by_node()
    {
        CircuitComparison both = CircuitComparison.Of(
            Of("embed->a0.h0.v", "a0.h0->logits", "embed->logits"), Of("embed->a0.h0.v", "embed->m0"));
        Assert.Equal(new SetComparison(1, 2, 1, 4), both.Edges);
        Assert.Equal(new SetComparison(1, 0, 1, 0), both.Nodes);
        Assert.Equal((1.0 / 3, 0.5, 0.25), (both.Edges.Precision, both.Edges.Recall, both.Edges.Overlap));
        Assert.Equal((1, 0.5, 0.5), (both.Nodes.Precision, both.Nodes.Recall, both.Nodes.Overlap));
        Assert.Equal(
            [
                "       found  of them right  missed  precision  recall  overlap",
                "edges      3              1       1      0.333   0.500    0.250",
                "nodes      1              1       1      1.000   0.500    0.500",
                "",
            ],
            $"{both}".Split('\n'));
        Assert.Equal(double.NaN, CircuitComparison.Of(Circuit.None(s_graph), Circuit.All(s_graph)).Edges.Precision);
        Assert.Throws<ArgumentException>(() => CircuitComparison.Of(Circuit.None(s_graph), Circuit.None(new(2, 1))));
    }

    private static Circuit Of(params string[] edges) => new(s_graph, edges.Select(Edge.Parse));
}
