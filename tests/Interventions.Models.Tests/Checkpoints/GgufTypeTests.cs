using Interventions.Models.Checkpoints;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>The ways in which GGUF files store values.</summary>
public sealed class GgufTypeTests
{
    public static TheoryData<string> Names => [.. GgufType.All.Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Stored_values_come_back(string name)
    {
        GgufType type = GgufType.All.Single(type => type.Name == name);
        Random random = new(17);
        // Blocks of different sizes, off the centre.
        float[] values = [.. Enumerable.Range(0, 20 * 256).Select(i => (float)((random.NextDouble() - 0.4) * Math.Exp((i / 32 % 7) - 3)))];
        (byte[] bytes, float[] stored) = GgufQuants.Store(type.Id, values);
        Assert.Equal(values.Length / type.Values * type.BlockBytes, bytes.Length);
        float[] read = new float[values.Length];
        type.Read(bytes, read);
        Assert.Equal(stored, read);

        // The error is small against the largest value nearby: half a step, and what rounds the scales.
        double share = name switch
        {
            "F32" => 0,
            "F16" => 1e-3,
            "BF16" => 0.01,
            "Q8_0" => 0.006,
            "Q6_K" => 0.03,
            "Q5_0" or "Q5_1" or "Q5_K" => 0.06,
            _ => 0.12,
        };
        for (int block = 0; block < values.Length; block += 256)
        {
            float[] expected = values[block..(block + 256)];
            double worst = expected.Zip(read[block..(block + 256)], (a, b) => Math.Abs(a - b)).Max();
            Assert.InRange(worst, 0, share * expected.Max(Math.Abs));
        }
    }

    // Computed by hand: the beginning of a block in hexadecimal (the rest is zero), and some of its values.
    [Theory]
    [InlineData("F32", "0000c03f", "0: 1.5")]
    [InlineData("F16", "003e", "0: 1.5")]
    [InlineData("BF16", "c0bf", "0: -1.5")]
    [InlineData("Q4_0", "0038" + "9f", "0: 3.5, 16: 0.5, 1: -4, 31: -4")]
    [InlineData("Q4_1", "0038 003c" + "21", "0: 1.5, 16: 2, 1: 1, 31: 1")]
    [InlineData("Q5_0", "003c" + "01000100" + "21", "0: 1, 16: 2, 1: -16, 31: -16")]
    [InlineData("Q5_1", "003c 0038" + "01000100" + "21", "0: 17.5, 16: 18.5, 1: 0.5, 31: 0.5")]
    [InlineData("Q8_0", "0040" + "ff007f80", "0: -2, 1: 0, 2: 254, 3: -256, 31: 0")]
    // Scale 1, minimum 0.5; pair 0 is (1, 2), pair 4 is (5 + 16, 3 + 32): its upper bits are the upper bits of pair 0.
    [InlineData("Q4_K", "003c 0038" + "41000000 82000000 35000000" + "73", "0: 2, 1: -1, 32: 0, 128: -17.5, 160: 0")]
    [InlineData("Q5_K", "003c 0038" + "41000000 82000000 35000000" + "11" + Zeros31 + "73", "0: 18, 1: -1, 32: 0, 128: 318.5, 160: 0")]
    public void A_block_has_the_values_computed_by_hand(string name, string begin, string values)
    {
        GgufType type = GgufType.All.Single(type => type.Name == name);
        byte[] block = new byte[type.BlockBytes];
        Convert.FromHexString(begin.Replace(" ", "", StringComparison.Ordinal)).CopyTo(block, 0);
        Check(type, block, values);
    }

    [Fact]
    public void A_block_of_six_bits_has_the_values_computed_by_hand()
    {
        byte[] block = new byte[210];
        (block[0], block[64]) = (0x21, 0x05);               // lower bits of values 0 and 64, and of value 128
        (block[128], block[160]) = (0b11_10_01_00, 0x01);   // upper bits of values 0, 32, 64 and 96, and of value 128
        (block[192], block[194], block[196], block[198], block[200]) = (0xFE, 1, 4, 0xFF, 3);   // scales −2, 1, 4, −1, 3
        (block[208], block[209]) = (0x00, 0x38);            // 0.5
        Check(GgufType.Find(14)!, block, "0: 31, 32: -8, 64: 4, 96: -8, 128: -16.5, 255: 0");
    }

    private const string Zeros31 = "00000000000000000000000000000000000000000000000000000000000000";

    private static void Check(GgufType type, byte[] block, string values)
    {
        float[] read = new float[type.Values];
        type.Read(block, read);
        foreach (string pair in values.Split(", "))
        {
            string[] sides = pair.Split(": ");
            Assert.Equal(float.Parse(sides[1], System.Globalization.CultureInfo.InvariantCulture), read[int.Parse(sides[0])]);
        }
    }
}
