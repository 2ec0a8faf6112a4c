using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Bridge;

namespace TorchSharp;

public static partial class torch
{
    // ---- what every factory does ----

    private static Tensor Made(string op, ReadOnlySpan<long> size, ScalarType? dtype, Device? device, bool requires_grad, string[]? names = null) =>
        Finish(Operator.Call(op, size, dtype ?? get_default_dtype(), default, device ?? get_default_device()), requires_grad, names);

    private static Tensor Made(string op, ReadOnlySpan<long> size, Scalar value, ScalarType dtype, Device? device, bool requires_grad, string[]? names) =>
        Finish(Operator.Call(op, size, value, dtype, default, device ?? get_default_device()), requires_grad, names);

    private static Tensor Drawn(string op, ReadOnlySpan<long> size, Generator? generator, ScalarType? dtype, Device? device, bool requires_grad, string[]? names) =>
        Finish(Operator.Call(op, size, generator, dtype ?? get_default_dtype(), default, device ?? get_default_device()), requires_grad, names);

    private static Tensor Like(string op, Tensor input, ScalarType? dtype, Device? device, bool requires_grad, string[]? names = null) =>
        Finish(Operator.Call(op, input, dtype ?? input.dtype, default, device ?? input.device), requires_grad, names);

    private static Tensor Finish(Tensor made, bool requires_grad, string[]? names = null)
    {
        if (names is { Length: > 0 }) throw new NotSupportedException("the compat build has no named dimensions");
        return requires_grad ? made.requires_grad_() : made;
    }

    private static ScalarType Kind(Scalar value) => value.Type == ScalarType.Float64 ? get_default_dtype() : value.Type;

    /// <summary>A tensor that owns a copy of the values.</summary>
    private static unsafe Tensor Copied<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> size, ScalarType? dtype, Device? device, bool requires_grad, string[]? names = null) where T : unmanaged
    {
        var count = 1L;
        foreach (var length in size) count *= length;
        if (count > values.Length) throw new ArgumentException($"mismatched total size creating a tensor from an array: {count} vs. {values.Length}");

        var (from, to) = (TypeOf(typeof(T)), device ?? get_default_device());
        nint handle;
        fixed (T* first = values)
        fixed (long* sizes = size)
            handle = Native.Check(Native.tsc_from_memory(first, sizes, size.Length, (int)from));
        var made = new Tensor(handle);
        if ((dtype ?? from) != from || to.type != DeviceType.CPU) made = made.to(dtype ?? from, to, disposeAfter: true);
        return Finish(made, requires_grad, names);
    }

    private static ReadOnlySpan<T> Flat<T>(IList<T> list) => list switch
    {
        T[] array => array,
        List<T> values => CollectionsMarshal.AsSpan(values),
        _ => list.ToArray(),
    };

    private static ReadOnlySpan<T> Flat<T>(Array array) where T : unmanaged =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(array)), array.Length);

    // ---- the rest of them ----

    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => Like("zeros_like", input, dtype, device, requires_grad, names);
    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => Like("ones_like", input, dtype, device, requires_grad, names);
    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => Like("empty_like", input, dtype, device, requires_grad, names);
    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Like("rand_like", input, dtype, device, requires_grad);
    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Like("randn_like", input, dtype, device, requires_grad);

    public static Tensor full_like(Tensor input, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Finish(Operator.Call("full_like", input, value, dtype ?? input.dtype, default, device ?? input.device), requires_grad, names);

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
    {
        var integral = is_integral(start.Type) && is_integral(stop.Type) && is_integral(step.Type);
        var type = dtype ?? (integral ? ScalarType.Int64 : get_default_dtype());
        return Finish(Operator.Call("arange.start_step", start, stop, step, type, default, device ?? get_default_device()), requires_grad);
    }

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => arange(start, stop, 1, dtype, device, requires_grad);
    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor eye(long rows, long columns = -1L, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Finish(Operator.Call("eye.m", rows, columns == -1 ? rows : columns, dtype ?? get_default_dtype(), default, device ?? get_default_device()), requires_grad, names);

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finish(Operator.Call("linspace", start, end, steps, dtype ?? get_default_dtype(), default, device ?? get_default_device()), requires_grad);

    /// <summary>A tensor over a file's bytes: memory mapped, so that pages are read when touched. Writes reach the file only if <paramref name="shared"/>.</summary>
    public static Tensor from_file(string filename, bool? shared = null, long? size = 0, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finish(Operator.Call("from_file", filename, shared, size, dtype ?? get_default_dtype(), default, device ?? get_default_device()), requires_grad);

    public static Tensor from_array(Array rawArray, Device? device = null) => from_array(rawArray, null, device ?? CPU);

    /// <summary>A copy, where TorchSharp shares the array's memory.</summary>
    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        var size = Enumerable.Range(0, rawArray.Rank).Select(d => (long)rawArray.GetLength(d)).ToArray();
        return TypeOf(rawArray.GetType().GetElementType()!) switch
        {
            ScalarType.Bool => Copied(Flat<bool>(rawArray), size, dtype, device, requires_grad, names),
            ScalarType.Byte => Copied(Flat<byte>(rawArray), size, dtype, device, requires_grad, names),
            ScalarType.Int8 => Copied(Flat<sbyte>(rawArray), size, dtype, device, requires_grad, names),
            ScalarType.Int16 => Copied(Flat<short>(rawArray), size, dtype, device, requires_grad, names),
            ScalarType.Int32 => Copied(Flat<int>(rawArray), size, dtype, device, requires_grad, names),
            ScalarType.Int64 => Copied(Flat<long>(rawArray), size, dtype, device, requires_grad, names),
            ScalarType.Float16 => Copied(Flat<Half>(rawArray), size, dtype, device, requires_grad, names),
            ScalarType.Float32 => Copied(Flat<float>(rawArray), size, dtype, device, requires_grad, names),
            _ => Copied(Flat<double>(rawArray), size, dtype, device, requires_grad, names),
        };
    }

    public static Tensor as_tensor(Array data, ScalarType? dtype = null, Device? device = null) => from_array(data, dtype, device);
}
