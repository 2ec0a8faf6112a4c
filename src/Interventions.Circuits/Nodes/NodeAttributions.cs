using System.Collections;
using System.Collections.Immutable;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>Scores of nodes of several kinds.</summary>
public sealed class NodeAttributions : IReadOnlyList<NodeScores>
{
    private const int Printed = 12;

    private readonly ImmutableArray<NodeScores> _scores;
    private readonly ImmutableArray<ImmutableArray<NodeScores>> _blocks;

    internal NodeAttributions(ImmutableArray<NodeScores> scores, ImmutableArray<ImmutableArray<NodeScores>> blocks) =>
        (_scores, _blocks) = (scores, blocks);

    /// <summary>What may be a slip: a metric without a slope in the clean run.</summary>
    public ImmutableArray<string> Warnings => [.. Slope.Warnings(_scores.SelectMany(scores => scores.Magnitudes).Where(double.IsFinite))];

    /// <summary>The number of kinds.</summary>
    public int Count => _scores.Length;

    /// <summary>The scores of the kind of a number.</summary>
    public NodeScores this[int index] => _scores[index];

    /// <summary>The scores of a kind.</summary>
    /// <exception cref="ArgumentException">It was not asked for.</exception>
    public NodeScores this[NodeKind kind] => _scores[PlaceOf(kind)];

    /// <summary>
    /// With dropped blocks, the estimates of a kind with each layer's write constant, by layer; their absolute values make the scores. None
    /// without.
    /// </summary>
    /// <param name="kind">The kind.</param>
    /// <exception cref="ArgumentException">It was not asked for.</exception>
    public ImmutableArray<NodeScores> ByBlock(NodeKind kind) => _blocks[PlaceOf(kind)];

    /// <summary>The nodes of all kinds with the largest absolute changes.</summary>
    /// <param name="count">How many.</param>
    public IReadOnlyList<NodeScore> Top(int count) =>
        [.. _scores.SelectMany(scores => scores.Top(count)).OrderByDescending(node => node.Magnitude).Take(count)];

    /// <inheritdoc/>
    public IEnumerator<NodeScores> GetEnumerator() => _scores.AsEnumerable().GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The twelve nodes with the largest absolute changes, as a table, and the warnings.</summary>
    public override string ToString()
    {
        IReadOnlyList<NodeScore> top = Top(Printed);
        string[] means = ShortNumbers.Format([.. top.Select(node => node.Mean)], isSigned: true);
        string[] magnitudes = ShortNumbers.Format([.. top.Select(node => node.Magnitude)]);
        TextTable table = new(new("node"), new("place"), new("mean", IsNumber: true), new("mean of |x|", IsNumber: true));
        foreach ((NodeScore node, int i) in top.Select((node, i) => (node, i)))
            table.Add($"{node.Kind}", node.Place, means[i], magnitudes[i]);
        int others = _scores.Sum(scores => scores.Count) - top.Count;
        return table.Print() + TextTable.Others(others, "node") + KeptTable.OfWarnings(Warnings);
    }

    private int PlaceOf(NodeKind kind)
    {
        int place = _scores.ToList().FindIndex(scores => scores.Kind == kind);
        return place >= 0 ? place : throw new ArgumentException(
            $"{kind} was not asked for; there are {string.Join(", ", _scores.Select(scores => scores.Kind))}.", nameof(kind));
    }
}
