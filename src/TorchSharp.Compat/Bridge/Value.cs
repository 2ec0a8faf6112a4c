using System.Runtime.InteropServices;
using System.Text;

namespace TorchSharp.Bridge;

internal enum Tag { None, Tensor, Int, Double, Bool, IntList, DoubleList, TensorList, OptionalTensorList, String, Generator, Device, Complex }

/// <summary>What the bridge reads and writes: native/bridge.h has the same 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeValue
{
    internal Tag Tag;
    internal int Count;
    internal long Bits;
}

/// <summary>One argument of an operator. It holds the managed object, so that nothing is finalized during the call.</summary>
internal readonly struct Value
{
    private readonly object? _object;
    private readonly long _bits;
    private readonly Tag _tag;

    private Value(Tag tag, object? value, long bits = 0) => (_tag, _object, _bits) = (tag, value, bits);

    public static implicit operator Value(torch.Tensor? value) => value is null ? default : new(Tag.Tensor, value);
    public static implicit operator Value(int value) => new(Tag.Int, null, value);
    public static implicit operator Value(long value) => new(Tag.Int, null, value);
    public static implicit operator Value(double value) => new(Tag.Double, null, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Value(bool value) => new(Tag.Bool, null, value ? 1 : 0);
    public static implicit operator Value(int? value) => value is { } v ? v : default(Value);
    public static implicit operator Value(long? value) => value is { } v ? v : default(Value);
    public static implicit operator Value(double? value) => value is { } v ? v : default(Value);
    public static implicit operator Value(bool? value) => value is { } v ? v : default(Value);
    public static implicit operator Value(torch.ScalarType value) => new(Tag.Int, null, (long)value);
    public static implicit operator Value(torch.ScalarType? value) => value is { } v ? v : default(Value);
    public static implicit operator Value(torch.nn.Reduction value) => new(Tag.Int, null, (long)value);
    public static implicit operator Value(torch.Device value) => new(Tag.Device, null, (byte)value.type | (long)value.index << 8);
    public static implicit operator Value(string? value) => value is null ? default : new(Tag.String, value);
    public static implicit operator Value(long[]? value) => value is null ? default : new(Tag.IntList, value);
    public static implicit operator Value(ReadOnlySpan<long> value) => new(Tag.IntList, value.ToArray());
    public static implicit operator Value(torch.Tensor[] value) => new(Tag.TensorList, value);
    public static implicit operator Value(torch.Generator? value) => value is null ? default : new(Tag.Generator, value);
    public static implicit operator Value(Scalar? value) => value is null ? default : value.IsComplex ? new(Tag.Complex, value) : new(value.Tag, null, value.Bits);

    /// <summary>A list of tensors of which some may be missing.</summary>
    internal static Value Optional(torch.Tensor?[] tensors) => new(Tag.OptionalTensorList, tensors);

    /// <summary>How many 8-byte words of scratch memory <see cref="Write"/> wants.</summary>
    internal int Scratch => _tag switch
    {
        Tag.IntList => ((long[])_object!).Length,
        Tag.TensorList or Tag.OptionalTensorList => ((torch.Tensor?[])_object!).Length,
        Tag.String => Encoding.UTF8.GetMaxByteCount(((string)_object!).Length) / 8 + 1,
        Tag.Complex => 2,
        _ => 0,
    };

    internal void KeepAlive() => GC.KeepAlive(_object);

    internal unsafe void Write(NativeValue* target, ref long* scratch)
    {
        *target = new NativeValue { Tag = _tag, Bits = _bits };
        switch (_tag)
        {
            case Tag.Tensor:
                target->Bits = ((torch.Tensor)_object!).Handle;
                return;
            case Tag.Generator:
                target->Bits = ((torch.Generator)_object!).Handle;
                return;
            case Tag.IntList:
                var list = (long[])_object!;
                list.CopyTo(new Span<long>(scratch, list.Length));
                target->Count = list.Length;
                break;
            case Tag.TensorList or Tag.OptionalTensorList:
                var tensors = (torch.Tensor?[])_object!;
                for (var i = 0; i < tensors.Length; i++) scratch[i] = tensors[i]?.Handle ?? 0;
                target->Count = tensors.Length;
                break;
            case Tag.String:
                var text = (string)_object!;
                target->Count = Encoding.UTF8.GetBytes(text, new Span<byte>(scratch, Scratch * 8));
                break;
            case Tag.Complex:
                var complex = ((Scalar)_object!).Complex;
                scratch[0] = BitConverter.DoubleToInt64Bits(complex.Real);
                scratch[1] = BitConverter.DoubleToInt64Bits(complex.Imaginary);
                break;
            default:
                return;
        }
        target->Bits = (long)scratch;
        scratch += Scratch;
    }
}
