using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>How far a mean over prompts may be off.</summary>
internal static class Spread
{
    /// <summary>The standard error of a mean: the standard deviation (of n − 1) over √n; NaN for one number.</summary>
    public static double StandardError(IReadOnlyCollection<double> numbers)
    {
        double mean = numbers.Average();
        return Math.Sqrt(numbers.Sum(number => (number - mean) * (number - mean)) / (numbers.Count - 1) / numbers.Count);
    }

    /// <summary>Standard errors for a table: nothing where there is one number.</summary>
    public static string[] Format(IReadOnlyList<double> errors)
    {
        string[] texts = ShortNumbers.Format([.. errors.Where(double.IsFinite)]);
        int next = 0;
        return [.. errors.Select(error => double.IsFinite(error) ? texts[next++] : "")];
    }
}
