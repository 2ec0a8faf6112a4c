using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>How a toy model of superposition has a feature.</summary>
public enum FeaturePhase
{
    /// <summary>Not at all: its direction is shorter than ½.</summary>
    Absent,

    /// <summary>In a dimension of its own: its dimensionality is 0.9 or more.</summary>
    Alone,

    /// <summary>In dimensions that it shares with others.</summary>
    Shared,
}

/// <summary>
/// The toy model of superposition: n features in m dimensions, h = W x and x̂ = relu(Wᵀ h + b) (Elhage et al. 2022, arXiv:2209.10652).
/// W is <c>[…, m, n]</c>, its columns the features' directions W_i; axes in front are models side by side, which are trained together by
/// batched products. All of it can be differentiated.
/// </summary>
public static class Superposition
{
    /// <summary>Lengths whose square is below this are 0.</summary>
    private const double Nothing = 1e-30;

    private const double Shortest = 0.5, Own = 0.9;

    /// <summary>Draws sparse features: each is uniform from 0 to 1 with its probability, and otherwise 0.</summary>
    /// <param name="count">How many samples.</param>
    /// <param name="features">How many features, n.</param>
    /// <param name="probability">The probability, 1 − sparsity, of each of the models side by side, <c>[…]</c>.</param>
    /// <param name="generator">What draws.</param>
    /// <returns><c>[…, sample, n]</c>, of the type of <paramref name="probability"/> and on its device.</returns>
    public static Tensor Sample(long count, long features, Tensor probability, Generator generator)
    {
        ArgumentNullException.ThrowIfNull(probability);
        ArgumentNullException.ThrowIfNull(generator);
        using DisposeScope scope = NewDisposeScope();
        long[] shape = [.. probability.shape, count, features];
        Tensor value = rand(shape, probability.dtype, probability.device, generator: generator);
        Tensor isThere = rand(shape, probability.dtype, probability.device, generator: generator)
            .lt(probability.unsqueeze(-1).unsqueeze(-1));
        return value.mul(isThere.to_type(value.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>x̂ = relu(Wᵀ W x + b).</summary>
    /// <param name="x">Features, <c>[…, sample, n]</c>.</param>
    /// <param name="w">The directions, <c>[…, m, n]</c>.</param>
    /// <param name="b">The biases, <c>[…, n]</c>.</param>
    public static Tensor Reconstruct(Tensor x, Tensor w, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(b);
        Check(w);
        return x.matmul(w.transpose(-1, -2)).matmul(w).plus(b.unsqueeze(-2)).relu();
    }

    /// <summary>I_i (x_i − x̂_i)² of every sample and feature; the loss is the sum over features and the mean over samples.</summary>
    /// <param name="x">Features, <c>[…, sample, n]</c>.</param>
    /// <param name="w">The directions, <c>[…, m, n]</c>.</param>
    /// <param name="b">The biases, <c>[…, n]</c>.</param>
    /// <param name="importance">I, <c>[…, n]</c>.</param>
    public static Tensor Errors(Tensor x, Tensor w, Tensor b, Tensor importance)
    {
        ArgumentNullException.ThrowIfNull(importance);
        return x.sub(Reconstruct(x, w, b)).squared().mul(importance.unsqueeze(-2));
    }

    /// <summary>The loss of each model, <c>[…]</c>: Σ_i I_i (x_i − x̂_i)², the mean over samples.</summary>
    /// <inheritdoc cref="Errors"/>
    public static Tensor Loss(Tensor x, Tensor w, Tensor b, Tensor importance) => Errors(x, w, b, importance).sum([-1L]).mean([-1L]);

    /// <summary>Wᵀ W, <c>[…, n, n]</c>: how much each feature writes into each.</summary>
    /// <param name="w">The directions, <c>[…, m, n]</c>.</param>
    public static Tensor Gram(Tensor w)
    {
        Check(w);
        return w.transpose(-1, -2).matmul(w);
    }

    /// <summary>How much of other features lies along a feature: Σ_{j≠i} (Ŵ_i · W_j)², <c>[…, n]</c>; 0 for a direction of 0.</summary>
    /// <param name="w">The directions, <c>[…, m, n]</c>.</param>
    public static Tensor Interference(Tensor w)
    {
        Check(w);
        using DisposeScope scope = NewDisposeScope();
        Tensor gram = Gram(w), own = gram.diagonal(0, -2, -1);
        Tensor others = gram.sub(own.diag_embed(0, -2, -1)).squared().sum([-1L]);
        return others.div(own.at_least(Nothing)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The fraction of a dimension that a feature has, D_i = ‖W_i‖² / Σ_j (Ŵ_i · W_j)², <c>[…, n]</c>; 0 for a direction of 0. ½ is an
    /// antipodal pair, ⅔ a triangle, ⅖ a pentagon, ¾ a tetrahedron, ⅜ a square antiprism. Their sum is at most m.
    /// </summary>
    /// <param name="w">The directions, <c>[…, m, n]</c>.</param>
    public static Tensor Dimensionality(Tensor w)
    {
        Check(w);
        using DisposeScope scope = NewDisposeScope();
        Tensor gram = Gram(w);
        // ‖W_i‖⁴ / Σ_j (W_i · W_j)², with lengths of 1, so that short directions have no square that rounds to 0.
        Tensor lengths = gram.diagonal(0, -2, -1).at_least(Nothing), scaled = gram.div(lengths.unsqueeze(-1));
        Tensor isThere = gram.diagonal(0, -2, -1).no_less_than(Nothing).to_type(w.dtype);
        return isThere.div(scaled.squared().sum([-1L]).at_least(Nothing)).MoveToOuterDisposeScope();
    }

    /// <summary>How many dimensions a feature has on average among those that are there: m / ‖W‖², <c>[…]</c>.</summary>
    /// <param name="w">The directions, <c>[…, m, n]</c>.</param>
    public static Tensor DimensionsPerFeature(Tensor w)
    {
        Check(w);
        using DisposeScope scope = NewDisposeScope();
        return ones_like(w).narrow(-1, 0, 1).sum([-2L, -1L]).div(w.squared().sum([-2L, -1L])).MoveToOuterDisposeScope();
    }

    /// <summary>How each model has each feature: by the length of its direction, and by its dimensionality.</summary>
    /// <param name="w">The directions, <c>[…, m, n]</c>.</param>
    /// <returns>The models in the order of their axes, and of each its features.</returns>
    public static IReadOnlyList<IReadOnlyList<FeaturePhase>> Phases(Tensor w)
    {
        Check(w);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        double[] lengths = Numbers(w.norm(-2)), dimensions = Numbers(Dimensionality(w));
        return [.. lengths.Zip(dimensions, Phase).Chunk((int)w.shape[^1])];

        static FeaturePhase Phase(double length, double dimension) =>
            length < Shortest ? FeaturePhase.Absent : dimension < Own ? FeaturePhase.Shared : FeaturePhase.Alone;

        static double[] Numbers(Tensor values) => [.. values.to(ScalarType.Float64).cpu().contiguous().data<double>()];
    }

    private static void Check(Tensor w)
    {
        ArgumentNullException.ThrowIfNull(w);
        if (w.dim() < 2)
            throw new ArgumentException(
                $"Directions are [m, n], with axes of models in front, and these are {Shapes.Describe(w)}.", nameof(w));
    }
}
