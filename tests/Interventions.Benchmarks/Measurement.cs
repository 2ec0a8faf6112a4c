namespace Interventions.Benchmarks;

/// <summary>How long something took, in milliseconds.</summary>
internal sealed class Measurement
{
    private readonly double[] _sorted;

    public Measurement(IEnumerable<double> milliseconds) => _sorted = [.. milliseconds.Order()];

    /// <summary>Of a machine that others use too, the one that says most.</summary>
    public double Minimum => _sorted[0];

    public double Median => _sorted[_sorted.Length / 2];
}
