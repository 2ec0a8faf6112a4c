using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp.Bridge;

/// <summary>Calls ATen operators by "name.overload". Trailing arguments may be left out: the schema's defaults apply.</summary>
internal static unsafe class Operator
{
    private static readonly ConcurrentDictionary<string, nint> s_resolved = new();

    /// <summary>The one tensor that the operator returns.</summary>
    internal static torch.Tensor Call(string name, params ReadOnlySpan<Value> arguments)
    {
        NativeValue result;
        Invoke(name, arguments, &result, 1);
        return new torch.Tensor((nint)result.Bits);
    }

    /// <summary>Calls an operator for what it does.</summary>
    internal static void Do(string name, params ReadOnlySpan<Value> arguments) => Invoke(name, arguments, null, 0);

    internal static bool Ask(string name, params ReadOnlySpan<Value> arguments)
    {
        NativeValue result;
        Invoke(name, arguments, &result, 1);
        return result.Bits != 0;
    }

    internal static (torch.Tensor, torch.Tensor) Pair(string name, params ReadOnlySpan<Value> arguments)
    {
        var results = stackalloc NativeValue[2];
        Invoke(name, arguments, results, 2);
        return (new torch.Tensor((nint)results[0].Bits), new torch.Tensor((nint)results[1].Bits));
    }

    internal static (torch.Tensor, torch.Tensor, torch.Tensor) Triple(string name, params ReadOnlySpan<Value> arguments)
    {
        var results = stackalloc NativeValue[3];
        Invoke(name, arguments, results, 3);
        return (new torch.Tensor((nint)results[0].Bits), new torch.Tensor((nint)results[1].Bits), new torch.Tensor((nint)results[2].Bits));
    }

    internal static torch.Tensor[] List(string name, params ReadOnlySpan<Value> arguments)
    {
        NativeValue result;
        Invoke(name, arguments, &result, 1);
        var tensors = new torch.Tensor[result.Count];
        for (var i = 0; i < tensors.Length; i++) tensors[i] = new torch.Tensor(((nint*)result.Bits)[i]);
        Native.tsc_free_list((nint)result.Bits);
        return tensors;
    }

    [SkipLocalsInit]
    private static void Invoke(string name, ReadOnlySpan<Value> arguments, NativeValue* results, int room)
    {
        const int Enough = 64;
        var op = s_resolved.TryGetValue(name, out var known) ? known : Resolve(name);
        var words = 0;
        foreach (ref readonly var argument in arguments) words += argument.Scratch;

        var native = stackalloc NativeValue[arguments.Length];
        var scratch = stackalloc long[words <= Enough ? words : 0];
        var heap = words <= Enough ? null : (long*)NativeMemory.Alloc((nuint)words, sizeof(long));
        try
        {
            var next = heap is null ? scratch : heap;
            for (var i = 0; i < arguments.Length; i++) arguments[i].Write(native + i, ref next);
            if (Native.tsc_call(op, native, arguments.Length, results, room) < room) Fail();
        }
        finally
        {
            if (heap is not null) NativeMemory.Free(heap);
        }
        // The native side takes its own references first thing; until then the managed tensors must not be finalized.
        foreach (ref readonly var argument in arguments) argument.KeepAlive();
    }

    private static void Fail() => Native.Throw();

    private static nint Resolve(string name)
    {
        var dot = name.IndexOf('.');
        var (bare, overload) = dot < 0 ? (name, "") : (name[..dot], name[(dot + 1)..]);
        return s_resolved.GetOrAdd(name, Native.Check(Native.tsc_resolve("aten::" + bare, overload)));
    }
}
