using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Toys;

/// <summary>Waves modulo p by hand: a model that is known in closed form has the circuit that it was made of.</summary>
public sealed class FourierTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(12)]
    [InlineData(113)]
    public void The_basis_is_orthonormal(int p)
    {
        Tensor basis = Fourier.Basis(p);
        Near(eye(p, dtype: ScalarType.Float64), basis.matmul(basis.t()));
        Assert.True(basis[0].eq(basis[0, 0]).all().item<bool>());
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void A_wave_has_its_frequency_alone(int p)
    {
        for (int frequency = 1; frequency <= p / 2; frequency++)
        {
            Tensor angle = Angles(p, frequency), table = stack([angle.cos() * 3, angle.sin() * 4, ones_like(angle)], 1);
            Tensor norms = Fourier.Norms(table);
            Assert.Equal(p / 2, norms.shape[0]);
            double[] expected = new double[p / 2];
            // cos² is 1 everywhere at half of an even modulus, where the sine is 0.
            expected[frequency - 1] = 2 * frequency == p ? 3 * Math.Sqrt(p) : 5 * Math.Sqrt(p / 2.0);
            Near(tensor(expected), norms);
        }
    }

    [Fact]
    public void All_norms_together_are_the_norm_without_the_mean()
    {
        using Generator generator = new(1);
        Tensor table = randn([10, 6], ScalarType.Float64, generator: generator);
        double expected = (table - table.mean([0L])).square().sum().item<double>();
        Assert.Equal(expected, Fourier.Norms(table).square().sum().item<double>(), Tolerance);
    }

    [Fact]
    public void Gini_is_0_of_equal_numbers_and_nearly_1_of_one_alone()
    {
        Assert.Equal(0, Fourier.Gini(ones(8)), Tolerance);
        Assert.Equal(7.0 / 8, Fourier.Gini(tensor(new[] { 0.0, 0, 5, 0, 0, 0, 0, 0 })), Tolerance);
        Assert.Equal(0.25, Fourier.Gini(tensor(new[] { 3.0, 1 })), Tolerance);
        Assert.Throws<ArgumentException>(() => Fourier.Gini(zeros(3)));
        Assert.Throws<ArgumentException>(() => Fourier.Gini(tensor(new[] { 1.0, -1 })));
    }

    /// <summary>Neurons of the known algorithm: waves of a, of b, of both, and of two frequencies.</summary>
    [Theory]
    [InlineData(13)]
    [InlineData(14)]
    public void Neurons_have_the_shares_of_which_they_are_made(int p)
    {
        (Tensor a, Tensor b) = (Angles(p, 2).unsqueeze(1), Angles(p, 2).unsqueeze(0));
        Tensor other = Angles(p, 5).unsqueeze(0);
        Tensor both = (a + b).cos();
        Tensor[] neurons =
        [
            both, a.cos() + (0 * b) + 7, (0 * a) + b.sin(), a.sin() * b.cos() + 1,
            (0.6 * both) + (0.8 * (other + (0 * a)).cos()), (0 * a) + (0 * b) + 2, a.cos() * other.cos(),
        ];
        Tensor shares = Fourier.NeuronShares(stack([.. neurons.Select(neuron => neuron.flatten())], 1), p);
        Assert.Equal([7, p / 2], shares.shape);
        double[][] expected = [[1, 0], [1, 0], [1, 0], [1, 0], [0.36, 0.64], [0, 0], [0, 0]];
        for (int neuron = 0; neuron < 7; neuron++)
        {
            Assert.Equal(expected[neuron][0], shares[neuron, 1].item<double>(), Tolerance);
            Assert.Equal(expected[neuron][1], shares[neuron, 4].item<double>(), Tolerance);
        }
        Assert.Equal(expected.Sum(row => row.Sum()), shares.sum().item<double>(), Tolerance);
    }

    [Fact]
    public void Key_frequencies_are_dominant_in_enough_neurons()
    {
        const int p = 11;
        Tensor Wave(int frequency, double phase) =>
            (Angles(p, frequency).unsqueeze(1) + Angles(p, frequency).unsqueeze(0) + phase).cos().flatten();
        Tensor[] neurons =
        [
            .. Enumerable.Range(0, 10).Select(i => Wave(4, i)), .. Enumerable.Range(0, 9).Select(i => Wave(2, i)),
            .. Enumerable.Range(0, 12).Select(i => Wave(1, i)), .. Enumerable.Range(0, 20).Select(_ => zeros_like(Wave(1, 0))),
        ];
        Tensor all = stack(neurons, 1);
        Assert.Equal([1, 4], Fourier.KeyFrequencies(all, p));
        Assert.Equal([1, 2, 4], Fourier.KeyFrequencies(all, p, leastNeurons: 9));
        Assert.Contains("[p², neuron]", Assert.Throws<ArgumentException>(() => Fourier.KeyFrequencies(all, 10)).Message);
    }

    private static Tensor Angles(int p, int frequency) => arange(p, dtype: ScalarType.Float64) * (2 * Math.PI * frequency / p);

    private static void Near(Tensor expected, Tensor actual) => Assert.InRange(Distance.Largest(actual, expected), 0, Tolerance);
}
