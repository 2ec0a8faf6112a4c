using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>An irreducible representation of a group by real orthogonal matrices: ρ(ab) = ρ(a) ρ(b).</summary>
public sealed class Irrep
{
    private readonly ImmutableArray<double> _entries;

    private Irrep(string name, int order, int dimension, ImmutableArray<double> entries) =>
        (Name, Order, Dimension, _entries) = (name, order, dimension, entries);

    /// <summary>Its name in the group.</summary>
    public string Name { get; }

    /// <summary>How many elements the group has.</summary>
    public int Order { get; }

    /// <summary>How many rows a matrix has.</summary>
    public int Dimension { get; }

    /// <summary>Whether every element's matrix is 1.</summary>
    public bool IsTrivial => Dimension == 1 && _entries.All(entry => entry > 0);

    /// <summary>Whether different elements have different matrices.</summary>
    public bool IsFaithful => Enumerable.Range(1, Order - 1).All(element => Character(element) < Dimension - Rounding);

    private const double Rounding = 1e-9;

    /// <summary>An entry of an element's matrix.</summary>
    public double this[int element, int row, int column] => _entries[(((element * Dimension) + row) * Dimension) + column];

    /// <summary>The trace of an element's matrix.</summary>
    public double Character(int element) => Enumerable.Range(0, Dimension).Sum(i => this[element, i, i]);

    /// <summary>All matrices, <c>[element, row, column]</c>; the caller owns them.</summary>
    /// <param name="dtype">Default: float64.</param>
    /// <param name="device">Default: the CPU.</param>
    public Tensor Matrices(ScalarType dtype = ScalarType.Float64, Device? device = null)
    {
        using Tensor flat = tensor(_entries.ToArray(), dtype: dtype, device: device ?? CPU);
        return flat.reshape(Order, Dimension, Dimension);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Dimension}-dimensional)";

    /// <summary>The representation in which some elements, of which all others are products, have given matrices.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="product">The group's products; element 0 is the identity.</param>
    /// <param name="generators">Elements and their matrices.</param>
    internal static Irrep Of(string name, int[,] product, params (int Element, double[,] Matrix)[] generators)
    {
        int order = product.GetLength(0), size = generators[0].Matrix.GetLength(0);
        double[]?[] matrices = new double[]?[order];
        matrices[0] = [.. Enumerable.Range(0, size * size).Select(i => i % (size + 1) == 0 ? 1.0 : 0)];
        Queue<int> found = new([0]);
        while (found.TryDequeue(out int element))
        {
            foreach ((int generator, double[,] matrix) in generators)
            {
                int next = product[generator, element];
                if (matrices[next] is not null)
                    continue;
                matrices[next] = Times(matrix, matrices[element]!, size);
                found.Enqueue(next);
            }
        }
        return new Irrep(name, order, size, [.. matrices.SelectMany(matrix => matrix!)]);
    }

    private static double[] Times(double[,] left, double[] right, int size) =>
    [
        .. Enumerable.Range(0, size * size).Select(i =>
            Enumerable.Range(0, size).Sum(k => left[i / size, k] * right[(k * size) + (i % size)])),
    ];
}
