using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>A circuit beside a reference, such as the one that was found by hand.</summary>
/// <param name="Edges">Their edges.</param>
/// <param name="Nodes">The heads and feed-forward blocks that their edges join.</param>
public sealed record CircuitComparison(SetComparison Edges, SetComparison Nodes)
{
    /// <summary>Compares two circuits of one model.</summary>
    /// <param name="found">The circuit.</param>
    /// <param name="reference">The reference.</param>
    /// <exception cref="ArgumentException">They are of different models.</exception>
    public static CircuitComparison Of(Circuit found, Circuit reference)
    {
        ArgumentNullException.ThrowIfNull(found);
        ArgumentNullException.ThrowIfNull(reference);
        return new CircuitComparison(
            Compared((found & reference).Count, found.Count, reference.Count, found.Graph.EdgeCount),
            Compared(
                found.Nodes.Intersect(reference.Nodes).Count(), found.Nodes.Count(), reference.Nodes.Count(),
                found.Graph.Sources.Length - 1));

        static SetComparison Compared(int both, int found, int reference, int all) =>
            new(both, found - both, reference - both, all - found - reference + both);
    }

    /// <summary>A table of edges and nodes.</summary>
    public override string ToString()
    {
        TextTable table = new(
            new TextColumn(""), new TextColumn("found", IsNumber: true), new TextColumn("of them right", IsNumber: true),
            new TextColumn("missed", IsNumber: true), new TextColumn("precision", IsNumber: true), new TextColumn("recall", IsNumber: true),
            new TextColumn("overlap", IsNumber: true));
        foreach ((string name, SetComparison set) in (ReadOnlySpan<(string, SetComparison)>)[("edges", Edges), ("nodes", Nodes)])
            table.Add(
                name, $"{set.TruePositives + set.FalsePositives}", $"{set.TruePositives}", $"{set.FalseNegatives}", Short(set.Precision),
                Short(set.Recall), Short(set.Overlap));
        return table.Print();

        static string Short(double part) => FormattableString.Invariant($"{part:0.000}");
    }
}

/// <summary>A set that was found beside a reference.</summary>
/// <param name="TruePositives">How many things both have.</param>
/// <param name="FalsePositives">How many were found that the reference lacks.</param>
/// <param name="FalseNegatives">How many the reference has that were not found.</param>
/// <param name="TrueNegatives">How many neither has.</param>
public sealed record SetComparison(int TruePositives, int FalsePositives, int FalseNegatives, int TrueNegatives)
{
    /// <summary>The part of what was found that the reference has; NaN where nothing was found.</summary>
    public double Precision => TruePositives / (double)(TruePositives + FalsePositives);

    /// <summary>The part of the reference that was found; NaN where it is empty.</summary>
    public double Recall => TruePositives / (double)(TruePositives + FalseNegatives);

    /// <summary>The part of what either has that both have, intersection over union; NaN where both are empty.</summary>
    public double Overlap => TruePositives / (double)(TruePositives + FalsePositives + FalseNegatives);
}
