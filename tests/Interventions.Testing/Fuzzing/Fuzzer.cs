using System.Diagnostics;
using Interventions.Testing.Support;

namespace Interventions.Testing.Fuzzing;

/// <summary>
/// Reads damaged files of a format, many of them. Each is read, or refused with one clear exception of a documented kind; none crashes,
/// takes long, leaves a tensor, or takes more memory than a file of its size should.
/// </summary>
public static class Fuzzer
{
    private const int MostFailures = 10;

    /// <summary>What a small file may make a reader allocate, in bytes, and what it may for each of its bytes.</summary>
    private const long Always = 4 << 20, ForEachByte = 2000;

    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(10);

    /// <summary>Reads inputs one after the other.</summary>
    /// <param name="format">Their format.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Equal seeds give equal inputs.</param>
    /// <param name="atMost">Ends the run earlier.</param>
    /// <param name="first">The number of the first.</param>
    public static FuzzReport Run(FuzzFormat format, long count, int seed = 0, TimeSpan? atMost = null, long first = 0)
    {
        FuzzReport report = new(format.Name);
        Stopwatch clock = Stopwatch.StartNew();
        long tensors = LiveTensors.Count();
        for (long number = first; number < first + count && report.Failures.Count < MostFailures; number++)
        {
            if (clock.Elapsed > atMost)
                break;
            Try(format, Input(format, seed, number), number, report);
        }
        if (LiveTensors.Count() > tensors)
            report.Failures.Add($"{LiveTensors.Count() - tensors} tensors were left");
        report.Duration = clock.Elapsed;
        return report;
    }

    /// <summary>The damaged file of a number.</summary>
    public static byte[] Input(FuzzFormat format, int seed, long number)
    {
        Random random = new((int)((((ulong)number * 0x9E3779B97F4A7C15) + ((ulong)seed * 0xC2B2AE3D27D4EB4F)) >> 33));
        FuzzSeed start = format.Seeds[random.Next(format.Seeds.Count)];
        List<byte> bytes = [.. start.Bytes];
        // One change alone goes deepest into a reader.
        for (int changes = random.Next(2) == 0 ? 1 : 2 + random.Next(3); changes > 0; changes--)
            FuzzMutations.Apply(bytes, format, random);
        return start.Wrap([.. bytes]);
    }

    private static void Try(FuzzFormat format, byte[] input, long number, FuzzReport report)
    {
        report.Inputs++;
        Stopwatch clock = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        string? failure = null;
        try
        {
            format.Read(input);
            report.Read++;
        }
        catch (Exception error) when (format.Refusals.Contains(error.GetType()))
        {
            if (error.Message.Length is 0 or > 2000 || error.Message.Any(character => char.IsControl(character)))
                failure = $"a message of {error.Message.Length} characters, or with control characters: {error.Message}";
        }
        catch (Exception error)
        {
            failure = $"{error}";
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        report.MostAllocated = Math.Max(report.MostAllocated, allocated);
        report.Longest = clock.Elapsed > report.Longest ? clock.Elapsed : report.Longest;
        if (allocated > Always + (ForEachByte * input.Length))
            failure ??= $"{allocated} bytes were allocated for a file of {input.Length}";
        if (clock.Elapsed > s_longest)
            failure ??= $"it took {clock.Elapsed.TotalSeconds:0} seconds";
        if (failure is not null)
            report.Failures.Add($"{format.Name} {number}: {failure}");
    }
}

/// <summary>What came of it.</summary>
public sealed class FuzzReport(string format)
{
    public string Format => format;

    public long Inputs { get; set; }

    /// <summary>How many were read; the others were refused.</summary>
    public long Read { get; set; }

    /// <summary>The most bytes that .NET's heap gave for one input.</summary>
    public long MostAllocated { get; set; }

    public TimeSpan Longest { get; set; }

    public TimeSpan Duration { get; set; }

    public List<string> Failures { get; } = [];
}
