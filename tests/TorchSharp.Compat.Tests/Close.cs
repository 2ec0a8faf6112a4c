namespace TorchSharp.Compat.Tests;

internal static class Close
{
    /// <summary>The values of a tensor, row by row, as doubles.</summary>
    public static double[] Values(this Tensor tensor)
    {
        using var free = tensor.detach();
        using var wide = free.to_type(ScalarType.Float64);
        return wide.data<double>().ToArray();
    }

    public static void To(Tensor actual, params double[] expected)
    {
        var values = actual.Values();
        Assert.Equal(expected.Length, values.Length);
        for (var i = 0; i < values.Length; i++)
            Assert.True(expected[i].Equals(values[i]) || Math.Abs(expected[i] - values[i]) <= 1e-5 * Math.Max(1, Math.Abs(expected[i])), $"at {i}: {values[i]} instead of {expected[i]}");
    }

    public static void Same(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(expected.allclose(actual, 1e-5, 1e-6, true), $"{actual} instead of {expected}");
    }
}
