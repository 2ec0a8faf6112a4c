using System.Collections.Immutable;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// What a probe's success has to be compared with: the same fit to labels in a random order, and random directions instead of the fitted
/// one. All on the rows that the probe is measured on.
/// </summary>
/// <param name="Probe">How the probe does.</param>
/// <param name="ShuffledLabels">How probes of shuffled labels do, with the true ones.</param>
/// <param name="RandomDirections">
/// How random directions do, each with the sign and the threshold of the means of the rows that the probe was fitted to.
/// </param>
public sealed record ProbeControls(
    ProbeMetrics Probe, ImmutableArray<ProbeMetrics> ShuffledLabels, ImmutableArray<ProbeMetrics> RandomDirections)
{
    /// <summary>Fits a probe, and its controls.</summary>
    /// <param name="train">The rows that are fitted to.</param>
    /// <param name="test">The rows that are measured.</param>
    /// <param name="method">How probes are fitted. Default: logistic regression, balanced, of scaled columns.</param>
    /// <param name="draws">How many controls of each kind. Default: 20.</param>
    /// <param name="seed">Equal seeds give equal controls.</param>
    /// <param name="cancellationToken">Looked at between fits.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, a value is not finite, or a class has no row.</exception>
    /// <exception cref="InterventionException">No minimum was found.</exception>
    public static ProbeControls Of(
        LabelledRows train, LabelledRows test, ProbeMethod? method = null, int draws = 20, int seed = 0,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(draws);
        using DisposeScope scope = NewDisposeScope();
        using Probe probe = Features.Probe.Fit(train, method);
        ImmutableArray<ProbeMetrics> shuffled =
        [
            .. Enumerable.Range(0, draws).Select(draw =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                using Probe control = Features.Probe.Fit(train.Shuffled(seed + draw), method);
                return control.Evaluate(test);
            }),
        ];
        using Generator generator = new(unchecked((ulong)seed), CPU);
        Tensor directions = randn([train.X.shape[1], draws], ScalarType.Float64, CPU, generator: generator);
        double[][] fitted = Projected(train), measured = Projected(test);
        return new ProbeControls(
            probe.Evaluate(test), shuffled,
            [.. fitted.Zip(measured, (own, others) => OfDirection(train.Labels, own, test.Labels, others))]);

        double[][] Projected(LabelledRows rows) =>
            [.. rows.Doubles().matmul(directions).t().Doubles().Chunk(Math.Max(1, rows.Labels.Count))];
    }

    /// <summary>A line a kind: the mean and the best of its controls.</summary>
    public override string ToString()
    {
        TextTable table = new(new("control"), new("ROC-AUC", true), new("best", true), new("F1", true), new("best", true));
        Add("the probe", [Probe]);
        Add($"{ShuffledLabels.Length} shuffled labels", ShuffledLabels);
        Add($"{RandomDirections.Length} random directions", RandomDirections);
        return table.Print();

        void Add(string name, ImmutableArray<ProbeMetrics> of) => table.Add(
            name, ProbeColumns.Short(of.Average(one => one.RocAuc)), ProbeColumns.Short(of.Max(one => one.RocAuc)),
            ProbeColumns.Short(of.Average(one => one.F1)), ProbeColumns.Short(of.Max(one => one.F1)));
    }

    private static ProbeMetrics OfDirection(
        IReadOnlyList<bool> labels, double[] projected, IReadOnlyList<bool> testLabels, double[] testProjected)
    {
        double positive = Mean(true), negative = Mean(false), sign = positive >= negative ? 1 : -1;
        return ProbeMetrics.Of([.. testProjected.Select(at => sign * (at - ((positive + negative) / 2)))], testLabels);

        double Mean(bool label) => projected.Zip(labels).Where(row => row.Second == label).Average(row => row.First);
    }
}
