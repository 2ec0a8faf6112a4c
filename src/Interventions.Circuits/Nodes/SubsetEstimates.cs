using System.Collections.Immutable;

namespace Interventions.Circuits;

/// <summary>
/// What joint effects of random subsets say about single nodes (Kramár et al. 2024, section on diagnostics): the difference of the means of
/// the subsets with a node and of those without it, and how sure it is, by Welch's test. It estimates the node's effect averaged over what
/// else is patched, which is not that of patching it alone.
/// </summary>
public sealed class SubsetEstimates
{
    private readonly ImmutableArray<(double Effect, double Error, double Freedom)> _nodes;

    /// <summary>Estimates of joint effects.</summary>
    /// <param name="subsets">Of each sample, whether each node was patched.</param>
    /// <param name="effects">The effect of each sample: the metric's change.</param>
    /// <exception cref="ArgumentException">
    /// There are not as many samples as effects, samples are of different nodes, or a node has not two samples with it and two without.
    /// </exception>
    public SubsetEstimates(IReadOnlyList<IReadOnlyList<bool>> subsets, IReadOnlyList<double> effects)
    {
        ArgumentNullException.ThrowIfNull(subsets);
        ArgumentNullException.ThrowIfNull(effects);
        if (subsets.Count == 0 || subsets.Count != effects.Count)
            throw new ArgumentException($"There are {subsets.Count} samples and {effects.Count} effects.", nameof(effects));
        if (subsets.FirstOrDefault(subset => subset.Count != subsets[0].Count) is { } odd)
            throw new ArgumentException($"One sample is of {subsets[0].Count} nodes, another of {odd.Count}.", nameof(subsets));
        Samples = subsets.Count;
        _nodes = [.. Enumerable.Range(0, subsets[0].Count).Select(node => Welch(
            node,
            [.. effects.Where((_, sample) => subsets[sample][node])], [.. effects.Where((_, sample) => !subsets[sample][node])]))];
    }

    /// <summary>The number of samples.</summary>
    public int Samples { get; }

    /// <summary>The number of nodes.</summary>
    public int Count => _nodes.Length;

    /// <summary>The absolute difference of both means, of a node by its number.</summary>
    public double Effect(int node) => _nodes[node].Effect;

    /// <summary>The standard error of that difference.</summary>
    public double StandardError(int node) => _nodes[node].Error;

    /// <summary>Welch's degrees of freedom: infinite where the effects with the node, and those without it, do not differ.</summary>
    public double DegreesOfFreedom(int node) => _nodes[node].Freedom;

    /// <summary>
    /// How likely an estimate as small as this would be if the node's effect were a threshold: where it is at most α for every node, that
    /// some node has such an effect is rejected at α, without a correction for their number, because all of them have to be rejected.
    /// </summary>
    /// <param name="node">The node's number.</param>
    /// <param name="threshold">The effect.</param>
    public double Probability(int node, double threshold)
    {
        (double effect, double error, double freedom) = _nodes[node];
        return error == 0 ? effect >= threshold ? 1 : 0 : StudentT.Above((threshold - effect) / error, freedom);
    }

    /// <summary>The largest probability of all nodes, see <see cref="Probability(int, double)"/>.</summary>
    /// <param name="threshold">The effect.</param>
    public double LargestProbability(double threshold) =>
        Enumerable.Range(0, Count).Select(node => Probability(node, threshold)).DefaultIfEmpty(0).Max();

    /// <summary>The upper end of a node's effect, at a confidence of 1 − α.</summary>
    /// <param name="node">The node's number.</param>
    /// <param name="alpha">α, above 0 and below 1.</param>
    public double UpperBound(int node, double alpha)
    {
        if (alpha is not (> 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "A level lies between 0 and 1.");
        (double effect, double error, double freedom) = _nodes[node];
        return error == 0 ? effect : effect + (StudentT.Exceeded(alpha, freedom) * error);
    }

    /// <summary>The largest upper end of all nodes: no node has a larger effect, at a confidence of 1 − α.</summary>
    /// <param name="alpha">α, above 0 and below 1.</param>
    public double LargestUpperBound(double alpha) => Enumerable.Range(0, Count).Max(node => UpperBound(node, alpha));

    private static (double, double, double) Welch(int node, double[] with, double[] without)
    {
        if (with.Length < 2 || without.Length < 2)
            throw new ArgumentException(
                $"Node {node} is in {with.Length} samples and not in {without.Length}: both need two for a variance. Draw more samples.");
        (double mean, double variance) = Moments(with);
        (double otherMean, double otherVariance) = Moments(without);
        (double first, double second) = (variance / with.Length, otherVariance / without.Length);
        double squared = first + second;
        double freedom = squared == 0 ? double.PositiveInfinity
            : squared * squared / ((first * first / (with.Length - 1)) + (second * second / (without.Length - 1)));
        return (Math.Abs(mean - otherMean), Math.Sqrt(squared), freedom);
    }

    private static (double Mean, double Variance) Moments(double[] values)
    {
        double mean = values.Average();
        return (mean, values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }
}
