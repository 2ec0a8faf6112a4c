using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>Directions of a space, and what they span.</summary>
internal static class Directions
{
    /// <summary>Of what is left of a direction beside the others, this part of its length is rounding.</summary>
    private const double Rounding = 1e-6;

    /// <summary>
    /// Orthonormal directions that span the same. Taking one after the other out of a vector would not take out what they span, unless they
    /// are orthogonal.
    /// </summary>
    /// <param name="directions"><c>[d]</c>, or <c>[direction, d]</c>.</param>
    /// <returns><c>[direction, d]</c>, float64.</returns>
    /// <exception cref="ArgumentException">They have another shape, or one is 0, no number, or made of the others.</exception>
    public static Tensor Basis(Tensor directions)
    {
        ArgumentNullException.ThrowIfNull(directions);
        if (directions.shape is not ([> 0] or [> 0, > 0]))
            throw new ArgumentException(
                $"Directions are [d] or [direction, d], and these are {Shapes.Describe(directions)}.", nameof(directions));
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = directions.detach().to(ScalarType.Float64).reshape(-1, directions.shape[^1]);
        Tensor lengths = rows.norm(-1, keepdim: true);
        for (int row = 0; row < rows.shape[0]; row++)
            if (!(lengths[row].item<double>() is > 0 and < double.PositiveInfinity))
                throw new ArgumentException($"Direction {row} has the length {lengths[row].item<double>()}.", nameof(directions));
        if (rows.shape[0] > rows.shape[1])
            throw new ArgumentException(
                $"There are {rows.shape[0]} directions in {TextTable.Count(rows.shape[1], "dimension")}.", nameof(directions));
        (Tensor q, Tensor r) = linalg.qr(rows.div(lengths).t());
        double[] left = [.. r.diagonal().abs().cpu().contiguous().data<double>()];
        return Array.FindIndex(left, part => part < Rounding) is >= 0 and int made
            ? throw new ArgumentException($"Direction {made} is made of those before it: leave it out.", nameof(directions))
            : q.t().contiguous().MoveToOuterDisposeScope();
    }
}
