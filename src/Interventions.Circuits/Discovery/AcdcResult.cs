using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Interventions.Files;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>One edge that <see cref="Acdc"/> visited.</summary>
/// <param name="Edge">The edge.</param>
/// <param name="Candidate">
/// The metric without it; null where it was not measured, because its reader had no way to the logits any more.
/// </param>
/// <param name="IsRemoved">Whether it was removed for good.</param>
/// <param name="Metric">The metric after the decision.</param>
public sealed record AcdcStep(Edge Edge, double? Candidate, bool IsRemoved, double Metric);

/// <summary>The circuit that <see cref="Acdc"/> found, and every decision on the way.</summary>
public sealed class AcdcResult
{
    private const int Printed = 10;

    private static readonly ImmutableArray<(AcdcOrder Order, string Name)> s_orders =
        [(AcdcOrder.LettersFirst, "letters_first"), (AcdcOrder.HeadsFirst, "heads_first")];

    internal AcdcResult(CircuitGraph graph, double threshold, AcdcOrder order, double initial, ImmutableArray<AcdcStep> steps)
    {
        (Graph, Threshold, Order, InitialMetric, Steps) = (graph, threshold, order, initial, steps);
        bool[] kept = [.. Enumerable.Repeat(true, graph.EdgeCount)];
        foreach (AcdcStep step in steps)
            kept[graph.IndexOf(step.Edge)] = !step.IsRemoved;
        BeforeCleaning = new Circuit(graph, [.. kept]);
    }

    /// <summary>The model's graph.</summary>
    public CircuitGraph Graph { get; }

    /// <summary>The threshold.</summary>
    public double Threshold { get; }

    /// <summary>The order in which ports were visited.</summary>
    public AcdcOrder Order { get; }

    /// <summary>Whether changes of either sign counted.</summary>
    public bool Absolute { get; internal init; }

    /// <summary>
    /// Whether edges on no path from the embedding to the logits were taken away at the end; not where removed edges carry 0, since that
    /// would change the output.
    /// </summary>
    public bool IsCleaned { get; internal init; } = true;

    /// <summary>The circuit.</summary>
    public Circuit Circuit => IsCleaned ? BeforeCleaning.Pruned() : BeforeCleaning;

    /// <summary>The edges that no decision removed.</summary>
    public Circuit BeforeCleaning { get; }

    /// <summary>The decisions, in their order.</summary>
    public ImmutableArray<AcdcStep> Steps { get; }

    /// <summary>The metric of the whole model.</summary>
    public double InitialMetric { get; }

    /// <summary>The metric of the circuit.</summary>
    public double FinalMetric => Steps.IsEmpty ? InitialMetric : Steps[^1].Metric;

    /// <summary>What may be a slip: a metric that got far smaller, and so better, as edges went.</summary>
    public ImmutableArray<string> Warnings => InitialMetric - FinalMetric > Math.Abs(InitialMetric) / 2
        ? [string.Create(
            CultureInfo.InvariantCulture,
            $"The metric fell from {InitialMetric:g4} to {FinalMetric:g4} as edges went, and lower counts as better. Of a metric that is "
                + $"better the larger it is, say {nameof(AcdcOptions)}.{nameof(AcdcOptions.HigherIsBetter)}.")]
        : [];

    /// <summary>How many edges were measured, each by a run.</summary>
    public int Evaluations => Steps.Count(step => step.Candidate is not null);

    /// <summary>Reads a file that <see cref="Save"/> or a search wrote.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InterventionException">It is no search, or one that was stopped.</exception>
    public static AcdcResult Load(string path)
    {
        (AcdcResult result, _) = Read(File.ReadAllText(path), path);
        return result.Steps.Length == result.Graph.EdgeCount
            ? result
            : throw new InterventionException(
                $"'{path}' is a search that was stopped after {result.Steps.Length} of {result.Graph.EdgeCount} edges: go on with it by "
                + $"{nameof(AcdcOptions)}.{nameof(AcdcOptions.Path)}.");
    }

    /// <summary>
    /// Writes the decisions as JSON: <c>edges</c>, <c>candidates</c> (NaN where not measured), <c>removed</c>, <c>metrics</c>.
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void Save(string path) => Write(path, null);

    /// <summary>
    /// Writes the decisions as comma-separated values: <c>edge</c>, <c>candidate</c> (empty where not measured), <c>removed</c>,
    /// <c>metric</c>.
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(path, ["edge", "candidate", "removed", "metric"], Steps.Select(step => (string[])
    [
        $"{step.Edge}", step.Candidate?.ToString("R", CultureInfo.InvariantCulture) ?? "", step.IsRemoved ? "1" : "0",
        step.Metric.ToString("R", CultureInfo.InvariantCulture),
    ]));

    /// <summary>The circuit's size, the metric, the edges whose removal would have changed it most, and the warnings.</summary>
    public override string ToString()
    {
        string[] metrics = ShortNumbers.Format([InitialMetric, FinalMetric]);
        StringBuilder text = new(
            FormattableString.Invariant($"{Circuit}; threshold {Threshold:g4}, metric {metrics[0]} to {metrics[1]}\n"));
        AcdcStep[] kept = [.. Steps.Where(step => !step.IsRemoved).OrderByDescending(Change)];
        string[] changes = ShortNumbers.Format([.. kept.Take(Printed).Select(Change)], isSigned: true);
        TextTable table = new(new TextColumn("edge"), new TextColumn("without", IsNumber: true));
        for (int i = 0; i < changes.Length; i++)
            table.Add($"{kept[i].Edge}", changes[i]);
        text.Append(kept.Length > 0 ? table.Print() : "");
        return text.Append(TextTable.Others(kept.Length - Printed, "edge")).Append(KeptTable.OfWarnings(Warnings)).ToString();

        static double Change(AcdcStep step) => step.Candidate!.Value - step.Metric;
    }

    internal static (AcdcResult Result, WorkOrigin? Origin) Read(string json, string path) =>
        StoredJson.Read(json, $"'{path}' is no search", fields => Fields(fields, null, null));

    internal void Write(string path, WorkOrigin? origin) => StoredJson.Write(path, fields => Fields(fields, this, origin));

    private static (AcdcResult, WorkOrigin?) Fields(JsonFields fields, AcdcResult? result, WorkOrigin? origin)
    {
        origin = WorkOrigin.Fields(fields, origin);
        CircuitGraph graph = CircuitGraph.Fields(fields, result?.Graph);
        double threshold = fields.Number("threshold", result?.Threshold);
        string order = fields.Text("order", result is null ? null : s_orders.First(known => known.Order == result.Order).Name);
        bool absolute = fields.Truth("absolute", result?.Absolute), isCleaned = fields.Truth("cleaned", result?.IsCleaned);
        double initial = fields.Number("initial", result?.InitialMetric);
        ImmutableArray<AcdcStep> steps = result?.Steps ?? [];
        ImmutableArray<string> edges = fields.Texts("edges", [.. steps.Select(step => $"{step.Edge}")]);
        ImmutableArray<double> candidates = fields.Numbers("candidates", [.. steps.Select(step => step.Candidate ?? double.NaN)]);
        ImmutableArray<int> removed = fields.Integers("removed", [.. steps.Select(step => step.IsRemoved ? 1 : 0)]);
        ImmutableArray<double> metrics = fields.Numbers("metrics", [.. steps.Select(step => step.Metric)]);
        if (result is not null)
            return (result, origin);
        int known = s_orders.Select(one => one.Name).ToList().IndexOf(order);
        if (known < 0)
            throw fields.Wrong($"'{order}' is no order");
        if (candidates.Length != edges.Length || removed.Length != edges.Length || metrics.Length != edges.Length)
            throw fields.Wrong("its lists are not equally long");
        steps = [.. edges.Select((edge, i) => new AcdcStep(
            Edge.Parse(edge), double.IsNaN(candidates[i]) ? null : candidates[i], removed[i] != 0, metrics[i]))];
        return (
            new AcdcResult(graph, threshold, s_orders[known].Order, initial, steps) { Absolute = absolute, IsCleaned = isCleaned }, origin);
    }
}
