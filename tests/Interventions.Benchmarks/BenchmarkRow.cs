using System.Globalization;

namespace Interventions.Benchmarks;

/// <summary>A row of the table: two sides, measured in turn.</summary>
/// <param name="Name">What is done.</param>
/// <param name="Ours">How long ours takes.</param>
/// <param name="RivalName">What else does the same.</param>
/// <param name="Rival">How long that takes.</param>
internal sealed record BenchmarkRow(string Name, Measurement Ours, string RivalName, Measurement Rival)
{
    private static int s_goals, s_met;

    /// <summary>By which factor ours should be faster, at least.</summary>
    public double? Goal { get; init; }

    /// <summary>Floating-point operations of our matrix products, and of the rival's.</summary>
    public (double Ours, double Rival)? Operations { get; init; }

    /// <summary>How much of our time the nodes take whose functions are matrix products.</summary>
    public double? Products { get; init; }

    /// <summary>What else there is to say of the rival.</summary>
    public string Remark { get; init; } = "";

    public static void PrintHeader()
    {
        Console.WriteLine($"{"",-33}{"milliseconds",17}{"rival's time / ours",21}{"",14}{"",6}{"GFLOP",6}{"prod.",6}");
        Console.WriteLine($"{"",-33}{"min.",9}{"median",8}{"min.",7}{"median",7}{"GFLOP",7}{"goal",6}{"",8}{"GFLOP",6}{"/s",6}{"%",6}");
    }

    /// <summary>How many goals were met, of the rows so far.</summary>
    public static void PrintSummary() => Console.WriteLine($"{s_met} of {s_goals} goals met");

    public void Print()
    {
        double least = Rival.Minimum / Ours.Minimum, middle = Rival.Median / Ours.Median;
        Console.WriteLine(string.Concat(
            $"{Name,-33}{Milliseconds(Ours)}{Ratio(least, 7)}{Ratio(middle, 7)}{Ratio(Operations?.Rival / Operations?.Ours, 7)}",
            $"{Ratio(Goal, 6)}{(Goal is { } goal ? Met(least >= goal, middle >= goal) : ""),8}",
            $"{Number(Operations?.Ours / 1e9, 6)}{Number(Operations?.Ours / 1e6 / Ours.Minimum, 6)}{Number(100 * Products, 6)}"));
        Console.WriteLine($"{"  " + RivalName,-33}{Milliseconds(Rival)}{(Remark.Length == 0 ? "" : "  " + Remark)}");
    }

    /// <summary>Enough digits to compare by.</summary>
    public static string Number(double? value, int width) =>
        (value?.ToString(value >= 100 ? "#,0" : value >= 10 ? "0.0" : value >= 1 ? "0.00" : "0.000", CultureInfo.InvariantCulture) ?? "-")
            .PadLeft(width);

    /// <summary>Counts a goal, and says whether it is met: by the minima, and by the medians too.</summary>
    public static string Met(bool byMinimum, bool byMedian)
    {
        s_goals++;
        if (!byMinimum)
            return "not met";
        s_met++;
        return byMedian ? "met" : "min.met";
    }

    private static string Milliseconds(Measurement of) => Number(of.Minimum, 9) + Number(of.Median, 8);

    private static string Ratio(double? value, int width) =>
        (value is null ? "-" : value.Value.ToString(value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture) + "x").PadLeft(width);
}
