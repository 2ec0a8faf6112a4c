using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Values with what is true of each. The tensor is borrowed.</summary>
/// <param name="X">A value each row: <c>[row, d]</c>.</param>
/// <param name="Labels">Whether each row is of the positive class.</param>
public sealed record LabelledRows(Tensor X, IReadOnlyList<bool> Labels)
{
    /// <summary>Some of the rows; the caller disposes of their tensor.</summary>
    /// <param name="rows">Their numbers.</param>
    public LabelledRows Of(IReadOnlyList<int> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using Tensor places = tensor(rows.Select(row => (long)row).ToArray(), device: X.device);
        return new LabelledRows(X.index_select(0, places), [.. rows.Select(row => Labels[row])]);
    }

    /// <summary>The same values with labels in a random order: what a probe finds there is what it finds in nothing.</summary>
    /// <param name="seed">Equal seeds give equal orders.</param>
    public LabelledRows Shuffled(int seed)
    {
        bool[] labels = [.. Labels];
        new Random(seed).Shuffle(labels);
        return this with { Labels = labels };
    }

    /// <summary>
    /// The values in coordinates turned at random, in which no column is a neuron: what few columns tell there, directions in general
    /// tell. The caller disposes of their tensor.
    /// </summary>
    /// <param name="seed">Equal seeds give equal rotations, also of other rows.</param>
    public LabelledRows Rotated(int seed)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(unchecked((ulong)seed), CPU);
        Tensor gaussian = randn([X.shape[1], X.shape[1]], ScalarType.Float64, CPU, generator: generator);
        // With the signs of R's diagonal on Q's columns, all rotations are equally likely.
        (Tensor q, Tensor r) = linalg.qr(gaussian);
        Tensor turned = X.to(ScalarType.Float64).cpu().matmul(q.mul(r.diagonal().sign()));
        return this with { X = turned.MoveToOuterDisposeScope() };
    }

    /// <summary>The rows in float64 on the CPU.</summary>
    /// <exception cref="ArgumentException">They are not <c>[row, d]</c>, a row has no label, or a value is not finite.</exception>
    internal Tensor Doubles()
    {
        if (X is null || Labels is null || X.dim() != 2 || X.shape[0] != Labels.Count || X.shape[1] == 0)
            throw new ArgumentException(
                $"A probe reads values [row, d] with a label each; there are {Labels?.Count ?? 0} labels, and the values are "
                + $"{(X is null ? "null" : Shapes.Describe(X))}.");
        Tensor rows = X.detach().to(ScalarType.Float64).cpu();
        return rows.isfinite().all().item<bool>() ? rows : throw new ArgumentException("A value that a probe reads is not finite.");
    }

    /// <summary>+1 for the positive class, −1 for the other: <c>[row]</c>.</summary>
    /// <exception cref="ArgumentException">A class has no row.</exception>
    internal double[] Signs()
    {
        int positive = Labels.Count(label => label);
        return positive > 0 && positive < Labels.Count ? [.. Labels.Select(label => label ? 1.0 : -1.0)] : throw new ArgumentException(
            $"{positive} of {Labels.Count} rows are of the positive class: a probe needs rows of both.");
    }

    /// <summary>The number of each class.</summary>
    internal (int Positive, int Negative) Counts() => (Labels.Count(label => label), Labels.Count(label => !label));

    /// <summary>The rows of one class, <c>[row, d]</c>.</summary>
    internal Tensor OfClass(Tensor rows, bool label) => rows.index_select(
        0, tensor(Labels.Index().Where(one => one.Item == label).Select(one => (long)one.Index).ToArray()));
}
