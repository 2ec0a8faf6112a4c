using TorchSharp.Bridge;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public long Dimensions => Read(Native.tsc_dim(Handle));
        public long dim() => Dimensions;
        public long ndim => Dimensions;
        public long NumberOfElements => Read(Native.tsc_numel(Handle));
        public long numel() => NumberOfElements;
        public long ElementSize => dtype.ElementSize();
        public long element_size() => ElementSize;
        public ScalarType dtype => (ScalarType)Read(Native.tsc_dtype(Handle));
        public DeviceType device_type => (DeviceType)(Read(Native.tsc_device(Handle)) & 0xff);
        public int device_index => Read(Native.tsc_device(Handle)) >> 8;
        public Device device => device_type == DeviceType.CPU ? CPU : device_type == DeviceType.META ? META : new Device(device_type, device_index);

        public bool is_integral() => torch.is_integral(dtype);
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_complex() => torch.is_complex(dtype);
        public bool is_cpu() => device_type == DeviceType.CPU;
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_contiguous() => Read(Native.tsc_is_contiguous(Handle)) != 0;
        public long storage_offset() => Read(Native.tsc_storage_offset(Handle));

        public bool is_nonzero() => numel() == 1
            ? Operator.Ask("is_nonzero", this)
            : throw new InvalidOperationException("is_nonzero() called on non-singleton tensor");

        public long[] shape => size();

        public unsafe long[] size()
        {
            var sizes = new long[Dimensions];
            fixed (long* first = sizes) Native.tsc_sizes(Handle, first);
            return Read(sizes);
        }

        public unsafe long size(int dim)
        {
            var rank = (int)Dimensions;
            if (dim < -rank || dim >= rank)
                throw new System.Runtime.InteropServices.ExternalException($"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})");
            var sizes = stackalloc long[rank];
            Native.tsc_sizes(Handle, sizes);
            return Read(sizes[dim < 0 ? dim + rank : dim]);
        }

        public unsafe long[] stride()
        {
            var strides = new long[Dimensions];
            fixed (long* first = strides) Native.Check(Native.tsc_strides(Handle, first));
            return Read(strides);
        }

        public long stride(int dim)
        {
            var strides = stride();
            return strides[dim < 0 ? dim + strides.Length : dim];
        }

        // What was read is returned only once this object has outlived the reading.
        private T Read<T>(T value)
        {
            GC.KeepAlive(this);
            return value;
        }
    }
}
