namespace Interventions.Features;

/// <summary>
/// Influence in a graph: each target's inputs have shares, by the absolute value of their effects; the influence of a source is the sum
/// over all paths to the logits of the products of shares, times the logit's probability.
/// </summary>
internal static class GraphInfluence
{
    /// <summary>The influence of every node of a graph.</summary>
    public static double[] Of(AttributionGraph graph) => Of(graph, Shares(graph, (_, _) => true));

    /// <summary>The shares of every target's inputs, of the edges that count.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="counts">Whether an edge counts: by the target's row and the source's place.</param>
    public static double[][] Shares(AttributionGraph graph, Func<int, int, bool> counts)
    {
        double[][] shares = new double[graph.Terms.Length][];
        for (int row = 0; row < shares.Length; row++)
        {
            double[] effects = graph.Row(row);
            double[] sizes = new double[effects.Length];
            for (int source = 0; source < sizes.Length; source++)
                sizes[source] = counts(row, source) ? Math.Abs(effects[source]) : 0;
            double sum = sizes.Sum();
            for (int source = 0; sum > 0 && source < sizes.Length; source++)
                sizes[source] /= sum;
            shares[row] = sizes;
        }
        return shares;
    }

    /// <summary>The influence of every node, by shares: the logits' own is 0.</summary>
    public static double[] Of(AttributionGraph graph, double[][] shares)
    {
        double[] influence = new double[graph.Nodes.Length];
        // Features are in the order of layers, so all that a feature hands its influence on from is complete before it.
        for (int row = shares.Length - 1; row >= 0; row--)
        {
            double weight = Weight(graph, row, influence);
            for (int source = 0; weight != 0 && source < shares[row].Length; source++)
                influence[source] += weight * shares[row][source];
        }
        return influence;
    }

    /// <summary>The influence of a row's target, and for a logit its probability.</summary>
    public static double Weight(AttributionGraph graph, int row, double[] influence) =>
        row < graph.FeatureCount ? influence[row] : graph.Nodes[graph.PlaceOf(row)].Probability;

    /// <inheritdoc cref="AttributionGraph.ReplacementScore"/>
    public static double ReplacementScore(AttributionGraph graph)
    {
        double tokens = Sum(AttributionNodeKind.Token), errors = Sum(AttributionNodeKind.Error);
        return tokens / (tokens + errors);

        double Sum(AttributionNodeKind kind) =>
            graph.Nodes.Zip(graph.Influences).Where(pair => pair.First.Kind == kind).Sum(pair => pair.Second);
    }

    /// <inheritdoc cref="AttributionGraph.CompletenessScore"/>
    public static double CompletenessScore(AttributionGraph graph)
    {
        double[] influence = [.. graph.Influences];
        double[][] shares = Shares(graph, (_, _) => true);
        (double explained, double all) = (0, 0);
        for (int row = 0; row < shares.Length; row++)
        {
            double weight = Weight(graph, row, influence), errors = 0;
            for (int source = 0; source < shares[row].Length; source++)
                if (graph.Nodes[source].Kind == AttributionNodeKind.Error)
                    errors += shares[row][source];
            (explained, all) = (explained + (weight * (1 - errors)), all + weight);
        }
        // Errors and tokens have no inputs, so none of these comes from an error.
        for (int source = graph.FeatureCount; source < graph.SourceCount; source++)
            (explained, all) = (explained + influence[source], all + influence[source]);
        return explained / all;
    }
}
