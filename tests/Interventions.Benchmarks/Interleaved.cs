using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>One of the ways to do something.</summary>
/// <param name="Run">Does it once.</param>
/// <param name="Scale">What its time is multiplied by: a sample of it is done, or it several times.</param>
/// <param name="WarmUp">Some of it that makes the rest as fast as it gets; by default all.</param>
internal sealed record Side(Action Run, double Scale = 1, Action? WarmUp = null);

/// <summary>Times several sides in turn, so that whatever the machine does meets all alike.</summary>
internal static class Interleaved
{
    private const double PatienceInMilliseconds = 6000;

    /// <summary>Every side as often as asked for, after its warm-up.</summary>
    public static Measurement[] Measure(int repeats, params Side[] sides)
    {
        foreach (Side side in sides)
            WarmUp(side.WarmUp ?? side.Run);
        List<double>[] times = [.. sides.Select(_ => new List<double>())];
        for (int i = 0; i < repeats; i++)
        {
            for (int j = 0; j < sides.Length; j++)
            {
                // Whoever goes second finds warmer caches: take turns.
                int side = (i + j) % sides.Length;
                times[side].Add(Time(sides[side].Run) * sides[side].Scale);
            }
        }
        return [.. times.Select(milliseconds => new Measurement(milliseconds))];
    }

    /// <summary>How long it takes, with everything freed that it leaves behind.</summary>
    public static double Time(Action action)
    {
        using DisposeScope scope = NewDisposeScope();
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>Until it gets no faster: .NET compiles what is hot again, better, some calls later.</summary>
    private static void WarmUp(Action action)
    {
        List<double> times = [];
        do
            times.Add(Time(action));
        while (times.Sum() < PatienceInMilliseconds && (times.Count < 5 || times[^2..].Min() < 0.97 * times[..^2].Min()));
    }
}
