namespace TorchSharp;

public static partial class torch
{
    public enum ScalarType : sbyte
    {
        Byte = 0,
        Int8 = 1,
        Int16 = 2,
        Int32 = 3,
        Int64 = 4,
        Float16 = 5,
        Float32 = 6,
        Float64 = 7,
        ComplexFloat32 = 9,
        ComplexFloat64 = 10,
        Bool = 11,
        BFloat16 = 15,
    }

    public enum RoundingMode
    {
        None = 0,
        trunc = 1,
        floor = 2,
    }

    public static ScalarType @bool = ScalarType.Bool;
    public static ScalarType uint8 = ScalarType.Byte;
    public static ScalarType int8 = ScalarType.Int8;
    public static ScalarType int16 = ScalarType.Int16;
    public static ScalarType int32 = ScalarType.Int32;
    public static ScalarType int64 = ScalarType.Int64;
    public static ScalarType bfloat16 = ScalarType.BFloat16;
    public static ScalarType float16 = ScalarType.Float16;
    public static ScalarType float32 = ScalarType.Float32;
    public static ScalarType float64 = ScalarType.Float64;
    public static ScalarType @short = ScalarType.Int16;
    public static ScalarType @int = ScalarType.Int32;
    public static ScalarType @long = ScalarType.Int64;
    public static ScalarType half = ScalarType.Float16;
    public static ScalarType @float = ScalarType.Float32;
    public static ScalarType @double = ScalarType.Float64;

    private static ScalarType s_dtype = ScalarType.Float32;
    private static Device s_device = new(DeviceType.CPU);

    public static ScalarType get_default_dtype() => s_dtype;
    public static void set_default_dtype(ScalarType dtype) => s_dtype = dtype;
    public static Device get_default_device() => s_device;
    public static void set_default_device(Device device) => s_device = device;
    public static void set_default_device(string device) => s_device = new Device(device);

    public static bool is_integral(ScalarType type) => type is ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 or ScalarType.Int64 or ScalarType.Bool;
    public static bool is_floating_point(ScalarType type) => type is ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16;
    public static bool is_complex(ScalarType type) => type is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;
    public static bool is_integral(Tensor t) => is_integral(t.dtype);

    private static ScalarType TypeOf(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => ScalarType.Bool,
        TypeCode.Byte => ScalarType.Byte,
        TypeCode.SByte => ScalarType.Int8,
        TypeCode.Int16 => ScalarType.Int16,
        TypeCode.Int32 => ScalarType.Int32,
        TypeCode.Int64 => ScalarType.Int64,
        TypeCode.Single => ScalarType.Float32,
        TypeCode.Double => ScalarType.Float64,
        _ when type == typeof(Half) => ScalarType.Float16,
        _ => throw new NotSupportedException($"torch has no scalar type for {type.Name}"),
    };

    public class Device
    {
        public Device(string description)
        {
            var parts = description.Split(':');
            type = Enum.Parse<DeviceType>(parts[0].ToUpperInvariant());
            if (parts.Length > 1) index = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
        }

        public Device(string deviceType, int index = -1) : this(Enum.Parse<DeviceType>(deviceType.ToUpperInvariant()), index) { }
        public Device(int index) : this(DeviceType.CUDA, index) { }
        public Device(DeviceType deviceType, int index = -1) => (type, this.index) = (deviceType, index);

        public DeviceType type { get; }
        public int index { get; } = -1;

        public static implicit operator Device(string description) => new(description);

        public override string ToString() => type == DeviceType.CPU || index == -1 ? type.ToString().ToLowerInvariant() : $"{type.ToString().ToLowerInvariant()}:{index}";
    }

    public static readonly Device CPU = new(DeviceType.CPU);
    public static readonly Device META = new(DeviceType.META);

    public static Device device(string description) => Checked(new Device(description));
    public static Device device(string deviceType, int index = -1) => Checked(new Device(deviceType, index));
    public static Device device(DeviceType deviceType, int index = -1) => Checked(new Device(deviceType, index));
    public static Device device(int index) => Checked(new Device(index));
    public static Device CUDA => device(DeviceType.CUDA);

    private static Device Checked(Device device) => device.type is DeviceType.CPU or DeviceType.META
        ? device
        : throw new InvalidOperationException($"Torch device type {device.type} did not initialise on the current machine: the compat build runs on the CPU.");

    public static Device InitializeDevice(Device? device) => Checked(device ?? get_default_device());
    public static void InitializeDeviceType(DeviceType deviceType) => Checked(new Device(deviceType));
    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType is DeviceType.CPU or DeviceType.META;
    public static bool cuda_is_available() => false;

    public static partial class cuda
    {
        public static bool is_available() => false;
        public static int device_count() => 0;
        public static void manual_seed(long seed) { }
        public static void synchronize(Device? device = null) { }
    }

    public static int get_num_threads() => Bridge.Native.tsc_get_num_threads();
    public static void set_num_threads(int num) => Bridge.Native.tsc_set_num_threads(num);
    public static int get_num_interop_threads() => Bridge.Native.tsc_get_num_interop_threads();
    public static void set_num_interop_threads(int num) => Bridge.Native.Check(Bridge.Native.tsc_set_num_interop_threads(num));

    public static DisposeScope NewDisposeScope() => DisposeScopeManager.ThreadSingleton.Open();

    /// <summary>Evaluates in a scope of its own and keeps only the result.</summary>
    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }
}
