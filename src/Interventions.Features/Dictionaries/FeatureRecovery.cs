using System.Collections.Immutable;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// How well known features are found again: of each, the largest cosine with a row of a dictionary. Their mean is MMCS (Sharkey et al.
/// 2022).
/// </summary>
/// <param name="Cosines">The largest cosine of each known feature, in their order.</param>
/// <param name="Rows">The row of the dictionary that has it.</param>
public sealed record FeatureRecovery(ImmutableArray<double> Cosines, ImmutableArray<long> Rows)
{
    /// <summary>The mean of the largest cosines: MMCS.</summary>
    public double Mean => Cosines.Average();

    /// <summary>The part of known features whose largest cosine is above a number.</summary>
    /// <param name="cosine">The number: 0.9 is usual.</param>
    public double PartAbove(double cosine) => Cosines.Count(one => one > cosine) / (double)Cosines.Length;

    /// <summary>Compares known features with a dictionary. To compare two dictionaries, take either one as the known one.</summary>
    /// <param name="features">Known features, <c>[known, d]</c>, of any norm but 0.</param>
    /// <param name="dictionary">Learned ones, <c>[feature, d]</c>: <c>sae.Weights.Decoder</c>.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static FeatureRecovery Of(Tensor features, Tensor dictionary)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(dictionary);
        if (features.dim() != 2 || dictionary.dim() != 2 || features.shape[1] != dictionary.shape[1]
            || features.shape[0] == 0 || dictionary.shape[0] == 0)
            throw new ArgumentException(
                $"Features are [feature, d] of one width: these are {Shapes.Describe(features)} and {Shapes.Describe(dictionary)}.",
                nameof(dictionary));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        (Tensor best, Tensor rows) = Unit(features).mm(Unit(dictionary).t()).max(-1);
        return new FeatureRecovery([.. best.cpu().data<double>()], [.. rows.cpu().data<long>()]);

        // A row of 0 has cosine 0 with everything.
        Tensor Unit(Tensor rows)
        {
            Tensor wide = rows.detach().to(features.device).to_type(ScalarType.Float64);
            return wide.div(wide.norm(-1, keepdim: true).at_least(1e-300));
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"MMCS {Mean:0.000}, {PartAbove(0.9):0%} of {Cosines.Length} features above 0.9");
}
