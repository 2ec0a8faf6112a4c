using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Interventions.Runtime;

namespace Interventions.Models.Checkpoints;

/// <summary>Turns stored blocks into their values.</summary>
internal delegate void BlockReader(ReadOnlySpan<byte> blocks, Span<float> values);

/// <summary>
/// A way to store values: a block of bytes holds some of them, neighbours in a row. A new type is a line in <see cref="All"/> and a method.
/// </summary>
/// <param name="Id">Its number in files.</param>
/// <param name="Name">Its name in ggml.</param>
/// <param name="Values">How many values a block holds.</param>
/// <param name="BlockBytes">How many bytes a block takes.</param>
/// <param name="Read">Reads whole blocks.</param>
/// <remarks>
/// The layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h. Scales are half precision, and everything is little-endian.
/// Quants of four bits lie in pairs: the low halves of a run of bytes are the earlier values, the high halves the later ones.
/// </remarks>
internal sealed record GgufType(uint Id, string Name, int Values, int BlockBytes, BlockReader Read)
{
    /// <summary>The types that are read.</summary>
    public static IReadOnlyList<GgufType> All { get; } =
    [
        new(0, "F32", 1, 4, F32),
        new(1, "F16", 1, 2, F16),
        new(30, "BF16", 1, 2, BF16),
        OfBlocks(2, "Q4_0", 32, 18, Q4_0),
        OfBlocks(3, "Q4_1", 32, 20, Q4_1),
        OfBlocks(6, "Q5_0", 32, 22, Q5_0),
        OfBlocks(7, "Q5_1", 32, 24, Q5_1),
        OfBlocks(8, "Q8_0", 32, 34, Q8_0),
        OfBlocks(12, "Q4_K", 256, 144, Q4_K),
        OfBlocks(13, "Q5_K", 256, 176, Q5_K),
        OfBlocks(14, "Q6_K", 256, 210, Q6_K),
    ];

    /// <summary>Their names, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(type => $"{type.Name} ({type.Id})"));

    /// <summary>The type of that number; <see langword="null"/> when it is not read.</summary>
    public static GgufType? Find(uint id) => All.FirstOrDefault(type => type.Id == id);

    private static GgufType OfBlocks(uint id, string name, int values, int bytes, BlockReader readOne) =>
        new(id, name, values, bytes, (blocks, target) =>
        {
            for (int block = 0; block * bytes < blocks.Length; block++)
                readOne(blocks.Slice(block * bytes, bytes), target.Slice(block * values, values));
        });

    private static void F32(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
    }

    private static void F16(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = Half(bytes, 2 * i);
    }

    /// <summary>The upper half of a float32.</summary>
    private static void BF16(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) << 16);
    }

    /// <summary>Scale, quants: (quant − 8) · scale.</summary>
    private static void Q4_0(ReadOnlySpan<byte> block, Span<float> values) => Nibbles(block[2..], values, Half(block, 0), 0, center: 8);

    /// <summary>Scale, minimum, quants: quant · scale + minimum.</summary>
    private static void Q4_1(ReadOnlySpan<byte> block, Span<float> values) => Nibbles(block[4..], values, Half(block, 0), Half(block, 2));

    /// <summary>Scale, a fifth bit of each quant, quants: (quant − 16) · scale.</summary>
    private static void Q5_0(ReadOnlySpan<byte> block, Span<float> values) => Nibbles(
        block[6..], values, Half(block, 0), 0, center: 16, BinaryPrimitives.ReadUInt32LittleEndian(block[2..]));

    /// <summary>Scale, minimum, a fifth bit of each quant, quants: quant · scale + minimum.</summary>
    private static void Q5_1(ReadOnlySpan<byte> block, Span<float> values) => Nibbles(
        block[8..], values, Half(block, 0), Half(block, 2), center: 0, BinaryPrimitives.ReadUInt32LittleEndian(block[4..]));

    /// <summary>Scale, signed bytes: byte · scale.</summary>
    private static void Q8_0(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block, 0);
        ReadOnlySpan<sbyte> quants = MemoryMarshal.Cast<byte, sbyte>(block[2..]);
        for (int i = 0; i < values.Length; i++)
            values[i] = scale * quants[i];
    }

    /// <summary>
    /// Scale of scales, scale of minima, eight of both in six bits, quants. Each pair has 32 values: quant · scale − minimum.
    /// </summary>
    private static void Q4_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<byte> quants = block[16..];
        for (int part = 0; part < 8; part++)
        {
            (float scale, float minimum) = SixBitPair(block, part);
            Span<float> target = values.Slice(32 * part, 32);
            int shift = 4 * (part % 2);
            for (int i = 0; i < target.Length; i++)
                target[i] = (scale * ((quants[(32 * (part / 2)) + i] >> shift) & 15)) - minimum;
        }
    }

    /// <summary>As <see cref="Q4_K"/>, with a fifth bit before the quants: bit p of byte i belongs to value i of pair p.</summary>
    private static void Q5_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<byte> fifth = block.Slice(16, 32), quants = block[48..];
        for (int part = 0; part < 8; part++)
        {
            (float scale, float minimum) = SixBitPair(block, part);
            Span<float> target = values.Slice(32 * part, 32);
            int shift = 4 * (part % 2);
            for (int i = 0; i < target.Length; i++)
            {
                int quant = ((quants[(32 * (part / 2)) + i] >> shift) & 15) | (((fifth[i] >> part) & 1) << 4);
                target[i] = (scale * quant) - minimum;
            }
        }
    }

    /// <summary>
    /// Lower four bits of quants, upper two, sixteen signed scales of 16 values, scale of scales: (quant − 32) · scale. Each half of the
    /// block has its own 64 bytes of lower and 32 of upper bits; the four runs of 32 values in it share these bytes.
    /// </summary>
    private static void Q6_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<sbyte> scales = MemoryMarshal.Cast<byte, sbyte>(block.Slice(192, 16));
        float whole = Half(block, 208);
        for (int i = 0; i < values.Length; i++)
        {
            (int half, int run, int at) = (i / 128, i % 128 / 32, i % 32);
            int lower = (block[(64 * half) + (32 * (run % 2)) + at] >> (4 * (run / 2))) & 15;
            int upper = (block[128 + (32 * half) + at] >> (2 * run)) & 3;
            values[i] = whole * scales[i / 16] * ((lower | (upper << 4)) - 32);
        }
    }

    private static void Nibbles(
        ReadOnlySpan<byte> quants, Span<float> values, float scale, float minimum, int center = 0, uint fifthBits = 0)
    {
        for (int i = 0; i < 16; i++)
        {
            int low = (quants[i] & 15) | ((int)(fifthBits >> i) & 1) << 4;
            int high = (quants[i] >> 4) | ((int)(fifthBits >> (i + 16)) & 1) << 4;
            values[i] = (scale * (low - center)) + minimum;
            values[i + 16] = (scale * (high - center)) + minimum;
        }
    }

    /// <summary>
    /// A scale and a minimum. The first four pairs lie in the lower six bits of bytes 0 to 3 and 4 to 7; the other four take their lower
    /// bits from bytes 8 to 11 and their upper two from those that bytes 0 to 7 have left.
    /// </summary>
    private static (float Scale, float Minimum) SixBitPair(ReadOnlySpan<byte> block, int part)
    {
        ReadOnlySpan<byte> packed = block.Slice(4, 12);
        (int scale, int minimum) = part < 4
            ? (packed[part] & 63, packed[part + 4] & 63)
            : ((packed[part + 4] & 15) | (packed[part - 4] >> 6 << 4), (packed[part + 4] >> 4) | (packed[part] >> 6 << 4));
        return (Half(block, 0) * scale, Half(block, 2) * minimum);
    }

    private static float Half(ReadOnlySpan<byte> bytes, int at) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[at..]);
}
