using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// What a model that adds modulo p knows, in waves: w_k = 2πk / p for the frequencies k from 1 to p / 2 (Nanda et al. 2023,
/// arXiv:2301.05217). Pairs (a, b) are rows a·p + b.
/// </summary>
public static class Fourier
{
    /// <summary>
    /// The orthonormal basis of functions of a number modulo p, one a row: the constant; then of each frequency the cosine and the sine;
    /// of the frequency p / 2, where there is one, the cosine alone.
    /// </summary>
    /// <param name="p">The modulus.</param>
    /// <param name="dtype">Default: float64.</param>
    /// <param name="device">Default: the CPU.</param>
    /// <returns><c>[p, p]</c>: row, number.</returns>
    public static Tensor Basis(int p, ScalarType dtype = ScalarType.Float64, Device? device = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(p, 1);
        double[,] basis = new double[p, p];
        for (int row = 0; row < p; row++)
        {
            int frequency = (row + 1) / 2;
            double size = Math.Sqrt((frequency == 0 || 2 * frequency == p ? 1.0 : 2.0) / p);
            for (int number = 0; number < p; number++)
            {
                // Whole turns are taken away first, which a computer does exactly.
                double angle = 2 * Math.PI * (frequency * (long)number % p) / p;
                basis[row, number] = size * (row % 2 == 1 || row == 0 ? Math.Cos(angle) : Math.Sin(angle));
            }
        }
        return tensor(basis, dtype: dtype, device: device ?? CPU);
    }

    /// <summary>How much of a table over numbers, such as an embedding, is of each frequency: the norm of its part.</summary>
    /// <param name="table"><c>[p, …]</c>.</param>
    /// <returns><c>[frequency]</c>, of the frequencies from 1 on.</returns>
    public static Tensor Norms(Tensor table)
    {
        ArgumentNullException.ThrowIfNull(table);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        int p = (int)table.shape[0];
        Tensor rows = Basis(p, table.dtype, table.device).matmul(table.reshape(p, -1)).squared().sum([1L]);
        return ByFrequency(rows.narrow(0, 1, p - 1)).sqrt().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// How unequal numbers are that are not negative: the Gini coefficient, 0 where all are equal, and (n − 1) / n where one has all. Of
    /// the norms of frequencies it rises while a circuit forms.
    /// </summary>
    /// <param name="values">The numbers, in whatever shape.</param>
    /// <exception cref="ArgumentException">There is none, one is negative, or all are 0.</exception>
    public static double Gini(Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using DisposeScope scope = NewDisposeScope();
        double[] sorted = [.. values.detach().to(ScalarType.Float64).cpu().flatten().contiguous().data<double>().Order()];
        double sum = sorted.Sum();
        if (!(sum > 0) || sorted[0] < 0)
            throw new ArgumentException("A Gini coefficient is of numbers that are not negative, and not all 0.", nameof(values));
        double weighted = sorted.Index().Sum(value => ((2 * value.Index) + 1 - sorted.Length) * value.Item);
        return weighted / (sorted.Length * sum);
    }

    /// <summary>
    /// Which part of each neuron's variance over all pairs is of one frequency: of cos and sin of w_k a and of w_k b, and of their
    /// products.
    /// </summary>
    /// <param name="neurons">Activations on all pairs, <c>[p², neuron]</c>.</param>
    /// <param name="p">The modulus.</param>
    /// <returns><c>[neuron, frequency]</c>, from 0 to 1; of a neuron that is constant all are 0.</returns>
    public static Tensor NeuronShares(Tensor neurons, int p)
    {
        ArgumentNullException.ThrowIfNull(neurons);
        if (neurons.dim() != 2 || neurons.shape[0] != (long)p * p)
            throw new ArgumentException(
                $"Neurons are [p², neuron] with p = {p}, and these are {Shapes.Describe(neurons)}.", nameof(neurons));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor basis = Basis(p, ScalarType.Float64, neurons.device);
        // [neuron, row of a, row of b]
        Tensor table = neurons.to(ScalarType.Float64).t().reshape(-1, p, p);
        Tensor power = basis.matmul(table).matmul(basis.t()).squared();
        Tensor total = power.sum([1L, 2L]).sub(power.select(1, 0).select(1, 0));
        Tensor of_a = power.select(2, 0).narrow(1, 1, p - 1), of_b = power.select(1, 0).narrow(1, 1, p - 1);
        // Products are of one frequency where both rows are: a block on the diagonal.
        Tensor products = power.narrow(1, 1, p - 1).narrow(2, 1, p - 1);
        Tensor pairs = ByFrequency(ByFrequency(products.movedim([1, 2], [0, 1])).movedim([1], [0]))
            .diagonal(0, 0, 1); // [neuron, frequency]
        Tensor single = ByFrequency(of_a.plus(of_b).t()).t();
        Tensor isVaried = total.no_less_than(Constant).to_type(ScalarType.Float64);
        return single.plus(pairs).div(total.at_least(Constant).unsqueeze(1)).mul(isVaried.unsqueeze(1)).MoveToOuterDisposeScope();
    }

    /// <summary>The frequencies that have the largest share of at least some neurons each, ascending.</summary>
    /// <param name="neurons">Activations on all pairs, <c>[p², neuron]</c>.</param>
    /// <param name="p">The modulus.</param>
    /// <param name="leastNeurons">
    /// How many neurons. Asking instead for large shares may lose a frequency, and so multiply the restricted loss.
    /// </param>
    public static IReadOnlyList<int> KeyFrequencies(Tensor neurons, int p, int leastNeurons = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(leastNeurons, 1);
        using DisposeScope scope = NewDisposeScope();
        Tensor shares = NeuronShares(neurons, p);
        double[] largest = [.. shares.amax([1L]).cpu().data<double>()];
        long[] frequencies = [.. shares.argmax(1).cpu().data<long>()];
        return
        [
            .. frequencies.Zip(largest).Where(neuron => neuron.Second > 0).CountBy(neuron => (int)neuron.First + 1)
                .Where(count => count.Value >= leastNeurons).Select(count => count.Key).Order(),
        ];
    }

    /// <summary>A variance below this is rounding.</summary>
    private const double Constant = 1e-20;

    /// <summary>Rows of cosines and sines, added up: <c>[p − 1, …]</c> to <c>[frequency, …]</c>.</summary>
    private static Tensor ByFrequency(Tensor rows)
    {
        long both = rows.shape[0] / 2;
        long[] rest = rows.shape[1..];
        Tensor pairs = rows.narrow(0, 0, 2 * both).reshape([both, 2, .. rest]).sum([1L]);
        return rows.shape[0] % 2 == 0 ? pairs : cat([pairs, rows.narrow(0, 2 * both, 1)], 0);
    }
}
