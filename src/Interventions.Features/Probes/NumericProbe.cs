using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// A probe of a number, such as a token's length: linear regression by least squares, the shortest solution where there are several. It
/// owns its weight.
/// </summary>
public sealed class NumericProbe : IDisposable
{
    private NumericProbe(Tensor weight, double bias) => (Weight, Bias) = (weight.DetachFromDisposeScope(), bias);

    /// <summary>The direction: <c>[d]</c>, float64, on the CPU.</summary>
    public Tensor Weight { get; }

    /// <summary>What is added.</summary>
    public double Bias { get; }

    /// <summary>Fits a probe.</summary>
    /// <param name="x">Values, <c>[row, d]</c>.</param>
    /// <param name="numbers">The number of each row.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or a value or number is not finite.</exception>
    public static NumericProbe Fit(Tensor x, IReadOnlyList<double> numbers)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor rows = Rows(x, numbers), mean = rows.mean([0L]);
        Tensor wanted = tensor(numbers.ToArray());
        double middle = wanted.mean().item<double>();
        // Singular values below this part of the largest are rounding: their directions have weight 0.
        Tensor weight = linalg.pinv(rows.sub(mean), rtol: 1e-12).mv(wanted.plus(-middle));
        return new NumericProbe(weight, middle - weight.dot(mean).item<double>());
    }

    /// <summary>What it says of values: weight · x + bias.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <returns><c>[…]</c>, float64, on the CPU; the caller owns it.</returns>
    /// <exception cref="ArgumentException">The values have another width.</exception>
    public Tensor Predict(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != Weight.shape[0])
            throw new ArgumentException(
                $"This probe reads values of width {Weight.shape[0]}, and these are {Shapes.Describe(x)}.", nameof(x));
        using DisposeScope scope = NewDisposeScope();
        return x.detach().to(ScalarType.Float64).cpu().matmul(Weight).plus(Bias).MoveToOuterDisposeScope();
    }

    /// <summary>The explained share of the variance, R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)²: of held-out rows it may be negative.</summary>
    /// <param name="x">Values, <c>[row, d]</c>.</param>
    /// <param name="numbers">The number of each row.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or a value or number is not finite.</exception>
    public double RSquared(Tensor x, IReadOnlyList<double> numbers)
    {
        using DisposeScope scope = NewDisposeScope();
        double[] predicted = Predict(Rows(x, numbers)).Doubles();
        double mean = numbers.Average();
        return 1 - (numbers.Zip(predicted, (y, found) => (y - found) * (y - found)).Sum() / numbers.Sum(y => (y - mean) * (y - mean)));
    }

    /// <summary>Frees the weight.</summary>
    public void Dispose() => Weight.Dispose();

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"numeric probe of width {Weight.shape[0]}, bias {Bias:g4}");

    private static Tensor Rows(Tensor x, IReadOnlyList<double> numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return numbers.All(double.IsFinite)
            ? new LabelledRows(x, [.. numbers.Select(_ => true)]).Doubles()
            : throw new ArgumentException("A number that a probe is to learn is not finite.", nameof(numbers));
    }
}
