using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp.Bridge;

/// <summary>The C functions of native/, and the loading of the library that has them.</summary>
internal static unsafe partial class Native
{
    private const string Library = "torchsharp_compat";

    [ModuleInitializer]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, Load);

    private static nint Load(string name, System.Reflection.Assembly assembly, DllImportSearchPath? search)
    {
        if (name != Library) return 0;
        if (!NativeLibrary.TryLoad(name, assembly, search, out var library))
            throw new DllNotFoundException($"lib{Library}.so, the bridge to libtorch, was not found or libtorch is missing: run ./build.sh setup, then build again.");
        // at::get_num_threads() starts at 1 in Debian's build.
        if (!int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var threads) || threads < 1)
            threads = Environment.ProcessorCount;
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "tsc_set_num_threads"))(threads);
        return library;
    }

    /// <summary>Throws what libtorch said last on this thread.</summary>
    internal static void Check(int result)
    {
        if (result < 0) Throw();
    }

    internal static nint Check(nint handle)
    {
        if (handle == 0) Throw();
        return handle;
    }

    internal static void Throw() => throw new ExternalException(Marshal.PtrToStringUTF8(tsc_last_error()));

    [LibraryImport(Library)] private static partial nint tsc_last_error();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial nint tsc_resolve(string name, string overload);
    [LibraryImport(Library)] internal static partial int tsc_call(nint op, NativeValue* arguments, int count, NativeValue* results, int room);
    [LibraryImport(Library)] internal static partial void tsc_free_list(nint list);

    [LibraryImport(Library)] internal static partial void tsc_dispose(nint handle);
    [LibraryImport(Library)] internal static partial long tsc_live();
    [LibraryImport(Library)] internal static partial nint tsc_alias(nint handle);
    [LibraryImport(Library)] internal static partial nint tsc_data(nint handle);
    [LibraryImport(Library)] internal static partial nint tsc_from_memory(void* data, long* sizes, int count, int dtype);

    // Reading a field takes nanoseconds and cannot block: the transition to preemptive mode would be most of the cost.
    [LibraryImport(Library), SuppressGCTransition] internal static partial long tsc_dim(nint handle);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long tsc_numel(nint handle);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long tsc_storage_offset(nint handle);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int tsc_dtype(nint handle);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int tsc_device(nint handle);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int tsc_is_contiguous(nint handle);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void tsc_sizes(nint handle, long* sizes);
    [LibraryImport(Library)] internal static partial int tsc_strides(nint handle, long* strides);

    [LibraryImport(Library)] internal static partial int tsc_grad_enabled();
    [LibraryImport(Library)] internal static partial void tsc_set_grad_enabled(int enabled);
    [LibraryImport(Library)] internal static partial int tsc_requires_grad(nint handle);
    [LibraryImport(Library)] internal static partial int tsc_set_requires_grad(nint handle, int value);
    [LibraryImport(Library)] internal static partial int tsc_is_leaf(nint handle);
    [LibraryImport(Library)] internal static partial int tsc_retain_grad(nint handle);
    [LibraryImport(Library)] internal static partial nint tsc_get_grad(nint handle);
    [LibraryImport(Library)] internal static partial int tsc_set_grad(nint handle, nint gradient);
    [LibraryImport(Library)] internal static partial int tsc_grad(nint* outputs, int outputCount, nint* inputs, int inputCount, nint* gradients, int gradientCount, int retainGraph, int createGraph, int allowUnused, nint* results);
    [LibraryImport(Library)] internal static partial int tsc_backward(nint* tensors, int count, nint* gradients, int gradientCount, int retainGraph, int createGraph, nint* inputs, int inputCount);

    [LibraryImport(Library)] internal static partial nint tsc_generator(ulong seed);
    [LibraryImport(Library)] internal static partial nint tsc_default_generator();
    [LibraryImport(Library)] internal static partial void tsc_free_generator(nint generator);
    [LibraryImport(Library)] internal static partial void tsc_seed(nint generator, ulong seed);
    [LibraryImport(Library)] internal static partial ulong tsc_initial_seed(nint generator);
    [LibraryImport(Library)] internal static partial nint tsc_generator_state(nint generator);
    [LibraryImport(Library)] internal static partial int tsc_set_generator_state(nint generator, nint state);

    [LibraryImport(Library)] internal static partial int tsc_get_num_threads();
    [LibraryImport(Library)] internal static partial void tsc_set_num_threads(int count);
    [LibraryImport(Library)] internal static partial int tsc_get_num_interop_threads();
    [LibraryImport(Library)] internal static partial int tsc_set_num_interop_threads(int count);
}
