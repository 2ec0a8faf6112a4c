using TorchSharp.Bridge;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            CheckType<T>();
            return new TensorAccessor<T>(device_type == DeviceType.CPU ? this : cpu());
        }

        public T item<T>() where T : unmanaged
        {
            if (NumberOfElements != 1) throw new ArgumentException("Number of elements in the tensor must be 1");
            return data<T>()[0];
        }

        private void CheckType<T>()
        {
            if (dtype == ScalarType.BFloat16) throw new ArgumentException($"No support for {dtype} in TorchSharp");
            if (dtype != TypeOf(typeof(T))) throw new ArgumentException($"{typeof(T).Name} is not compatible with {dtype}");
        }

        /// <summary>The values in place: no copy, and no protection once the tensor is gone.</summary>
        public unsafe Span<byte> bytes
        {
            get
            {
                var length = NumberOfElements * ElementSize;
                if (!is_contiguous()) throw new InvalidOperationException("Bytes() called on non-contiguous tensor.");
                if (length > int.MaxValue) throw new ArgumentException("Span only supports up to int.MaxValue elements.");
                return new Span<byte>((void*)Data(), (int)length);
            }
            set
            {
                if (!is_contiguous()) throw new InvalidOperationException("SetBytes() called on non-contiguous tensor.");
                if (NumberOfElements * ElementSize != value.Length) throw new ArgumentException("Mismatched data sizes in SetBytes().");
                value.CopyTo(new Span<byte>((void*)Data(), value.Length));
            }
        }

        /// <summary>Writes the values, of any length, one buffer at a time.</summary>
        public unsafe void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            if (!is_contiguous()) throw new InvalidOperationException("Bytes() called on non-contiguous tensor.");
            var (pointer, left) = (Data(), NumberOfElements * ElementSize);
            for (; left > 0; pointer += bufferSize, left -= bufferSize)
                stream.Write(new ReadOnlySpan<byte>((void*)pointer, (int)Math.Min(left, bufferSize)));
            GC.KeepAlive(this);
        }

        /// <summary>Overwrites the values, of any length, one buffer at a time.</summary>
        public unsafe void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            if (!is_contiguous()) throw new InvalidOperationException("Bytes() called on non-contiguous tensor.");
            var (pointer, left) = (Data(), NumberOfElements * ElementSize);
            while (left > 0)
            {
                var count = stream.Read(new Span<byte>((void*)pointer, (int)Math.Min(left, bufferSize)));
                if (count == 0) throw new EndOfStreamException();
                pointer += count;
                left -= count;
            }
            GC.KeepAlive(this);
        }

        internal nint Data()
        {
            if (device_type != DeviceType.CPU)
                throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            var pointer = Native.tsc_data(Handle);
            if (pointer == 0 && NumberOfElements > 0) Native.Throw();
            return Read(pointer);
        }

        public unsafe T ReadCpuValue<T>(long i) where T : unmanaged
        {
            CheckType<T>();
            var offset = 0L;
            var (sizes, strides) = (shape, stride());
            if (i < 0 || i >= NumberOfElements) throw new ArgumentOutOfRangeException(nameof(i));
            for (var d = sizes.Length - 1; d >= 0; d--)
            {
                offset += i % sizes[d] * strides[d];
                i /= sizes[d];
            }
            return Read(((T*)Data())[offset]);
        }

        public double ReadCpuDouble(long i) => ReadCpuValue<double>(i);
        public float ReadCpuSingle(long i) => ReadCpuValue<float>(i);
        public int ReadCpuInt32(long i) => ReadCpuValue<int>(i);
        public long ReadCpuInt64(long i) => ReadCpuValue<long>(i);
        public byte ReadCpuByte(long i) => ReadCpuValue<byte>(i);
        public bool ReadCpuBool(long i) => ReadCpuValue<bool>(i);

        /// <summary>The value of a tensor of one element, whatever its type.</summary>
        public Scalar ToScalar()
        {
            if (NumberOfElements != 1) throw new ArgumentException($"a Tensor with {NumberOfElements} elements cannot be converted to Scalar");
            if (dtype is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64)
                throw new NotSupportedException("the compat build does not read complex scalars");
            if (dtype == ScalarType.Bool) return to(ScalarType.Int64, CPU).Consume(static x => x.ReadCpuInt64(0)) != 0;
            return is_floating_point()
                ? to(ScalarType.Float64, CPU).Consume(static x => x.ReadCpuDouble(0))
                : to(ScalarType.Int64, CPU).Consume(static x => x.ReadCpuInt64(0));
        }

        private T Consume<T>(Func<Tensor, T> read)
        {
            try { return read(this); }
            finally { Dispose(); }
        }

        public static explicit operator float(Tensor value) => value.ToSingle();
        public static explicit operator double(Tensor value) => value.ToDouble();
        public static explicit operator sbyte(Tensor value) => value.ToSByte();
        public static explicit operator byte(Tensor value) => value.ToByte();
        public static explicit operator short(Tensor value) => value.ToInt16();
        public static explicit operator int(Tensor value) => value.ToInt32();
        public static explicit operator long(Tensor value) => value.ToInt64();
        public static explicit operator bool(Tensor value) => value.ToBoolean();
    }
}
