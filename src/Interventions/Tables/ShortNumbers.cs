using System.Globalization;

namespace Interventions.Tables;

/// <summary>
/// Numbers of one column: with equally many decimals, so that they line up; four digits of the largest; in the invariant culture.
/// </summary>
internal static class ShortNumbers
{
    private const int Digits = 4;
    private const double Largest = 1e7, Smallest = 1e-4;

    /// <summary>The texts.</summary>
    /// <param name="numbers">The numbers.</param>
    /// <param name="isSigned">Whether positive ones have a sign, as changes do.</param>
    public static string[] Format(IReadOnlyCollection<double> numbers, bool isSigned = false)
    {
        double largest = numbers.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        if (largest is >= Largest or (> 0 and < Smallest))
            return [.. numbers.Select(number => Signed(number, "0.###e+00"))];
        bool areWhole = numbers.All(number => !double.IsFinite(number) || number == Math.Floor(number));
        int decimals = areWhole ? 0 : Math.Max(0, Digits - 1 - (int)Math.Floor(Math.Log10(largest)));
        string format = decimals == 0 ? "0" : "0." + new string('0', decimals);
        return [.. numbers.Select(number => Signed(Math.Round(number, decimals), format))];

        // A rounded −0 is 0.
        string Signed(double number, string format) =>
            double.IsNaN(number) ? "NaN"
            : double.IsInfinity(number) ? (number < 0 ? "-∞" : isSigned ? "+∞" : "∞")
            : (isSigned && number > 0 ? "+" : "") + (number == 0 ? 0 : number).ToString(format, CultureInfo.InvariantCulture);
    }
}
