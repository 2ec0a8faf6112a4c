namespace Interventions.Models.Tests.Checkpoints;

/// <summary>
/// Stores numbers in the block types of GGUF, written from the layouts of ggml-common.h value by value: where the bits of a value go, and
/// the number that they stand for. It is no good quantisation; it reaches every bit.
/// </summary>
internal static class GgufQuants
{
    /// <summary>The bytes, and the numbers that they stand for.</summary>
    public static (byte[] Bytes, float[] Stored) Store(uint type, float[] values)
    {
        (int perBlock, Func<float[], (byte[], float[])> store) = type switch
        {
            0 => (1, x => (BitConverter.GetBytes(x[0]), x)),
            1 => (1, x => (BitConverter.GetBytes((Half)x[0]), [(float)(Half)x[0]])),
            30 => (1, x => (BitConverter.GetBytes(x[0])[2..], [BitConverter.ToSingle([0, 0, .. BitConverter.GetBytes(x[0])[2..]])])),
            2 => (32, x => Small(x, bits: 4, hasMinimum: false)),
            3 => (32, x => Small(x, bits: 4, hasMinimum: true)),
            6 => (32, x => Small(x, bits: 5, hasMinimum: false)),
            7 => (32, x => Small(x, bits: 5, hasMinimum: true)),
            8 => (32, Bytewise),
            12 => (256, x => SixBitScales(x, bits: 4)),
            13 => (256, x => SixBitScales(x, bits: 5)),
            14 => (256, SixBitQuants),
            _ => (0, (Func<float[], (byte[], float[])>)(_ => throw new ArgumentOutOfRangeException(nameof(type)))),
        };
        (byte[] Bytes, float[] Stored)[] blocks = [.. values.Chunk(perBlock).Select(store)];
        return ([.. blocks.SelectMany(block => block.Bytes)], [.. blocks.SelectMany(block => block.Stored)]);
    }

    /// <summary>Q4_0, Q4_1, Q5_0, Q5_1.</summary>
    private static (byte[], float[]) Small(float[] x, int bits, bool hasMinimum)
    {
        int most = (1 << bits) - 1, center = hasMinimum ? 0 : 1 << (bits - 1);
        float minimum = hasMinimum ? Rounded(x.Min()) : 0;
        float scale = Rounded(hasMinimum ? (x.Max() - x.Min()) / most : x.Max(Math.Abs) / (center - 1));
        int fifthAt = hasMinimum ? 4 : 2, quantsAt = fifthAt + (bits == 5 ? 4 : 0);
        byte[] block = new byte[quantsAt + 16];
        Put(block, 0, scale);
        if (hasMinimum)
            Put(block, 2, minimum);
        float[] stored = new float[32];
        for (int i = 0; i < 32; i++)
        {
            int quant = Quant((x[i] - minimum) / scale + center, most);
            stored[i] = (scale * (quant - center)) + minimum;
            block[quantsAt + (i % 16)] |= (byte)((quant & 15) << (i < 16 ? 0 : 4));
            if (bits == 5)
                block[fifthAt + (i / 8)] |= (byte)((quant >> 4) << (i % 8));
        }
        return (block, stored);
    }

    /// <summary>Q8_0.</summary>
    private static (byte[], float[]) Bytewise(float[] x)
    {
        float scale = Rounded(x.Max(Math.Abs) / 127);
        sbyte[] quants = [.. x.Select(value => (sbyte)Math.Clamp(MathF.Round(value / scale), -127, 127))];
        byte[] block = [0, 0, .. quants.Select(quant => (byte)quant)];
        Put(block, 0, scale);
        return (block, [.. quants.Select(quant => scale * quant)]);
    }

    /// <summary>Q4_K and Q5_K.</summary>
    private static (byte[], float[]) SixBitScales(float[] x, int bits)
    {
        int most = (1 << bits) - 1, quantsAt = bits == 5 ? 48 : 16;
        float[][] parts = [.. x.Chunk(32)];
        float[] minima = [.. parts.Select(part => Math.Max(0, -part.Min()))];
        float[] scales = [.. parts.Select((part, i) => (part.Max() + minima[i]) / most)];
        float ofScales = Rounded(scales.Max() / 63), ofMinima = Rounded(minima.Max() / 63);
        byte[] block = new byte[quantsAt + 128];
        Put(block, 0, ofScales);
        Put(block, 2, ofMinima);
        float[] stored = new float[256];
        for (int part = 0; part < 8; part++)
        {
            int scale = Math.Max(1, Quant(scales[part] / ofScales, 63)), minimum = Quant(minima[part] / ofMinima, 63);
            if (part < 4)
            {
                block[4 + part] |= (byte)scale;
                block[8 + part] |= (byte)minimum;
            }
            else
            {
                block[12 + (part - 4)] = (byte)((scale & 15) | (minimum & 15) << 4);
                block[4 + (part - 4)] |= (byte)((scale >> 4) << 6);
                block[8 + (part - 4)] |= (byte)((minimum >> 4) << 6);
            }
            for (int i = 0; i < 32; i++)
            {
                int quant = Quant((x[(32 * part) + i] + (ofMinima * minimum)) / (ofScales * scale), most);
                stored[(32 * part) + i] = (ofScales * scale * quant) - (ofMinima * minimum);
                block[quantsAt + (part / 2 * 32) + i] |= (byte)((quant & 15) << (part % 2 == 0 ? 0 : 4));
                if (bits == 5)
                    block[16 + i] |= (byte)((quant >> 4) << part);
            }
        }
        return (block, stored);
    }

    /// <summary>Q6_K.</summary>
    private static (byte[], float[]) SixBitQuants(float[] x)
    {
        // The scale's sign is that of the largest value, so that both signs occur.
        float[] scales = [.. x.Chunk(16).Select(part => part.MaxBy(Math.Abs) / 31)];
        float ofScales = Rounded(scales.Max(Math.Abs) / 127);
        byte[] block = new byte[210];
        Put(block, 208, ofScales);
        float[] stored = new float[256];
        for (int i = 0; i < 256; i++)
        {
            int scale = (int)Math.Clamp(MathF.Round(scales[i / 16] / ofScales), -127, 127);
            block[192 + (i / 16)] = (byte)(sbyte)scale;
            int quant = scale == 0 ? 32 : Quant((x[i] / (ofScales * scale)) + 32, 63);
            stored[i] = ofScales * scale * (quant - 32);
            (int half, int within) = (i / 128, i % 128);
            int lowByte = (half * 64) + (within % 64), highByte = 128 + (half * 32) + (within % 32);
            block[lowByte] |= (byte)((quant & 15) << (within < 64 ? 0 : 4));
            block[highByte] |= (byte)((quant >> 4) << (within / 32 * 2));
        }
        return (block, stored);
    }

    private static int Quant(float value, int most) => (int)Math.Clamp(MathF.Round(value), 0, most);

    private static float Rounded(float value) => (float)(Half)value;

    private static void Put(byte[] block, int at, float value) => BitConverter.GetBytes((Half)value).CopyTo(block, at);
}
