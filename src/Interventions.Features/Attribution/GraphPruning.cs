using System.Collections.Immutable;

namespace Interventions.Features;

/// <summary>
/// Takes nodes and edges of little influence out of a graph, by the rules of circuit-tracer, so that both keep the same parts.
/// </summary>
internal sealed class GraphPruning
{
    private readonly AttributionGraph _graph;
    private readonly double _nodes, _edges;
    private readonly bool[] _keeps;
    private readonly bool[][] _keepsEdge;

    public GraphPruning(AttributionGraph graph, double nodes, double edges)
    {
        foreach ((string name, double share) in new[] { (nameof(nodes), nodes), (nameof(edges), edges) })
            if (!(share is >= 0 and <= 1))
                throw new ArgumentOutOfRangeException(name, share, "A share is a number from 0 to 1.");
        (_graph, _nodes, _edges) = (graph, nodes, edges);
        _keeps = new bool[graph.Nodes.Length];
        _keepsEdge = [.. graph.Terms.Select(_ => new bool[graph.SourceCount])];
    }

    public PrunedGraph Run()
    {
        double least = Threshold(_graph.Influences, _nodes);
        for (int place = 0; place < _keeps.Length; place++)
            _keeps[place] = _graph.Influences[place] >= least
                || _graph.Nodes[place].Kind is AttributionNodeKind.Token or AttributionNodeKind.Logit;
        KeepEdges();
        while (TakeAwayDeadEnds())
        {
            // Each round may leave others without inputs or outputs.
        }
        double[] order = Cumulative(_graph.Influences);
        ImmutableArray<AttributionEdge> edges =
        [
            .. from row in Enumerable.Range(0, _keepsEdge.Length)
               from source in Enumerable.Range(0, _graph.SourceCount)
               where _keepsEdge[row][source]
               select new AttributionEdge(_graph.Nodes[source], _graph.Nodes[_graph.PlaceOf(row)], _graph.Row(row)[source]),
        ];
        return new PrunedGraph(
            _graph, [.. _graph.Nodes.Where((_, place) => _keeps[place])], [.. order.Where((_, place) => _keeps[place])], edges,
            (_nodes, _edges));
    }

    /// <summary>The value of the last of the largest values that together have a share of the sum.</summary>
    internal static double Threshold(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.OrderDescending()];
        double sum = sorted.Sum(), taken = 0;
        foreach (double value in sorted)
            if ((taken += value) / sum >= share)
                return value;
        return sorted.LastOrDefault();
    }

    /// <summary>Of each value the share of the sum that it has together with all larger ones.</summary>
    private static double[] Cumulative(ImmutableArray<double> values)
    {
        double[] shares = new double[values.Length];
        double sum = values.Sum(), taken = 0;
        foreach (int place in Enumerable.Range(0, values.Length).OrderByDescending(place => values[place]))
            shares[place] = (taken += values[place]) / sum;
        return shares;
    }

    /// <summary>Keeps edges between kept nodes by their share of the influence that is left. An edge of weight 0 is none.</summary>
    private void KeepEdges()
    {
        double[][] shares = GraphInfluence.Shares(_graph, (row, source) => _keeps[_graph.PlaceOf(row)] && _keeps[source]);
        double[] influence = GraphInfluence.Of(_graph, shares);
        for (int row = 0; row < shares.Length; row++)
            for (int source = 0; source < shares[row].Length; source++)
                shares[row][source] *= GraphInfluence.Weight(_graph, row, influence);
        double least = Threshold(shares.SelectMany(row => row).Where(score => score > 0), _edges);
        for (int row = 0; row < shares.Length; row++)
            for (int source = 0; source < shares[row].Length; source++)
                _keepsEdge[row][source] = shares[row][source] > 0 && shares[row][source] >= least;
    }

    /// <summary>Takes away features without inputs, and features and errors without outputs; whether there were any.</summary>
    private bool TakeAwayDeadEnds()
    {
        bool wasAny = false;
        for (int place = 0; place < _graph.SourceCount; place++)
        {
            AttributionNodeKind kind = _graph.Nodes[place].Kind;
            if (!_keeps[place] || kind == AttributionNodeKind.Token)
                continue;
            bool hasOutput = _keepsEdge.Any(row => row[place]);
            bool hasInput = kind != AttributionNodeKind.Feature || _keepsEdge[place].Any(keeps => keeps);
            if (hasOutput && hasInput)
                continue;
            (_keeps[place], wasAny) = (false, true);
            foreach (bool[] row in _keepsEdge)
                row[place] = false;
            if (kind == AttributionNodeKind.Feature)
                Array.Clear(_keepsEdge[place]);
        }
        return wasAny;
    }
}
