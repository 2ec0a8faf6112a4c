using System.Collections.Immutable;
using System.Globalization;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>A probe of few columns.</summary>
/// <param name="Columns">The columns, the highest ranked first.</param>
/// <param name="Train">How it does on the rows that it was fitted to.</param>
/// <param name="Test">How it does on others.</param>
public sealed record SparsePoint(ImmutableArray<int> Columns, ProbeMetrics Train, ProbeMetrics Test);

/// <summary>How well more and more columns tell classes apart.</summary>
/// <param name="Ranking">By what columns were chosen.</param>
/// <param name="Points">The probes, those of fewer columns first.</param>
public sealed record SparseCurve(string Ranking, ImmutableArray<SparsePoint> Points)
{
    /// <summary>
    /// How many columns the ranking gives more than 0; the others follow by their numbers. Null where each k has its own ranking.
    /// </summary>
    public int? Ranked { get; init; }

    /// <summary>The probe of so many columns.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public SparsePoint this[int k] => Points.FirstOrDefault(point => point.Columns.Length == k) ?? throw new ArgumentException(
        $"There is no probe of {k} columns, only of {TextTable.First([.. Points.Select(one => one.Columns.Length)])}.");

    /// <summary>Writes a row a probe: <c>k, columns</c>, and metrics of both sides.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, ["k", "columns", .. ProbeColumns.Names("train"), .. ProbeColumns.Names("test")],
        Points.Select(point => (string[])
        [
            ProbeColumns.Text(point.Columns.Length), string.Join(' ', point.Columns.Select(ProbeColumns.Text)),
            .. ProbeColumns.Values(point.Train), .. ProbeColumns.Values(point.Test),
        ]));

    /// <summary>A line a probe: the columns that it adds to the one before, and how it does on other rows.</summary>
    public override string ToString()
    {
        TextTable table = new(
            new("k", true), new("first columns"), new("F1", true), new("MCC", true), new("ROC-AUC", true), new("train F1", true));
        foreach (SparsePoint point in Points)
            table.Add(
                ProbeColumns.Text(point.Columns.Length), TextTable.First([.. point.Columns]), ProbeColumns.Short(point.Test.F1),
                ProbeColumns.Short(point.Test.Mcc), ProbeColumns.Short(point.Test.RocAuc), ProbeColumns.Short(point.Train.F1));
        string note = Ranked is { } ranked && Points.Any(point => point.Columns.Length > ranked)
            ? TextTable.Wrap($"{Ranking} says something of {TextTable.Count(ranked, "column")}; others follow by their numbers.", 2) + "\n"
            : "";
        return $"{Ranking}\n{table.Print()}{note}";
    }
}

/// <summary>Metrics of probes as cells of tables and files.</summary>
internal static class ProbeColumns
{
    private static readonly (string Name, Func<ProbeMetrics, double> Of)[] s_all =
    [
        ("accuracy", metrics => metrics.Accuracy), ("precision", metrics => metrics.Precision), ("recall", metrics => metrics.Recall),
        ("f1", metrics => metrics.F1), ("mcc", metrics => metrics.Mcc), ("roc_auc", metrics => metrics.RocAuc),
        ("average_precision", metrics => metrics.AveragePrecision), ("pr_auc", metrics => metrics.PrAuc),
    ];

    public static IEnumerable<string> Names(string side) => s_all.Select(column => $"{side}_{column.Name}");

    public static IEnumerable<string> Values(ProbeMetrics metrics) =>
        s_all.Select(column => column.Of(metrics).ToString("R", CultureInfo.InvariantCulture));

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    public static string Short(double number) => number.ToString("0.000", CultureInfo.InvariantCulture);
}
