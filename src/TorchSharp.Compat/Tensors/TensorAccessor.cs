using System.Collections;

namespace TorchSharp.Utils;

/// <summary>Element access to a tensor on the CPU, in row-major order whatever its strides. It keeps the tensor alive.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly long[] _sizes, _strides;
    private readonly bool _contiguous;
    private torch.Tensor? _tensor;
    private readonly T* _data;

    internal TensorAccessor(torch.Tensor tensor)
    {
        _tensor = tensor;
        _data = (T*)tensor.Data();
        (_sizes, _strides, Count, _contiguous) = (tensor.shape, tensor.stride(), tensor.numel(), tensor.is_contiguous());
    }

    public long Count { get; }
    public bool IsReadOnly => false;

    public T[] ToArray()
    {
        var array = new T[Count];
        CopyTo(array.AsSpan());
        return array;
    }

    /// <summary>An array with the tensor's dimensions; of a scalar, an array of one.</summary>
    public Array ToNDArray()
    {
        if (_sizes.Length == 0) return new[] { this[0] };
        var array = Array.CreateInstance(typeof(T), _sizes);
        fixed (byte* target = &System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(array))
            CopyTo(new Span<T>(target, checked((int)Count)));
        return array;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = Room(array.Length, arrayIndex, tensorIndex);
        if (_contiguous) new ReadOnlySpan<T>(Data + tensorIndex, count).CopyTo(array[arrayIndex..]);
        else for (var i = 0; i < count; i++) array[arrayIndex + i] = Data[Offset(tensorIndex + i)];
        GC.KeepAlive(_tensor);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = Room(array.Length, arrayIndex, tensorIndex);
        if (_contiguous) array.Slice(arrayIndex, count).CopyTo(new Span<T>(Data + tensorIndex, count));
        else for (var i = 0; i < count; i++) Data[Offset(tensorIndex + i)] = array[arrayIndex + i];
        GC.KeepAlive(_tensor);
    }

    public T this[params long[] indices]
    {
        // The pointer alone does not keep a temporary tensor, as in x.sum().data<float>()[0], from being finalized before it is read.
        get
        {
            var value = Data[Offset(indices)];
            GC.KeepAlive(_tensor);
            return value;
        }
        set
        {
            Data[Offset(indices)] = value;
            GC.KeepAlive(_tensor);
        }
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (var i = 0L; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public static bool operator ==(TensorAccessor<T> left, TensorAccessor<T> right) => left.SequenceEqual(right);
    public static bool operator !=(TensorAccessor<T> left, TensorAccessor<T> right) => !(left == right);
    public override bool Equals(object? obj) => obj is TensorAccessor<T> other && this == other;
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    public void Dispose() => _tensor = null;

    private T* Data => _tensor is { IsInvalid: false } ? _data : throw new InvalidOperationException("Tensor invalid -- empty handle.");

    private int Room(int length, int arrayIndex, long tensorIndex)
    {
        if (Count == 0) return 0;
        if (tensorIndex < 0 || tensorIndex >= Count) throw new ArgumentOutOfRangeException(nameof(tensorIndex));
        return (int)Math.Min(Math.Max(length - arrayIndex, 0), Count - tensorIndex);
    }

    private long Offset(long[] indices)
    {
        if (indices.Length == 1)
        {
            if (indices[0] >= Count || indices[0] < 0) throw new IndexOutOfRangeException();
            return Offset(indices[0]);
        }
        var offset = 0L;
        for (var i = 0; i < _sizes.Length; i++)
        {
            if (indices[i] < 0 || indices[i] >= _sizes[i]) throw new IndexOutOfRangeException($"{indices[i]} >= {_sizes[i]} in dimension {i}.");
            offset += indices[i] * _strides[i];
        }
        return offset;
    }

    private long Offset(long index)
    {
        if (_contiguous) return index;
        var offset = 0L;
        for (var d = _sizes.Length - 1; d >= 0; d--)
        {
            (index, var at) = Math.DivRem(index, _sizes[d]);
            offset += at * _strides[d];
        }
        return offset;
    }
}
