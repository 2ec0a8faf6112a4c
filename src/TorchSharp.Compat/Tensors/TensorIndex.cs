namespace TorchSharp;

public static partial class torch
{
    /// <summary>One position of an index expression.</summary>
    public struct TensorIndex
    {
        internal enum Kind { None, Single, Null, Ellipsis, Bool, Tensor, Slice }

        internal Kind Is { get; private init; }
        internal Tensor? Values { get; private init; }
        internal long? Start { get; private init; }
        internal long? Stop { get; private init; }
        internal long? Step { get; private init; }

        public static TensorIndex Ellipsis = new() { Is = Kind.Ellipsis };
        public static TensorIndex None = new() { Is = Kind.None };
        public static TensorIndex Null = new() { Is = Kind.Null };
        public static TensorIndex Colon = Slice();

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) => new() { Is = Kind.Slice, Start = start, Stop = stop, Step = step };
        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);
        public static TensorIndex Slice(Range range) => Slice(FromEnd(range.Start), range.End is { IsFromEnd: true, Value: 0 } ? null : FromEnd(range.End));
        public static TensorIndex Bool(bool value) => new() { Is = Kind.Bool, Start = value ? 1 : 0 };
        public static TensorIndex Single(long? index) => new() { Is = Kind.Single, Start = index };
        public static TensorIndex Tensor(Tensor tensor) => new() { Is = Kind.Tensor, Values = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex(Index index) => Single(FromEnd(index));
        public static implicit operator Tensor(TensorIndex value) => throw new InvalidOperationException("Should not be called.");

        private static long FromEnd(Index index) => index.IsFromEnd ? -index.Value : index.Value;
    }
}
