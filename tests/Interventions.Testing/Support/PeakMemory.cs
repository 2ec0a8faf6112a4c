using System.Globalization;
using System.Runtime.InteropServices;

namespace Interventions.Testing.Support;

/// <summary>What the process holds at most while something runs, as Linux counts it.</summary>
/// <param name="Before">Its resident bytes before, with everything given back that was free.</param>
/// <param name="Peak">Its resident bytes at most.</param>
public readonly record struct PeakMemory(long Before, long Peak)
{
    public long Growth => Peak - Before;

    public static PeakMemory Of(Action action)
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        _ = Trim(0);
        // The peak is forgotten.
        File.WriteAllText("/proc/self/clear_refs", "5");
        long before = Resident("VmRSS:");
        action();
        return new PeakMemory(before, Resident("VmHWM:"));
    }

    private static long Resident(string name) =>
        1024 * long.Parse(
            File.ReadLines("/proc/self/status").First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..^2],
            CultureInfo.InvariantCulture);

    /// <summary>Gives what the allocator holds back to the system.</summary>
    [DllImport("libc.so.6", EntryPoint = "malloc_trim", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Trim(nuint keep);
}
