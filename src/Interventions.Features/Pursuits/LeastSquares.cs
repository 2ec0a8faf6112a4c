using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Small systems of equations, one a row.</summary>
internal static class LeastSquares
{
    /// <summary>The coefficients that leave least of each row.</summary>
    /// <param name="gram">Products of the chosen atoms with each other, <c>[row, atom, atom]</c>; 0 at atoms that are not used.</param>
    /// <param name="products">Their products with the row, <c>[row, atom]</c>.</param>
    /// <param name="used">Which atoms are used, <c>[row, atom]</c>.</param>
    /// <param name="isPositive">Whether no coefficient may be negative.</param>
    /// <returns><c>[row, atom]</c>, 0 at atoms that are not used.</returns>
    public static Tensor Solve(Tensor gram, Tensor products, Tensor used, bool isPositive)
    {
        if (!isPositive)
        {
            Tensor unused = used.logical_not().to_type(gram.dtype);
            return linalg.solve(gram.plus(unused.diag_embed()), products.unsqueeze(-1)).squeeze(-1);
        }
        int rows = (int)gram.shape[0], size = (int)gram.shape[1];
        double[] all = [.. gram.to_type(ScalarType.Float64).cpu().contiguous().data<double>()];
        double[] right = [.. products.to_type(ScalarType.Float64).cpu().contiguous().data<double>()];
        double[] solutions = new double[rows * size];
        for (int row = 0; row < rows; row++)
            NonNegative(all.AsSpan(row * size * size, size * size), right.AsSpan(row * size, size), solutions.AsSpan(row * size, size));
        return tensor(solutions).reshape(rows, size).to_type(products.dtype).to(products.device);
    }

    /// <summary>
    /// Least squares without negative coefficients, by active sets (Lawson and Hanson 1974): an atom enters where the error falls with it,
    /// and leaves where its coefficient would be negative.
    /// </summary>
    private static void NonNegative(ReadOnlySpan<double> gram, ReadOnlySpan<double> products, Span<double> x)
    {
        const double Tolerance = 1e-12;
        int size = products.Length;
        List<int> set = [];
        for (int pass = 0; pass < 10 * size; pass++)
        {
            int enters = -1;
            double steepest = Tolerance;
            for (int i = 0; i < size; i++)
            {
                double slope = products[i];
                for (int j = 0; j < size; j++)
                    slope -= gram[(i * size) + j] * x[j];
                // What is in the set, or repeats an atom of it, has slope 0.
                if (!set.Contains(i) && gram[(i * size) + i] > Tolerance && slope > steepest)
                    (enters, steepest) = (i, slope);
            }
            if (enters < 0)
                return;
            set.Add(enters);
            while (true)
            {
                double[] wanted = Solved(gram, products, set, size);
                double way = 1;
                for (int i = 0; i < set.Count; i++)
                    if (wanted[i] <= 0)
                        way = Math.Min(way, x[set[i]] / (x[set[i]] - wanted[i]));
                for (int i = 0; i < set.Count; i++)
                    x[set[i]] += way * (wanted[i] - x[set[i]]);
                if (way == 1 && wanted.All(value => value > 0))
                    break;
                for (int i = set.Count - 1; i >= 0; i--)
                    if (x[set[i]] <= Tolerance)
                    {
                        x[set[i]] = 0;
                        set.RemoveAt(i);
                    }
                if (set.Count == 0)
                    return;
            }
        }
    }

    /// <summary>The coefficients of some atoms, by Cholesky's decomposition of their products.</summary>
    private static double[] Solved(ReadOnlySpan<double> gram, ReadOnlySpan<double> products, List<int> set, int size)
    {
        int n = set.Count;
        double[,] lower = new double[n, n];
        double[] result = new double[n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = gram[(set[i] * size) + set[j]];
                for (int k = 0; k < j; k++)
                    sum -= lower[i, k] * lower[j, k];
                lower[i, j] = i == j ? Math.Sqrt(Math.Max(sum, 1e-300)) : sum / lower[j, j];
            }
            double value = products[set[i]];
            for (int k = 0; k < i; k++)
                value -= lower[i, k] * result[k];
            result[i] = value / lower[i, i];
        }
        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++)
                result[i] -= lower[k, i] * result[k];
            result[i] /= lower[i, i];
        }
        return result;
    }
}
