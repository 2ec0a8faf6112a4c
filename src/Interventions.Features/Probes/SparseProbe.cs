using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>By what columns are ranked, the highest first.</summary>
public enum ProbeRanking
{
    /// <summary>The distance of the classes' means, |μ₊ − μ₋|.</summary>
    MaxMeanDifference,

    /// <summary>
    /// Mutual information with the class in nats, of 32 bins at the quantiles k/32 (interpolated; a value equal to an edge goes up).
    /// </summary>
    MutualInformation,

    /// <summary>F of an analysis of variance: the variance between the classes over that within them.</summary>
    AnovaF,

    /// <summary>|w| of an L1 logistic regression with C = 0.1, which leaves most columns without a weight.</summary>
    L1Logistic,

    /// <summary>|w| of a linear support vector machine with C = 1.</summary>
    LinearSvm,

    /// <summary>At random.</summary>
    Random,
}

/// <summary>
/// k-sparse probing (Gurnee et al. 2023, arXiv:2305.01610): columns are ranked, a probe is fitted to the first k. What a single neuron
/// tells needs no direction.
/// </summary>
public static class SparseProbe
{
    private const int Bins = 32;

    /// <summary>The numbers of columns that are tried unless others are given: 1 to 8, 10, 12, 16, 32, … and all.</summary>
    /// <param name="width">How many columns there are.</param>
    public static IReadOnlyList<int> Sizes(int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        List<int> sizes = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16];
        for (int next = 32; next < width; next *= 2)
            sizes.Add(next);
        return [.. sizes.Where(size => size < width), width];
    }

    /// <summary>What columns are ranked by: a number each, the higher the better.</summary>
    /// <param name="rows">Values with their classes.</param>
    /// <param name="ranking">By what.</param>
    /// <param name="seed">Of a random ranking.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, a value is not finite, or a class has no row.</exception>
    /// <exception cref="InterventionException">No minimum was found.</exception>
    public static IReadOnlyList<double> Scores(LabelledRows rows, ProbeRanking ranking, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor x = rows.Doubles();
        double[] signs = rows.Signs();
        Tensor positive = rows.OfClass(x, true), negative = rows.OfClass(x, false);
        Random random = new(seed);
        return ranking switch
        {
            ProbeRanking.MaxMeanDifference => positive.mean([0L]).sub(negative.mean([0L])).abs().Doubles(),
            ProbeRanking.AnovaF => VarianceRatios(positive, negative),
            ProbeRanking.MutualInformation => [.. x.t().Doubles().Chunk(signs.Length).Select(column => Information(column, rows.Labels))],
            ProbeRanking.L1Logistic => Weights(new ProbeMethod.SparseLogistic()),
            ProbeRanking.LinearSvm => Weights(new ProbeMethod.LinearSvm()),
            ProbeRanking.Random => [.. Enumerable.Range(0, (int)x.shape[1]).Select(_ => random.NextDouble())],
            _ => throw new ArgumentOutOfRangeException(nameof(ranking), ranking, "There is no such ranking."),
        };

        double[] Weights(ProbeMethod method)
        {
            using Probe probe = Probe.Fit(rows, method);
            return [.. probe.Weight.Doubles().Select(Math.Abs)];
        }
    }

    /// <summary>The columns, the highest ranked first; of equal ones the first.</summary>
    /// <inheritdoc cref="Scores"/>
    public static IReadOnlyList<int> Order(LabelledRows rows, ProbeRanking ranking, int seed = 0) => Order(Scores(rows, ranking, seed));

    /// <summary>Fits a probe to the k columns that are ranked highest.</summary>
    /// <param name="rows">Values with their classes.</param>
    /// <param name="k">How many columns.</param>
    /// <param name="ranking">By what they are ranked.</param>
    /// <param name="method">How it is fitted. Default: logistic regression, C = 1, balanced, of columns as they are.</param>
    /// <param name="seed">Of a random ranking.</param>
    /// <returns>A probe whose other weights are 0, and whose <see cref="Probe.Columns"/> are the chosen ones.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, a value is not finite, or a class has no row.</exception>
    /// <exception cref="InterventionException">No minimum was found.</exception>
    public static Probe Fit(
        LabelledRows rows, int k, ProbeRanking ranking = ProbeRanking.MaxMeanDifference, ProbeMethod? method = null, int seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        IReadOnlyList<int> order = Order(rows, ranking, seed);
        return Probe.OfColumns(rows, [.. order.Take(Checked(k, order.Count))], method ?? Raw);
    }

    /// <summary>Probes of more and more columns, each fitted to some rows and measured on others.</summary>
    /// <param name="train">The rows that they are ranked by and fitted to.</param>
    /// <param name="test">The rows that they are measured on.</param>
    /// <param name="ranking">By what columns are ranked.</param>
    /// <param name="sizes">How many columns. Default: <see cref="Sizes"/>.</param>
    /// <param name="seed">Of a random ranking.</param>
    /// <param name="cancellationToken">Looked at between probes.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, a value is not finite, or a class has no row.</exception>
    public static SparseCurve Curve(
        LabelledRows train, LabelledRows test, ProbeRanking ranking = ProbeRanking.MaxMeanDifference, IReadOnlyList<int>? sizes = null,
        int seed = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(test);
        IReadOnlyList<double> scores = Scores(train, ranking, seed);
        IReadOnlyList<int> order = Order(scores);
        IEnumerable<int> kept = (sizes ?? Sizes(order.Count)).Select(k => Checked(k, order.Count));
        return new SparseCurve($"{ranking}", [.. kept.Select(k => Point(train, test, [.. order.Take(k)], cancellationToken))])
        {
            Ranked = scores.Count(score => score > 0),
        };
    }

    /// <summary>
    /// Adaptive thresholding: an elastic net of all columns ranks them by |w|, the last are left out, and so on; C = k/20 and
    /// ρ = e^(−k/20), between 0.1 and 0.9, of the k columns that are there.
    /// </summary>
    /// <param name="train">The rows that columns are chosen by, and probes fitted to.</param>
    /// <param name="test">The rows that they are measured on.</param>
    /// <param name="sizes">How many columns are kept, in any order. Default: <see cref="Sizes"/>.</param>
    /// <param name="cancellationToken">Looked at between fits.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, a value is not finite, or a class has no row.</exception>
    /// <exception cref="InterventionException">No minimum was found.</exception>
    public static SparseCurve AdaptiveThresholding(
        LabelledRows train, LabelledRows test, IReadOnlyList<int>? sizes = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        int width = (int)train.X.shape[1];
        int[] kept = [.. Enumerable.Range(0, width)];
        List<SparsePoint> points = [];
        foreach (int k in (sizes ?? Sizes(width)).Select(k => Checked(k, width)).Distinct().OrderDescending())
        {
            cancellationToken.ThrowIfCancellationRequested();
            using Probe net = Probe.OfColumns(
                train, kept,
                new ProbeMethod.SparseLogistic(kept.Length / 20.0, Math.Clamp(Math.Exp(-kept.Length / 20.0), 0.1, 0.9)));
            double[] weights = net.Weight.Doubles();
            kept = [.. kept.OrderByDescending(column => Math.Abs(weights[column])).Take(k)];
            points.Add(Point(train, test, kept, cancellationToken));
        }
        points.Reverse();
        return new SparseCurve(nameof(AdaptiveThresholding), [.. points]);
    }

    private static IReadOnlyList<int> Order(IReadOnlyList<double> scores) =>
        [.. Enumerable.Range(0, scores.Count).OrderByDescending(column => scores[column])];

    private static ProbeMethod Raw => new ProbeMethod.Logistic(1) { Scaled = false };

    private static SparsePoint Point(LabelledRows train, LabelledRows test, int[] columns, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using Probe probe = Probe.OfColumns(train, columns, Raw);
        return new SparsePoint([.. columns], probe.Evaluate(train), probe.Evaluate(test));
    }

    private static int Checked(int k, int width) => k > 0 && k <= width
        ? k
        : throw new ArgumentException($"There are {width} columns, so {k} of them cannot be kept.", nameof(k));

    private static double[] VarianceRatios(Tensor positive, Tensor negative)
    {
        double rows = positive.shape[0] + negative.shape[0];
        double ratio = positive.shape[0] * negative.shape[0] / rows;
        Tensor between = positive.mean([0L]).sub(negative.mean([0L])).squared().times(ratio);
        Tensor within = Spread(positive).plus(Spread(negative)).over(rows - 2);
        return [.. between.Doubles().Zip(within.Doubles(), (b, w) => b == 0 ? 0 : b / w)];

        static Tensor Spread(Tensor x) => x.sub(x.mean([0L])).squared().sum([0L]);
    }

    private static double Information(double[] column, IReadOnlyList<bool> labels)
    {
        double[] sorted = [.. column.Order()];
        double[] edges = [.. Enumerable.Range(1, Bins - 1).Select(Quantile)];
        double[,] counts = new double[Bins, 2];
        foreach ((double value, bool label) in column.Zip(labels))
            counts[edges.Count(edge => edge <= value), label ? 1 : 0]++;
        double information = 0, rows = column.Length;
        for (int bin = 0; bin < Bins; bin++)
            for (int label = 0; label < 2; label++)
                if (counts[bin, label] > 0)
                    information += counts[bin, label] / rows * Math.Log(
                        counts[bin, label] * rows / ((counts[bin, 0] + counts[bin, 1]) * labels.Count(one => one == (label == 1))));
        return information;

        double Quantile(int k)
        {
            double place = (sorted.Length - 1) * (k / (double)Bins);
            int below = (int)place;
            double next = sorted[Math.Min(below + 1, sorted.Length - 1)];
            return sorted[below] + ((place - below) * (next - sorted[below]));
        }
    }
}
