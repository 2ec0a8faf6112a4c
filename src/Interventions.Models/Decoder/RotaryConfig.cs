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
    public double[] Frequencies(int d_head)
    {
        int width = WidthIn(d_head);
        double[] plain = [.. Enumerable.Range(0, width / 2).Select(i => Math.Pow(Theta, -2.0 * i / width))];
        return Scaling?.Scale(plain, Theta) ?? plain;
    }
}
