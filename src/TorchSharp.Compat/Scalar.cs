using System.Numerics;
using TorchSharp.Bridge;

namespace TorchSharp;

/// <summary>A number given to an operator. Here it is a plain managed value; disposing it only marks it.</summary>
public sealed class Scalar : IDisposable
{
    private readonly Tag _tag;
    private readonly Complex _complex;
    private readonly long _bits;
    private bool _disposed;

    private Scalar(Tag tag, long bits) => (_tag, _bits) = (tag, bits);
    private Scalar(Complex value) => (_tag, _complex) = (Tag.Complex, value);

    internal Tag Tag => _disposed ? throw new InvalidOperationException("Scalar invalid -- empty handle.") : _tag;
    internal bool IsComplex => Tag == Tag.Complex;
    internal long Bits => _bits;
    internal Complex Complex => IsComplex ? _complex : AsDouble;
    internal double AsDouble => Tag switch { Tag.Double => BitConverter.Int64BitsToDouble(_bits), Tag.Complex => _complex.Real, _ => _bits };
    internal long AsLong => Tag is Tag.Double or Tag.Complex ? (long)AsDouble : _bits;

    internal static Scalar Of(long value) => new(Tag.Int, value);
    internal static Scalar Of(double value) => new(Tag.Double, BitConverter.DoubleToInt64Bits(value));
    internal static Scalar Of(bool value) => new(Tag.Bool, value ? 1 : 0);
    internal static Scalar Of(Complex value) => new(value);

    public static implicit operator Scalar(byte value) => Of((long)value);
    public static implicit operator Scalar(sbyte value) => Of((long)value);
    public static implicit operator Scalar(short value) => Of((long)value);
    public static implicit operator Scalar(int value) => Of((long)value);
    public static implicit operator Scalar(long value) => Of(value);
    public static implicit operator Scalar(Half value) => Of((double)value);
    public static implicit operator Scalar(float value) => Of((double)value);
    public static implicit operator Scalar(double value) => Of(value);
    public static implicit operator Scalar(bool value) => Of(value);
    public static implicit operator Scalar(Complex value) => Of(value);

    /// <summary>The widest type of its kind, as libtorch keeps scalars.</summary>
    public torch.ScalarType Type => Tag switch
    {
        Tag.Double => torch.ScalarType.Float64,
        Tag.Bool => torch.ScalarType.Bool,
        Tag.Complex => torch.ScalarType.ComplexFloat64,
        _ => torch.ScalarType.Int64,
    };

    public void Dispose() => _disposed = true;
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this Complex value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Half ToHalf(this Scalar value) => (Half)value.AsDouble;
    public static float ToSingle(this Scalar value) => (float)value.AsDouble;
    public static double ToDouble(this Scalar value) => value.AsDouble;
    public static sbyte ToSByte(this Scalar value) => (sbyte)value.AsLong;
    public static byte ToByte(this Scalar value) => (byte)value.AsLong;
    public static short ToInt16(this Scalar value) => (short)value.AsLong;
    public static int ToInt32(this Scalar value) => (int)value.AsLong;
    public static long ToInt64(this Scalar value) => value.AsLong;
    public static bool ToBoolean(this Scalar value) => value.AsDouble != 0;
}
