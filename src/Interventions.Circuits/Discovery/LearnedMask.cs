using System.Collections.Immutable;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>What was learned by gates.</summary>
/// <param name="Scores">
/// The chance of each edge to be open, from 0 to 1: <see cref="Ranking.MostPositive"/> has the open ones first. These are chances, not
/// effects.
/// </param>
/// <param name="Circuit">The edges that are rather open than closed.</param>
/// <param name="Metrics">
/// The metric at each step, with the gates that were drawn: it falls as they are learned, and rises as they close.
/// </param>
public sealed record LearnedMask(EdgeScores Scores, Circuit Circuit, ImmutableArray<double> Metrics)
{
    private const int Printed = 10;

    /// <summary>The circuit's size, the metric, and the edges that are open most surely.</summary>
    public override string ToString()
    {
        string[] metrics = ShortNumbers.Format([Metrics[0], Metrics[^1]]);
        Edge[] edges = [.. Scores.Ranked(Ranking.MostPositive).Where(Circuit.Contains)];
        TextTable table = new(new TextColumn("edge"), new TextColumn("open", IsNumber: true));
        foreach (Edge edge in edges.Take(Printed))
            table.Add($"{edge}", FormattableString.Invariant($"{Scores[edge]:0.000}"));
        return $"{Circuit}; metric {metrics[0]} to {metrics[1]} in {TextTable.Count(Metrics.Length, "step")}\n"
            + (edges.Length > 0 ? table.Print() : "")
            + TextTable.Others(edges.Length - Printed, "edge");
    }
}
