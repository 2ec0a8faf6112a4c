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
    public static string[] Format(IReadOnlyCollection<double> errors) =>
        [.. errors.Zip(ShortNumbers.Format(errors), (error, text) => double.IsFinite(error) ? text : "")];
}
