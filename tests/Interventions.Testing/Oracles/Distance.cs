using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.Oracles;

/// <summary>How far a value is from what it should be.</summary>
public static class Distance
{
    /// <summary>
    /// The largest absolute difference; infinite where shapes differ or a value is not a number. Equal infinities do not differ.
    /// </summary>
    public static double Largest(Tensor actual, Tensor expected)
    {
        using DisposeScope scope = NewDisposeScope();
        if (!actual.shape.SequenceEqual(expected.shape))
            return double.PositiveInfinity;
        Tensor difference = actual.detach().to_type(ScalarType.Float64) - expected.detach().to_type(ScalarType.Float64);
        double largest = difference.masked_fill_(actual.eq(expected), 0).abs().max().item<double>();
        return double.IsNaN(largest) ? double.PositiveInfinity : largest;
    }
}
