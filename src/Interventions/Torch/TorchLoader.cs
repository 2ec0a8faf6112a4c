using System.ComponentModel;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Runtime.Loader;
using System.Security.Cryptography;
using Interventions.Files;

namespace Interventions.Runtime;

/// <summary>
/// Makes TorchSharp's libraries load, or says in one sentence why they do not. Generated code calls it before the first line of every
/// program and test project that references this package.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class TorchLoader
{
    private const string Managed = "LibTorchSharp", Library = "libLibTorchSharp.so", Version = "2.10.0";
    private static readonly Lock s_gate = new();
    private static bool s_is_prepared;
    private static nint s_library;

    /// <summary>Prepares the process; a second call does nothing. Loads nothing itself.</summary>
    // CA2255: a library must prepare the loading of another one before any code runs.
#pragma warning disable CA2255
    [ModuleInitializer]
#pragma warning restore CA2255
    public static void Prepare()
    {
        lock (s_gate)
        {
            if (s_is_prepared || !OperatingSystem.IsLinux())
                return;
            s_is_prepared = true;
        }
        // OpenMP's idle threads spin for a while. If another process keeps the cores busy, they spin against it, and a pass takes several
        // times as long. libtorch reads the variable while it loads; a value that the user has set stays.
        _ = setenv("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
        // MKL otherwise adds up in an order that depends on a matrix's place in memory, so that two equal runs may differ in the last bit;
        // a resumed run must not. The cost was too small to measure.
        if (Avx2.IsSupported)
            _ = setenv("MKL_CBWR", Avx512F.IsSupported ? "AVX512,STRICT" : "AVX2,STRICT", overwrite: 0);
        // The event is raised only if the runtime has found no library that loads.
        Assembly torchSharp = typeof(TorchSharp.torch).Assembly;
        (AssemblyLoadContext.GetLoadContext(torchSharp) ?? AssemblyLoadContext.Default).ResolvingUnmanagedDll += Resolve;
    }

    /// <summary>Which library of torch is not there, before anything is loaded; <see langword="null"/> when nothing is missing.</summary>
    internal static string? Lack()
    {
        string file = OperatingSystem.IsWindows() ? "torch_cpu.dll" : OperatingSystem.IsMacOS() ? "libtorch_cpu.dylib" : "libtorch_cpu.so";
        return Find(file) is null ? $"{file} is missing" : null;
    }

    private static nint Resolve(Assembly assembly, string name)
    {
        if (assembly != typeof(TorchSharp.torch).Assembly || name != Managed)
            return 0;
        lock (s_gate)
        {
            if (s_library != 0)
                return s_library;
            try
            {
                return s_library = LoadTorchSharp(assembly);
            }
            catch (Exception exception) when (
                exception is DllNotFoundException or IOException or UnauthorizedAccessException or BadImageFormatException)
            {
                // TorchSharp catches an exception of this handler and reports a missing package instead.
                Console.Error.WriteLine(exception.Message);
            }
            return 0;
        }
    }

    private static nint LoadTorchSharp(Assembly assembly)
    {
        string original = Find(Library)
            ?? throw Missing(Library, "TorchSharp");
        foreach (string needed in (string[])["libc10.so", "libtorch_cpu.so", "libtorch.so"])
        {
            string file = Find(needed) ?? throw Missing(needed, $"Interventions.Cpu, or libtorch-cpu-linux-x64 {Version} alone");
            Load(file, $"Reference the package libtorch-cpu-linux-x64 {Version}, whose version must be this one.");
        }
        if (NativeLibrary.TryLoad(original, out nint plain))
            return plain;
        string said = Refusal(original);
        byte[] bytes = File.ReadAllBytes(original);
        byte[] patched = OlderLibstdcxx.Patched(bytes, out string? whyNot)
            ?? throw new DllNotFoundException(
                $"TorchSharp does not load: {original}: {said} It cannot be adapted to this system, since {whyNot}. "
                + "Install libstdc++ 13 or later.");
        string copy = Copy(patched, Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]);
        nint library = Load(copy, "Install libstdc++ 13 or later.");
        try
        {
            // Without a resolver, the runtime would look for every native method of TorchSharp in the library that does not load first.
            NativeLibrary.SetDllImportResolver(assembly, (name, _, _) => name == Managed ? library : 0);
        }
        catch (InvalidOperationException)
        {
            // The program has set a resolver of its own; the event then resolves each method.
        }
        return library;
    }

    private static DllNotFoundException Missing(string file, string package) =>
        new($"TorchSharp does not load: {file} is missing. Reference the package {package}. "
            + $"(Looked for in {string.Join(", ", Folders())}.)");

    private static nint Load(string file, string whatToDo)
    {
        try
        {
            return NativeLibrary.Load(file);
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            throw new DllNotFoundException($"TorchSharp does not load: {file}: {LastLine(exception)} {whatToDo}", exception);
        }
    }

    private static string Refusal(string file)
    {
        try
        {
            NativeLibrary.Free(NativeLibrary.Load(file));
            return "";
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            return LastLine(exception);
        }
    }

    /// <summary>The loader's message, which is the last line; the runtime writes more lines before it.</summary>
    private static string LastLine(Exception exception)
    {
        const StringSplitOptions options = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        return exception.Message.Split('\n', options)[^1].TrimEnd('.') + ".";
    }

    private static string? Find(string file) => Folders().Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);

    /// <summary>The folders in which the runtime looks for native libraries.</summary>
    private static IEnumerable<string> Folders() => (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Append(Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native"))
        .Append(Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"))
        .Append(AppContext.BaseDirectory)
        .Select(Path.TrimEndingDirectorySeparator)
        .Distinct();

    /// <summary>
    /// The user's own copy of a patched library. A copy that is already there is used only if it is the same to the byte.
    /// </summary>
    private static string Copy(byte[] patched, string key)
    {
        foreach (string folder in CacheFolders())
        {
            string copy = Path.Combine(folder, "interventions", "torch", key, Library);
            try
            {
                if (!File.Exists(copy) || !File.ReadAllBytes(copy).AsSpan().SequenceEqual(patched))
                    CompleteFile.Replace(copy, stream => stream.Write(patched));
                return copy;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // There is no home, or it is read-only: the next folder is tried.
            }
        }
        throw new IOException(
            $"TorchSharp does not load: no copy of {Library} for this system can be written into {string.Join(" or ", CacheFolders())}. "
            + "Set XDG_CACHE_HOME to a folder that can be written.");
    }

    private static IEnumerable<string> CacheFolders()
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache)
            yield return cache;
        if (Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home)
            yield return Path.Combine(home, ".cache");
        yield return Path.Combine(Path.GetTempPath(), Environment.UserName);
    }

    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setenv(string name, string value, int overwrite);
}
