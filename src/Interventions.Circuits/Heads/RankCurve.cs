using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// What a model does when queries, keys or values have few dimensions left: metrics against the rank of a projection (the case study of
/// Lieberum et al. 2023 on Chinchilla). Prompts with other labels show how far the dimensions carry: found on one set, tried on another.
/// </summary>
public sealed class RankCurve
{
    private const string Rank = "rank";

    private readonly Dictionary<string, double[][]> _values; // [rank][prompt]
    private readonly Dictionary<string, double[]> _unchanged;

    private RankCurve(ImmutableArray<int> ranks, Dictionary<string, double[][]> values, Dictionary<string, double[]> unchanged) =>
        (Ranks, _values, _unchanged) = (ranks, values, unchanged);

    /// <summary>The ranks, in the order as they were asked for.</summary>
    public ImmutableArray<int> Ranks { get; }

    /// <summary>The names of the metrics.</summary>
    public IReadOnlyList<string> Metrics => [.. _values.Keys];

    /// <summary>A metric's mean over prompts at each rank.</summary>
    /// <exception cref="ArgumentException">There is no such metric.</exception>
    public IReadOnlyList<double> this[string metric] => [.. MetricsAlone.Of(_values, metric).Select(ofRank => ofRank.Average())];

    /// <summary>A metric's numbers at a rank, one a prompt.</summary>
    /// <exception cref="ArgumentException">There is no such metric or rank.</exception>
    public IReadOnlyList<double> OfPrompts(string metric, int rank) => Ranks.IndexOf(rank) is >= 0 and int place
        ? MetricsAlone.Of(_values, metric)[place]
        : throw new ArgumentException($"Rank {rank} was not measured; there are {string.Join(", ", Ranks)}.", nameof(rank));

    /// <summary>A metric's mean over prompts in the model as it is.</summary>
    /// <exception cref="ArgumentException">There is no such metric.</exception>
    public double Unchanged(string metric) => MetricsAlone.Of(_unchanged, metric).Average();

    /// <summary>Measures metrics while the values of sites are projected, all of them to one rank at a time.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, such as those with other labels.</param>
    /// <param name="metric">A declaration with metrics and nothing else: a loss, the accuracy among labels.</param>
    /// <param name="subspaces">The subspaces, by the site paths that are projected: <c>[(found.Site!, found)]</c>.</param>
    /// <param name="ranks">The ranks; every one from 0 to the narrowest site's width unless they are given.</param>
    /// <param name="changes">The run of the prompt set that is changed and measured; the first unless it is given.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The declaration is not one of metrics alone, a name is not in the prompt set, or a rank is larger than a site is wide.
    /// </exception>
    public static RankCurve Of(
        HookedModel model, IPromptSet prompts, InterventionGraph metric, IReadOnlyList<(string Site, Subspace Subspace)> subspaces,
        IReadOnlyList<int>? ranks = null, string? changes = null, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(subspaces);
        InterventionGraph measured = MetricsAlone.Of(metric);
        if (subspaces.Count == 0)
            throw new InterventionException($"{nameof(RankCurve)}: there is no subspace, so nothing is projected.");
        int most = subspaces.Min(one => one.Subspace.Width);
        ranks ??= [.. Enumerable.Range(0, most + 1)];
        if (ranks.Count == 0 || ranks.Any(rank => rank < 0 || rank > most))
            throw new InterventionException(
                $"{nameof(RankCurve)}: ranks are from 0 to {most}, as wide as the narrowest site, not {string.Join(", ", ranks)}.");
        InterventionGraph graph = measured with
        {
            Name = nameof(RankCurve),
            Changes = changes,
            Sweeps = [SweepAxis.OfNumbers(Rank, [.. ranks.Select(rank => (double)rank)])],
            Writes = [.. subspaces.Select(one => one.Subspace.Projection(one.Site, Rank))],
        };
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        string from = changes ?? prompts.Vocabulary.Runs[0];
        int count = prompts.Prompts.Count;
        return new RankCurve(
            [.. ranks],
            measured.Metrics.ToDictionary(
                one => one.Name, one => run.Changed(one.Name).Values.Doubles().Chunk(count).ToArray()),
            measured.Metrics.ToDictionary(one => one.Name, one => run.Run(from)[one.Name].Doubles()));
    }

    /// <summary>Writes a row a number: <c>metric, rank, prompt, value</c>.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, ["metric", Rank, "prompt", "value"],
        from metric in Metrics
        from rank in Ranks
        from prompt in OfPrompts(metric, rank).Index()
        select (string[])
        [
            metric, Text(rank), Text(prompt.Index), prompt.Item.ToString("R", CultureInfo.InvariantCulture),
        ]);

    /// <summary>The means at each rank, and those of the model as it is, as a table.</summary>
    public override string ToString()
    {
        TextTable table = new([new TextColumn(Rank, true), .. Metrics.Select(metric => new TextColumn(metric, true))]);
        string[][] numbers = [.. Metrics.Select(metric => ShortNumbers.Format([.. this[metric], Unchanged(metric)]))];
        for (int row = 0; row <= Ranks.Length; row++)
            table.Add([row < Ranks.Length ? Text(Ranks[row]) : "model", .. numbers.Select(of => of[row])]);
        return table.Print();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
