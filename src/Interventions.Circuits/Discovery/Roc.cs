using System.Collections.Immutable;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>
/// How well circuits of all sizes agree with a reference: the part of the reference's edges that they have (true positives), over the part
/// of all other edges that they have (false positives). Of the measured points those count that no other one beats in both; (0, 0) and
/// (1, 1) belong to every curve.
/// </summary>
public sealed record Roc
{
    private const int MostRows = 20;

    private Roc(ImmutableArray<RocPoint> points) => Points = points;

    /// <summary>The curve, from (0, 0) to (1, 1): both parts ascend.</summary>
    public ImmutableArray<RocPoint> Points { get; }

    /// <summary>The area under the curve, of trapezoids: 1 for a perfect ranking, ½ for a random one.</summary>
    public double Auc => Points.Zip(Points.Skip(1)).Sum(pair =>
        (pair.Second.FalsePositives - pair.First.FalsePositives) * (pair.First.TruePositives + pair.Second.TruePositives) / 2);

    /// <summary>The curve through some points.</summary>
    /// <param name="points">Parts from 0 to 1, in any order.</param>
    /// <exception cref="ArgumentException">A part is not from 0 to 1.</exception>
    public static Roc Of(IEnumerable<RocPoint> points)
    {
        ArgumentNullException.ThrowIfNull(points);
        var best = ImmutableArray.CreateBuilder<RocPoint>();
        best.Add(new RocPoint(0, 0));
        foreach (RocPoint point in points.Append(new RocPoint(1, 1))
            .OrderBy(point => point.FalsePositives).ThenBy(point => point.TruePositives))
        {
            if (point.FalsePositives is not (>= 0 and <= 1) || point.TruePositives is not (>= 0 and <= 1))
                throw new ArgumentException($"A point of the curve has parts from 0 to 1, not {point}.", nameof(points));
            // The best so far has no more false positives: where it has more true ones, it beats the point in both.
            if (point.TruePositives >= best[^1].TruePositives && point != best[^1])
                best.Add(point);
        }
        return new Roc(best.ToImmutable());
    }

    /// <summary>Of the edges of circuits, such as those of several thresholds.</summary>
    /// <param name="found">The circuits.</param>
    /// <param name="reference">The reference: some edges, and not all.</param>
    /// <exception cref="ArgumentException">The reference has no edge or all of them, or a circuit is of another model.</exception>
    public static Roc OfEdges(IEnumerable<Circuit> found, Circuit reference) => Of(found, reference, comparison => comparison.Edges);

    /// <summary>Of the heads and feed-forward blocks that circuits' edges join; a head's queries, keys and values are one.</summary>
    /// <param name="found">The circuits.</param>
    /// <param name="reference">The reference: some heads and feed-forward blocks, and not all.</param>
    /// <exception cref="ArgumentException">The reference has no node or all of them, or a circuit is of another model.</exception>
    public static Roc OfNodes(IEnumerable<Circuit> found, Circuit reference) => Of(found, reference, comparison => comparison.Nodes);

    /// <summary>Of the edges of a ranking, cut behind every score. Equal scores are cut together.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="reference">The reference: some edges, and not all.</param>
    /// <param name="ranking">Which come first.</param>
    /// <exception cref="ArgumentException">The reference has no edge or all of them, or is of another model.</exception>
    public static Roc OfEdges(EdgeScores scores, Circuit reference, Ranking ranking = Ranking.Absolute)
    {
        Check(scores, reference);
        return Of(scores.Graph.Edges.Index().Select(edge => (scores.Key(edge.Index, ranking), reference.Contains(edge.Item))), "edge");
    }

    /// <summary>
    /// Of the heads and feed-forward blocks of a ranking: each one comes with the first of its edges, see <see cref="EdgeScores.Nodes"/>.
    /// </summary>
    /// <param name="scores">The scores.</param>
    /// <param name="reference">The reference: some heads and feed-forward blocks, and not all.</param>
    /// <param name="ranking">Which edges come first.</param>
    /// <exception cref="ArgumentException">The reference has no node or all of them, or is of another model.</exception>
    public static Roc OfNodes(EdgeScores scores, Circuit reference, Ranking ranking = Ranking.Absolute)
    {
        Check(scores, reference);
        HashSet<Component> joined = [.. reference.Components];
        return Of(scores.Nodes(ranking).Select(node => (EdgeScores.Key(node.Value, ranking), joined.Contains(node.Key))), "node");
    }

    /// <summary>The area, and the curve as a table.</summary>
    public override string ToString()
    {
        TextTable table = new(new("false positives", IsNumber: true), new("true positives", IsNumber: true));
        foreach (RocPoint point in Points)
            table.Add(Text(point.FalsePositives), Text(point.TruePositives));
        return FormattableString.Invariant($"area under the curve {Auc:0.000}\n{table.Print(MostRows)}");

        static string Text(double part) => FormattableString.Invariant($"{part:0.000}");
    }

    private static Roc Of(IEnumerable<Circuit> found, Circuit reference, Func<CircuitComparison, SetComparison> part)
    {
        ArgumentNullException.ThrowIfNull(found);
        ArgumentNullException.ThrowIfNull(reference);
        found = [.. found];
        if (!found.Any())
            throw new ArgumentException("There is no circuit to judge.", nameof(found));
        return Of(found.Select(circuit => part(CircuitComparison.Of(circuit, reference))).Select(both =>
            new RocPoint(Part(both.FalsePositives, both.TrueNegatives), Part(both.TruePositives, both.FalseNegatives))));

        double Part(int counted, int others) => counted + others > 0 ? counted / (double)(counted + others) : throw OneSided("of them");
    }

    /// <summary>The curve of things with a key each, smaller ones first, and whether the reference has them.</summary>
    private static Roc Of(IEnumerable<(double Key, bool IsTrue)> ranked, string thing)
    {
        IGrouping<double, (double Key, bool IsTrue)>[] alike = [.. ranked.GroupBy(one => one.Key).OrderBy(keys => keys.Key)];
        int trues = alike.Sum(keys => keys.Count(one => one.IsTrue)), falses = alike.Sum(keys => keys.Count()) - trues;
        if (trues == 0 || falses == 0)
            throw OneSided(thing);
        int hits = 0, alarms = 0;
        List<RocPoint> points = [];
        foreach (IGrouping<double, (double Key, bool IsTrue)> keys in alike)
        {
            hits += keys.Count(one => one.IsTrue);
            alarms += keys.Count(one => !one.IsTrue);
            points.Add(new RocPoint(alarms / (double)falses, hits / (double)trues));
        }
        return Of(points);
    }

    private static void Check(EdgeScores scores, Circuit reference)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(reference);
        if (scores.Graph != reference.Graph)
            throw new ArgumentException($"The scores are of {scores.Graph}, and the reference of {reference.Graph}.", nameof(reference));
    }

    private static ArgumentException OneSided(string thing) =>
        new($"The reference has every {thing} or none, so there is nothing to tell apart.", "reference");
}

/// <summary>A point of a <see cref="Roc"/>.</summary>
/// <param name="FalsePositives">The part of what the reference lacks that was found.</param>
/// <param name="TruePositives">The part of what the reference has that was found.</param>
public readonly record struct RocPoint(double FalsePositives, double TruePositives);
