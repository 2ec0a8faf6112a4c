namespace Interventions.Models.Decoder;

/// <summary>
/// Rotary positions: coordinates i and i + width/2 of queries and keys turn by position · frequency i (Su et al. 2021, arXiv:2104.09864).
/// </summary>
/// <param name="Theta">The base: frequency i is Theta^(−2i/width), before scaling.</param>
/// <param name="Scaling">How frequencies are changed for longer contexts; <see langword="null"/> when they are not.</param>
public sealed record RotaryConfig(double Theta, RotaryScaling? Scaling = null)
{
    /// <summary>How many coordinates of a head turn, the first ones; <see langword="null"/> means all.</summary>
    public int? Width { get; init; }

    /// <summary>Whether the coordinates that turn together are neighbours, 2i and 2i + 1.</summary>
    public bool Neighbours { get; init; }

    /// <summary>The factor of cosines and sines, and so of the coordinates that turn: 1 unless the scaling has another.</summary>
    public double Factor => Scaling?.AttentionFactor ?? 1;

    /// <summary>How many coordinates turn of a head of that width.</summary>
    public int WidthIn(int d_head) => Width ?? d_head;

    /// <summary>The width/2 frequencies, radians per position.</summary>
    /// <param name="d_head">The width of a head.</param>
    /// <param name="inFloat32">Whether their powers are rounded to float32, as transformers computes them.</param>
    public double[] Frequencies(int d_head, bool inFloat32 = false)
    {
        int width = WidthIn(d_head);
        double Plain(int i) => inFloat32 ? 1 / (float)Math.Pow(Theta, 2f * i / width) : Math.Pow(Theta, -2.0 * i / width);
        double[] plain = [.. Enumerable.Range(0, width / 2).Select(Plain)];
        return Scaling?.Scale(plain, Theta) ?? plain;
    }
}
