using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>How well a dictionary does on values. All in float64; sums are over dimensions, means over the values.</summary>
public sealed record SaeMetrics
{
    /// <summary>How many features are active: the mean of #{f ≠ 0}.</summary>
    public required double L0 { get; init; }

    /// <summary>The mean of Σ|f|.</summary>
    public required double L1 { get; init; }

    /// <summary>The mean of ‖x − x̂‖².</summary>
    public required double SquaredError { get; init; }

    /// <summary>The mean of ‖x − x̂‖² / ‖x‖².</summary>
    public required double RelativeError { get; init; }

    /// <summary>1 − Σ‖x − x̂‖² / Σ‖x − x̄‖², x̄ the mean of all these values. This is what is usually meant.</summary>
    public required double ExplainedVariance { get; init; }

    /// <summary>The mean of 1 − ‖x − x̂‖² / ‖x − x̄‖², of each value: an older definition, which is not comparable.</summary>
    public required double MeanOfExplainedVariances { get; init; }

    /// <summary>1 − Σ var(x − x̂) / Σ var(x), over dimensions: it does not see a constant offset.</summary>
    public required double ExplainedVarianceOfResidual { get; init; }

    /// <summary>The mean of the cosine between x and x̂.</summary>
    public required double CosineSimilarity { get; init; }

    /// <summary>The mean of ‖x̂‖ / ‖x‖.</summary>
    public required double NormRatio { get; init; }

    /// <summary>E‖x̂‖² / E[x·x̂]: below 1 what is decoded is too small (shrinkage).</summary>
    public required double RelativeBias { get; init; }

    /// <summary>How often each feature is active, from 0 to 1.</summary>
    public required IReadOnlyList<double> Frequencies { get; init; }

    /// <summary>How many features are active nowhere.</summary>
    public int DeadFeatures => Frequencies.Count(frequency => frequency == 0);

    /// <summary>The metrics of a dictionary on values.</summary>
    /// <param name="sae">The dictionary; no transcoder.</param>
    /// <param name="x"><c>[…, d_in]</c>: leave out the first position, whose norm is of another size in most models.</param>
    public static SaeMetrics Of(Sae sae, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(sae);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor features = sae.Encode(x);
        return Of(sae.Config.FlattensHeads ? x.flatten(-2) : x, features,
            sae.Config.FlattensHeads ? sae.Decode(features, x).flatten(-2) : sae.Decode(features, x));
    }

    /// <summary>The metrics of what was encoded and decoded.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <param name="features"><c>[…, feature]</c>.</param>
    /// <param name="reconstruction"><c>[…, d]</c>.</param>
    /// <exception cref="ArgumentException">
    /// What is decoded has another shape than what was encoded: a transcoder has other metrics.
    /// </exception>
    public static SaeMetrics Of(Tensor x, Tensor features, Tensor reconstruction)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(reconstruction);
        if (!x.shape.AsSpan().SequenceEqual(reconstruction.shape))
            throw new ArgumentException(
                $"x is {Shapes.Describe(x)} and its reconstruction {Shapes.Describe(reconstruction)}: they must be of one shape.",
                nameof(reconstruction));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        using SaeSums sums = new(SaeSums.Rows(x).mean([0L]));
        sums.Add(x, features, reconstruction);
        return sums.ToMetrics();
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"L0 {L0:0.0}, explained variance {ExplainedVariance:0.000}, squared error {SquaredError:g4}, "
        + $"{DeadFeatures} of {Frequencies.Count} features dead");
}
