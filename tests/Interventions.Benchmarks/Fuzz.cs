using System.Globalization;
using Interventions.Testing.Fuzzing;

namespace Interventions.Benchmarks;

/// <summary>Damaged files by the million.</summary>
internal static class Fuzz
{
    /// <summary>Whether each was read, or refused with one clear exception.</summary>
    public static bool Print(string? count, string? name, string? first)
    {
        long inputs = long.Parse(count ?? "1000000", CultureInfo.InvariantCulture);
        Console.WriteLine(
            $"{"format",-16}{"inputs",12}{"read",12}{"refused",12}{"KiB at most",13}{"ms at most",12}{"seconds",10}{"failures",10}");
        bool isGood = true;
        using FuzzFormats formats = new();
        foreach (string format in FuzzFormats.Names.Where(format => name is null || format == name))
        {
            FuzzReport report = Fuzzer.Run(formats[format], inputs, first: long.Parse(first ?? "0", CultureInfo.InvariantCulture));
            Console.WriteLine(
                $"{format,-16}{report.Inputs,12:#,0}{report.Read,12:#,0}{report.Inputs - report.Read,12:#,0}"
                    + $"{report.MostAllocated / 1024,13:#,0}{report.Longest.TotalMilliseconds,12:#,0}{report.Duration.TotalSeconds,10:#,0}"
                    + $"{report.Failures.Count,10}");
            report.Failures.ForEach(Console.WriteLine);
            isGood &= report.Failures.Count == 0;
        }
        Console.WriteLine($"The process took {Environment.WorkingSet / 1048576} MiB at its end.");
        return isGood;
    }
}
