using System.Globalization;

namespace Interventions.Features;

/// <summary>How often something happens, with the interval in which the probability lies (Wilson 1927).</summary>
/// <param name="Hits">How often it happened.</param>
/// <param name="Count">Of how many, at least one. The interval takes them for independent of each other.</param>
public readonly record struct SuccessRate(int Hits, int Count)
{
    /// <summary>A normal variable is that far from its mean at most in 95 % of the cases.</summary>
    private const double Deviations = 1.959963984540054;

    /// <summary>The rate of some outcomes.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public static SuccessRate Of(IEnumerable<bool> outcomes)
    {
        bool[] all = [.. outcomes];
        return all.Length > 0
            ? new SuccessRate(all.Count(hit => hit), all.Length)
            : throw new ArgumentException("A rate is of at least one outcome.", nameof(outcomes));
    }

    /// <summary>Hits by count.</summary>
    public double Rate => (double)Hits / Count;

    /// <summary>The lower end of the interval of 95 %.</summary>
    public double Low => Middle - Half;

    /// <summary>The upper end of the interval of 95 %.</summary>
    public double High => Middle + Half;

    private static double Square => Deviations * Deviations;

    private double Middle => (Rate + (Square / (2 * Count))) / (1 + (Square / Count));

    private double Half =>
        Deviations / (1 + (Square / Count)) * Math.Sqrt((Rate * (1 - Rate) / Count) + (Square / (4.0 * Count * Count)));

    /// <summary>The rate and its interval: <c>0.63 [0.31, 0.86]</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Rate:0.00} [{Low:0.00}, {High:0.00}]");
}
