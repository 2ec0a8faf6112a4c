using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Results;

namespace Interventions.Circuits;

/// <summary>
/// Automatic circuit discovery (Conmy et al. 2023, arXiv:2304.14997). From the logits down, every edge is taken away in turn, and stays
/// away where the metric rises by less than a threshold. A run begins at the port that is visited: all that lies before it is that of the
/// clean run, and held.
/// </summary>
/// <remarks>
/// The published program has three more edges a head, from each port to its projection (32,923 edges of GPT-2 small, where there are 32,491
/// here). Removing one of them is removing all edges into the port.
/// </remarks>
public static class Acdc
{
    /// <summary>The published thresholds of a divergence: 31 from 10⁻⁶ to 1, evenly in their logarithm.</summary>
    public static ImmutableArray<double> UsualThresholds { get; } = [.. Enumerable.Range(0, 31).Select(i => Math.Pow(10, (i / 5.0) - 6))];

    /// <summary>Searches with one threshold.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">
    /// A declaration with one metric and nothing else, which is better the smaller it is:
    /// <c>Intervention.On(model).KullbackLeibler("clean").Graph</c>. For one that is better the larger it is, see
    /// <see cref="AcdcOptions.HigherIsBetter"/>.
    /// </param>
    /// <param name="threshold">
    /// An edge is removed where the metric without it, less the metric before, is below this. +∞ removes all edges, −∞ none.
    /// </param>
    /// <param name="options">What removed edges carry, the order, and a file.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass; what the file has stays.</param>
    /// <exception cref="InterventionException">
    /// The model has no edges of single heads, the declaration is not one metric, a name is not in the prompt set, the metric is no number
    /// without some edge; or the file was begun with something else.
    /// </exception>
    public static AcdcResult Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        double threshold,
        AcdcOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new AcdcOptions();
        Measurement measurement = Measurement.Of(model, prompts, metric, options.Circuit);
        return Of(measurement, metric, [threshold], options with { Path = null }, _ => options.Path, cancellationToken)[0];
    }

    /// <summary>Searches with each of several thresholds; the runs of the prompt set are computed once.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else, which is better the smaller it is.</param>
    /// <param name="thresholds">The thresholds: <see cref="UsualThresholds"/>.</param>
    /// <param name="options">
    /// What removed edges carry, the order, and a file: that of the first threshold is <c>name.0.json</c> where the options say
    /// <c>name.json</c>.
    /// </param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>A result for each threshold; <see cref="Roc.OfEdges(IEnumerable{Circuit}, Circuit)"/> judges their circuits.</returns>
    /// <exception cref="InterventionException">What a search with one threshold refuses.</exception>
    public static ImmutableArray<AcdcResult> Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        IReadOnlyList<double> thresholds,
        AcdcOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(thresholds);
        options ??= new AcdcOptions();
        Measurement measurement = Measurement.Of(model, prompts, metric, options.Circuit);
        string? path = options.Path;
        return Of(
            measurement, metric, thresholds, options,
            i => path is null ? null : Path.ChangeExtension(path, $"{i}{Path.GetExtension(path)}"), cancellationToken);
    }

    private static ImmutableArray<AcdcResult> Of(
        Measurement measurement,
        InterventionGraph metric,
        IReadOnlyList<double> thresholds,
        AcdcOptions options,
        Func<int, string?> path,
        CancellationToken cancellationToken)
    {
        if (thresholds.Any(double.IsNaN))
            throw new ArgumentException("A threshold is a number, not NaN.", nameof(thresholds));
        AcdcSearch[] searches = [.. thresholds.Select((threshold, i) =>
            AcdcSearch.Begin(measurement, metric, threshold, options with { Path = path(i) }))];
        IProgress<RunProgress>? progress = measurement.Options.Run.Progress;
        int total = searches.Sum(search => search.EdgeCount), before = 0;
        Measurement? held = null;
        HeldRuns? runs = null;
        try
        {
            var results = ImmutableArray.CreateBuilder<AcdcResult>(searches.Length);
            foreach (AcdcSearch search in searches)
            {
                if (!search.IsComplete)
                    held ??= measurement.Holding(out runs, cancellationToken);
                search.Run(
                    circuit => held!.Mean(circuit.ToIntervention(held.Model, held.Options), cancellationToken),
                    visited => progress?.Report(new RunProgress(before + visited, total)), cancellationToken);
                results.Add(search.Result);
                before += search.EdgeCount;
            }
            return results.MoveToImmutable();
        }
        finally
        {
            runs?.Dispose();
        }
    }
}
