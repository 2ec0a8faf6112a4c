using System.Runtime.InteropServices;

namespace Interventions.Testing.Support;

/// <summary>What the C library has handed out, to tensors above all; .NET's own heap lies elsewhere.</summary>
public static class NativeHeap
{
    /// <summary>Whether the library says how much that is: GNU's, from 2.33 on.</summary>
    public static bool IsKnown { get; } =
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out nint library)
            && NativeLibrary.TryGetExport(library, "mallinfo2", out _);

    public static long BytesInUse()
    {
        Information found = mallinfo2();
        return (long)(found.MappedBytes + found.UsedBytes);
    }

    [DllImport("libc.so.6", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern Information mallinfo2();

    /// <summary>Ten numbers, of which two matter.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Information
    {
        private readonly nuint _arena, _freeChunks, _freeFastChunks, _mappings;
        public readonly nuint MappedBytes;
        private readonly nuint _unused, _freeFastBytes;
        public readonly nuint UsedBytes;
        private readonly nuint _freeBytes, _trimmable;
    }
}
