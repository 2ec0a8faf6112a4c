using System.Text;

namespace Interventions.Testing.Fuzzing;

/// <summary>A format of files, for the fuzzer.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Seeds">True files.</param>
/// <param name="Tokens">What such files are made of.</param>
/// <param name="Read">Reads a file.</param>
/// <param name="Refusals">The kinds of exceptions that the reader documents.</param>
public sealed record FuzzFormat(
    string Name, IReadOnlyList<FuzzSeed> Seeds, IReadOnlyList<byte[]> Tokens, Action<byte[]> Read, params Type[] Refusals)
{
    /// <summary>Whether numbers are written as text.</summary>
    public bool IsText { get; init; }
}

/// <summary>A true file, or the part of it that is damaged.</summary>
/// <param name="Bytes">The bytes.</param>
/// <param name="Wrap">Makes a file of the damaged bytes.</param>
public sealed record FuzzSeed(byte[] Bytes, Func<byte[], byte[]> Wrap)
{
    public FuzzSeed(byte[] bytes) : this(bytes, damaged => damaged)
    {
    }

    public FuzzSeed(string text) : this(Encoding.UTF8.GetBytes(text))
    {
    }
}

/// <summary>The ways to damage a file.</summary>
internal static class FuzzMutations
{
    private static readonly long[] s_numbers =
    [
        0, 1, 2, 7, 8, 31, 127, 128, 255, 256, 32767, 65535, 1 << 20, int.MaxValue, 1L << 31, uint.MaxValue, 1L << 32, (1L << 53) + 1,
        long.MaxValue / 8, long.MaxValue - 1, long.MaxValue, -1, -2, int.MinValue, long.MinValue,
    ];

    private static readonly string[] s_written =
    [
        "0", "1", "-1", "0.5", "1e308", "1e999", "-1e999", "1e-400", "2147483647", "2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "18446744073709551616", "1.0", "1e2", "00", "NaN", "null", "true", "\"1\"", "[]", "{}", "\"\\ud800\"",
    ];

    public static void Apply(List<byte> bytes, FuzzFormat format, Random random)
    {
        int at = random.Next(bytes.Count + 1);
        switch (random.Next(format.IsText ? 15 : 9))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2 when random.Next(4) == 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 3:
                bytes.RemoveRange(at, random.Next(Math.Min(bytes.Count - at, 24) + 1));
                break;
            case 4: // a piece of it once more
                bytes.InsertRange(at, Piece(bytes, random, 24));
                break;
            case 5: // a piece of another one
                FuzzSeed other = format.Seeds[random.Next(format.Seeds.Count)];
                bytes.InsertRange(at, Piece([.. other.Bytes], random, 64));
                break;
            case 6:
                bytes.InsertRange(at, format.Tokens[random.Next(format.Tokens.Count)]);
                break;
            case 7:
                Overwrite(bytes, at, format.Tokens[random.Next(format.Tokens.Count)]);
                break;
            case 8:
                byte[] number = BitConverter.GetBytes(s_numbers[random.Next(s_numbers.Length)]);
                Overwrite(bytes, at, number[..(1 << random.Next(4))]);
                break;
            case 9 or 10:
                ReplaceNumber(bytes, at, s_written[random.Next(s_written.Length)]);
                break;
            case 11 or 12 or 13:
                byte[] seed = format.Seeds[random.Next(format.Seeds.Count)].Bytes;
                if (Quoted([.. seed], random.Next(seed.Length)) is { } text && Quoted(bytes, at) is { } old)
                {
                    bytes.RemoveRange(old.Begin, old.Length);
                    bytes.InsertRange(old.Begin, seed.AsSpan(text.Begin, text.Length));
                }
                break;
            case 14 when random.Next(20) == 0: // deep within itself
                bytes.InsertRange(at, Enumerable.Repeat((byte)"[{\""[random.Next(3)], 1 + random.Next(3000)));
                break;
        }
    }

    private static List<byte> Piece(List<byte> bytes, Random random, int longest)
    {
        int at = random.Next(bytes.Count + 1);
        return bytes.GetRange(at, random.Next(Math.Min(bytes.Count - at, longest) + 1));
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] with)
    {
        for (int i = 0; i < with.Length && at + i < bytes.Count; i++)
            bytes[at + i] = with[i];
    }

    /// <summary>The next text in quotes; sometimes what lies between two texts.</summary>
    private static (int Begin, int Length)? Quoted(List<byte> bytes, int from)
    {
        int begin = bytes.IndexOf((byte)'"', Math.Min(from, bytes.Count));
        int end = begin < 0 ? -1 : bytes.IndexOf((byte)'"', begin + 1);
        return end < 0 ? null : (begin, end + 1 - begin);
    }

    /// <summary>Puts another number, or what is none, in the place of the next one.</summary>
    private static void ReplaceNumber(List<byte> bytes, int from, string with)
    {
        int begin = bytes.FindIndex(from, value => char.IsAsciiDigit((char)value));
        if (begin < 0)
            return;
        int end = bytes.FindIndex(begin, value => !char.IsAsciiDigit((char)value) && value != '.');
        bytes.RemoveRange(begin, (end < 0 ? bytes.Count : end) - begin);
        bytes.InsertRange(begin, Encoding.ASCII.GetBytes(with));
    }
}
