using System.Collections;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A shape.</summary>
    public struct Size : IEnumerable<long>
    {
        private readonly long[]? _lengths;

        public static Size Empty = new(Array.Empty<long>());

        public Size(long[] shape) => _lengths = (long[])shape.Clone();
        public Size(IEnumerable<long> shape) => _lengths = shape.ToArray();
        public Size(int[] shape) => _lengths = Array.ConvertAll(shape, static x => (long)x);
        public Size(long size) => _lengths = [size];
        public Size(int size) => _lengths = [size];
        public Size((long, long) size) => _lengths = [size.Item1, size.Item2];
        public Size((long, long, long) size) => _lengths = [size.Item1, size.Item2, size.Item3];
        public Size((long, long, long, long) size) => _lengths = [size.Item1, size.Item2, size.Item3, size.Item4];

        public static implicit operator Size(long size) => new(size);
        public static implicit operator Size((long, long) size) => new(size);
        public static implicit operator Size((long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long) size) => new(size);
        public static implicit operator Size(long[] size) => new(size);

        public long[] Shape => _lengths ?? [];
        public int Length => Shape.Length;
        public bool IsEmpty => Length == 0;
        public bool IsScalar => Length == 0;
        public long this[int idx] => Shape[idx];
        public long this[long idx] => Shape[idx];

        public long numel() => Shape.Aggregate(1L, static (product, length) => product * length);
        public Size Slice(int first, int next) => new(Shape[first..next]);
        public IEnumerable<long> Take(int i) => Shape.Take(i);
        public IEnumerator<long> GetEnumerator() => Shape.AsEnumerable().GetEnumerator();
        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public static bool operator ==(Size left, Size right) => left.Shape.AsSpan().SequenceEqual(right.Shape);
        public static bool operator !=(Size left, Size right) => !(left == right);
        public override bool Equals(object? obj) => obj is Size other && this == other;
        public override int GetHashCode() => Shape.Aggregate(0, HashCode.Combine);
    }
}
