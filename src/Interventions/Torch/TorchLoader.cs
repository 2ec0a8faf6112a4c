using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Security.Cryptography;

namespace Interventions.Torch;

internal static class TorchLoader
{
    private const string Library = "LibTorchSharp";
    private static readonly Lock Gate = new();
    private static bool prepared;
    private static nint loaded;

    internal static void Prepare()
    {
        lock (Gate)
        {
            if (prepared)
                return;
            prepared = true;
        }
        if (!OperatingSystem.IsLinux())
            return;
        SetIfUnset("OMP_WAIT_POLICY", "PASSIVE");
        (AssemblyLoadContext.GetLoadContext(typeof(TorchSharp.torch).Assembly) ?? AssemblyLoadContext.Default).ResolvingUnmanagedDll += Resolve;
    }

    private static nint Resolve(Assembly assembly, string name)
    {
        if (name != Library || assembly != typeof(TorchSharp.torch).Assembly) return 0;
        lock (Gate)
        {
            if (loaded != 0) return loaded;
            string? file = Find("libLibTorchSharp.so");
            Console.Error.WriteLine("file " + file);
            byte[]? patched = OlderLibstdcxx.Patched(File.ReadAllBytes(file!), out string? whyNot);
            if (patched is null) { Console.Error.WriteLine(whyNot); return 0; }
            string copy = Path.Combine(Path.GetTempPath(), "x.so");
            File.WriteAllBytes(copy, patched);
            foreach (string dep in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
                NativeLibrary.TryLoad(Find(dep)!, out _);
            loaded = NativeLibrary.Load(copy);
            try { NativeLibrary.SetDllImportResolver(assembly, (n, _, _) => n == Library ? loaded : 0); } catch (InvalidOperationException) { }
            return loaded;
        }
    }

    private static string? Find(string file) => ((AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string) ?? "").Split(':').Append(AppContext.BaseDirectory)
        .Select(d => Path.Combine(d, file)).FirstOrDefault(File.Exists);

    [DllImport("libc")] private static extern int setenv(string name, string value, int overwrite);
    private static void SetIfUnset(string name, string value) => setenv(name, value, 0);
}
