using System.Collections.Immutable;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>Which scores come first.</summary>
public enum Ranking
{
    /// <summary>The largest, whatever their sign.</summary>
    Absolute,

    /// <summary>
    /// The most negative: edges without which the metric falls. These carry a metric that is better the larger it is, such as the logit
    /// difference.
    /// </summary>
    MostNegative,

    /// <summary>The most positive: edges without which the metric rises. These carry a metric that is better the smaller it is.</summary>
    MostPositive,
}

/// <summary>
/// A number for every edge of a model: how much the metric changes without the edge, M(without it) − M(clean), exactly or to first order.
/// </summary>
public sealed partial class EdgeScores
{
    private const int Printed = 10;

    private readonly double[] _means;
    private readonly double[][] _prompts;

    /// <summary>Scores of some prompts.</summary>
    /// <param name="graph">The model's graph.</param>
    /// <param name="prompts">Of each prompt a score for every edge, in the graph's order.</param>
    /// <exception cref="ArgumentException">There is no prompt, scores are missing, or one is no number.</exception>
    public EdgeScores(CircuitGraph graph, IEnumerable<IReadOnlyCollection<double>> prompts)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(prompts);
        Graph = graph;
        _prompts = [.. prompts.Select(scores => scores.ToArray())];
        if (_prompts.Length == 0)
            throw new ArgumentException("There is no prompt.", nameof(prompts));
        foreach (double[] scores in _prompts)
        {
            if (scores.Length != graph.EdgeCount)
                throw new ArgumentException($"There are {scores.Length} scores for {graph.EdgeCount} edges.", nameof(prompts));
            if (Array.FindIndex(scores, score => !double.IsFinite(score)) is >= 0 and int wrong)
                throw new ArgumentException($"The score of '{graph.Edges.ElementAt(wrong)}' is {scores[wrong]}.", nameof(prompts));
        }
        _means = [.. Enumerable.Range(0, graph.EdgeCount).Select(edge => _prompts.Sum(scores => scores[edge]) / _prompts.Length)];
    }

    /// <summary>The model's graph.</summary>
    public CircuitGraph Graph { get; }

    /// <summary>What may be a slip: answers that lack a space, means over few prompts.</summary>
    public ImmutableArray<string> Warnings { get; internal init; } = [];

    /// <summary>The number of prompts.</summary>
    public int PromptCount => _prompts.Length;

    /// <summary>The mean over prompts of every edge, in the graph's order.</summary>
    public IReadOnlyList<double> Means => _means;

    /// <summary>An edge's mean over prompts.</summary>
    /// <exception cref="ArgumentException">The graph lacks the edge.</exception>
    public double this[Edge edge] => _means[Graph.IndexOf(edge)];

    /// <summary>The standard error of an edge's mean over prompts; NaN of one prompt.</summary>
    /// <exception cref="ArgumentException">The graph lacks the edge.</exception>
    public double StandardError(Edge edge)
    {
        int place = Graph.IndexOf(edge);
        return Spread.StandardError([.. _prompts.Select(scores => scores[place])]);
    }

    /// <summary>The scores of one prompt, in the graph's order.</summary>
    /// <param name="prompt">Its number.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such prompt.</exception>
    public IReadOnlyList<double> OfPrompt(int prompt)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(prompt);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(prompt, PromptCount);
        return _prompts[prompt];
    }

    /// <summary>The circuit of the first edges of a ranking by means. Equal scores keep the graph's order.</summary>
    /// <param name="count">How many edges, from 0 to all.</param>
    /// <param name="ranking">Which come first.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer edges.</exception>
    public Circuit Top(int count, Ranking ranking = Ranking.Absolute)
    {
        Check(count);
        return new Circuit(Graph, Ranked(ranking).Take(count));
    }

    /// <summary>
    /// A circuit that grows from the logits: again and again the first edge of the ranking among those that enter a component of the
    /// circuit. So each of its edges is on a path to the logits, though maybe not on one from the embedding. Equal scores keep the graph's
    /// order.
    /// </summary>
    /// <param name="count">How many edges, from 0 to all.</param>
    /// <param name="ranking">Which come first.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer edges.</exception>
    public Circuit Greedy(int count, Ranking ranking = Ranking.Absolute)
    {
        Check(count);
        (Edge Edge, int Place)[] edges = [.. Graph.Edges.Select((edge, place) => (edge, place))];
        ILookup<Component, (Edge Edge, int Place)> into = edges.ToLookup(edge => edge.Edge.Target.Component);
        PriorityQueue<Edge, (double, int)> candidates = new();
        HashSet<Component> entered = [];
        List<Edge> chosen = [];
        Enter(Component.Logits);
        while (chosen.Count < count && candidates.TryDequeue(out Edge best, out _))
        {
            chosen.Add(best);
            Enter(best.Source);
        }
        return new Circuit(Graph, chosen);

        void Enter(Component component)
        {
            if (!entered.Add(component))
                return;
            foreach ((Edge edge, int place) in into[component])
                candidates.Enqueue(edge, (Key(_means[place], ranking), place));
        }
    }

    /// <summary>All edges, the first ones first. Equal scores keep the graph's order.</summary>
    /// <param name="ranking">Which come first.</param>
    public IEnumerable<Edge> Ranked(Ranking ranking = Ranking.Absolute) =>
        Graph.Edges.Zip(_means).OrderBy(edge => Key(edge.Second, ranking)).Select(edge => edge.First);

    /// <summary>
    /// The score of each head and feed-forward block: that of the first in the ranking among the edges into it and out of it. So cutting
    /// nodes at a score gives the nodes that the edges down to that score join.
    /// </summary>
    /// <param name="ranking">Which edges come first.</param>
    public IReadOnlyDictionary<Component, double> Nodes(Ranking ranking = Ranking.Absolute)
    {
        OrderedDictionary<Component, double> nodes = [];
        foreach (Component node in Graph.Sources.Where(source => source != Component.Embed))
            nodes.Add(node, double.NaN);
        foreach ((Edge edge, double score) in Graph.Edges.Zip(_means))
            foreach (Component node in (ReadOnlySpan<Component>)[edge.Source, edge.Target.Component])
                if (nodes.TryGetValue(node, out double first) && !(Key(score, ranking) >= Key(first, ranking)))
                    nodes[node] = score;
        return nodes;
    }

    /// <summary>The ten edges with the largest scores and their standard errors, as a table, and the warnings.</summary>
    public override string ToString()
    {
        Edge[] edges = [.. Ranked()];
        string[] numbers = ShortNumbers.Format([.. edges.Take(Printed).Select(edge => this[edge])], isSigned: true);
        string[] errors = Spread.Format([.. edges.Take(Printed).Select(StandardError)]);
        TextTable table = new(new("edge"), new("score", IsNumber: true), new("±", IsNumber: true));
        for (int i = 0; i < numbers.Length; i++)
            table.Add($"{edges[i]}", numbers[i], errors[i]);
        return table.Print() + TextTable.Others(edges.Length - Printed, "edge") + KeptTable.OfWarnings(Warnings);
    }

    /// <summary>The key of an edge by its place; smaller comes first.</summary>
    internal double Key(int edge, Ranking ranking) => Key(_means[edge], ranking);

    /// <summary>The key of a score; smaller comes first.</summary>
    internal static double Key(double score, Ranking ranking) => ranking switch
    {
        Ranking.Absolute => -Math.Abs(score),
        Ranking.MostNegative => score,
        Ranking.MostPositive => -score,
        _ => throw new ArgumentOutOfRangeException(nameof(ranking), ranking, "There is no such ranking."),
    };

    private void Check(int count)
    {
        if (count < 0 || count > Graph.EdgeCount)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"The graph has {Graph.EdgeCount} edges.");
    }
}
