using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Interventions.Models.Checkpoints;

/// <summary>
/// Reads the values of a GGUF header, one after the other. It checks every length against the bytes that are left before it takes memory.
/// </summary>
/// <remarks>The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3).</remarks>
internal sealed class GgufReader(Stream stream, string path)
{
    /// <summary>Headers hold a vocabulary and its merges: some 20 megabytes for the largest.</summary>
    private const long LongestHeader = 1 << 28;

    private const ulong LongestArray = 1 << 24;

    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    private readonly long _end = Math.Min(stream.Length, LongestHeader);
    private byte[] _buffer = new byte[256];

    /// <summary>How many bytes were read.</summary>
    public long Position { get; private set; }

    /// <summary>The next bytes; they are valid until the next call.</summary>
    /// <param name="count">How many.</param>
    /// <param name="what">What they are, for messages: "the name of tensor 3".</param>
    public ReadOnlySpan<byte> Bytes(ulong count, string what)
    {
        if (count > (ulong)(_end - Position))
        {
            string rest = stream.Length > _end ? "more than a header can have" : $"and the file ends after {_end - Position}";
            throw new CheckpointException(path,
                $"is truncated or damaged: at byte {Position}, {what} takes {count} bytes, {rest}. {GgufHeader.Remedy}");
        }
        if (_buffer.Length < (int)count)
            _buffer = new byte[Math.Max((int)count, 2 * _buffer.Length)];
        Span<byte> bytes = _buffer.AsSpan(0, (int)count);
        stream.ReadExactly(bytes);
        Position += (long)count;
        return bytes;
    }

    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(sizeof(uint), what));

    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(sizeof(ulong), what));

    public string Text(string what)
    {
        long begin = Position;
        ulong length = UInt64(what);
        try
        {
            return s_strict.GetString(Bytes(length, what));
        }
        catch (DecoderFallbackException)
        {
            throw Damaged(begin, $"{what} is not text in UTF-8");
        }
    }

    /// <summary>
    /// The value of a key: a <see cref="long"/>, <see cref="double"/>, <see cref="bool"/> or <see cref="string"/>, or an array of these.
    /// </summary>
    public object Value(string what)
    {
        // The numbers of types: 0 to 5, 10 and 11 are integers, 6 and 12 numbers, 7 truth values, 8 texts, 9 arrays.
        long begin = Position;
        uint type = UInt32(what);
        return type switch
        {
            7 => Flag(what),
            8 => Text(what),
            9 => Array(what),
            _ when IsInteger(type) => Integer(type, what),
            _ when IsNumber(type) => Number(type, what),
            _ => throw Damaged(begin, $"{what} has type {type}, and the types of values are 0 to 12"),
        };
    }

    private object Array(string what)
    {
        long begin = Position;
        uint type = UInt32(what);
        ulong count = UInt64(what);
        ulong least = type switch { 0 or 1 or 7 => 1, 2 or 3 => 2, 8 or (>= 10 and <= 12) => 8, _ => 4 };
        if (count > LongestArray || count * least > (ulong)(_end - Position))
        {
            throw Damaged(begin,
                $"{what} is an array of {count} elements, and {_end - Position} bytes are left of a header of at most {LongestHeader}");
        }
        return type switch
        {
            7 => Repeat(count, () => Flag(what)),
            8 => Repeat(count, () => Text(what)),
            _ when IsInteger(type) => Repeat(count, () => Integer(type, what)),
            _ when IsNumber(type) => Repeat(count, () => Number(type, what)),
            _ => throw Damaged(begin, $"{what} is an array of type {type}; elements are numbers, texts or truth values"),
        };
    }

    private static T[] Repeat<T>(ulong count, Func<T> read)
    {
        T[] values = new T[count];
        for (int i = 0; i < values.Length; i++)
            values[i] = read();
        return values;
    }

    private static bool IsInteger(uint type) => type is <= 5 or 10 or 11;

    private static bool IsNumber(uint type) => type is 6 or 12;

    private bool Flag(string what)
    {
        byte value = Bytes(1, what)[0];
        return value <= 1
            ? value == 1
            : throw Damaged(Position - 1, $"{what} is a truth value and holds {value}; 0 and 1 are possible");
    }

    private long Integer(uint type, string what) => type switch
    {
        0 => Bytes(1, what)[0],
        1 => (sbyte)Bytes(1, what)[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2, what)),
        3 => BinaryPrimitives.ReadInt16LittleEndian(Bytes(2, what)),
        4 => UInt32(what),
        5 => (int)UInt32(what),
        11 => (long)UInt64(what),
        _ => Unsigned(what),
    };

    private long Unsigned(string what)
    {
        ulong value = UInt64(what);
        return value <= long.MaxValue ? (long)value : throw Damaged(Position - sizeof(ulong), $"{what} is {value}, too large");
    }

    /// <summary>A number. One in single precision becomes its shortest decimal: 1e-5 was meant, and not 9.99999974e-6.</summary>
    private double Number(uint type, string what) => type == 12
        ? BinaryPrimitives.ReadDoubleLittleEndian(Bytes(8, what))
        : double.Parse(
            BinaryPrimitives.ReadSingleLittleEndian(Bytes(4, what)).ToString("R", CultureInfo.InvariantCulture),
            CultureInfo.InvariantCulture);

    private CheckpointException Damaged(long position, string reason) =>
        new(path, $"is damaged: at byte {position}, {reason}. {GgufHeader.Remedy}");
}
