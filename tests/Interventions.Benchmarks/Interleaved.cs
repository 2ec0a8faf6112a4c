using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>Times two ways to do the same in turn, so that whatever the machine does meets both alike.</summary>
internal static class Interleaved
{
    public static void PrintHeader() => Console.WriteLine($"{"",-44}{"minimum",10}{"median",10}{"ratio of medians",18}");

    /// <summary>Runs both sides <paramref name="repeats"/> times after a warm-up; the ratio is rival over ours: above 1 ours is faster.</summary>
    /// <param name="name">Ours.</param>
    /// <param name="rivalName">The other.</param>
    /// <param name="ours">Our side.</param>
    /// <param name="rival">The other side.</param>
    /// <param name="repeats">How often.</param>
    /// <param name="rivalScale">How often the other side would have to be done; only a sample of it is.</param>
    public static void Compare(string name, string rivalName, Action ours, Action rival, int repeats, double rivalScale = 1)
    {
        List<double> our = [], their = [];
        for (int i = -1; i < repeats; i++)
        {
            // Whoever goes second finds warmer caches: take turns.
            (double a, double b) = i % 2 == 0 ? (Time(ours), Time(rival)) : Swap(Time(rival), Time(ours));
            if (i < 0)
                continue;
            our.Add(a);
            their.Add(b * rivalScale);
        }
        Print(name, our, $"{Median(their) / Median(our),17:0.000}x");
        Print("  against " + rivalName, their, "");
    }

    private static (double Ours, double Rival) Swap(double rival, double ours) => (ours, rival);

    private static double Time(Action action)
    {
        using DisposeScope scope = NewDisposeScope();
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void Print(string name, List<double> milliseconds, string ratio) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{name,-44}{milliseconds.Min(),7:0.00} ms{Median(milliseconds),7:0.00} ms{ratio}"));

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
