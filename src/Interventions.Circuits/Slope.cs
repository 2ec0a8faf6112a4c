namespace Interventions.Circuits;

/// <summary>Says where a metric has no slope, so that everything that is to first order is 0.</summary>
internal static class Slope
{
    private const double Smallest = 1e-5;

    /// <summary>A warning if no score is larger than rounding may make it; none of no scores.</summary>
    public static IEnumerable<string> Warnings(IEnumerable<double> scores)
    {
        double largest = scores.Select(Math.Abs).DefaultIfEmpty(double.NaN).Max();
        if (largest <= Smallest)
            yield return FormattableString.Invariant(
                $"No score is beyond {largest:g2}: the metric has no slope where gradients are taken. A divergence from the clean run ")
                + "is least there: take another metric, or gradients on the way (steps). Where both runs are the same, nothing changes.";
    }
}
