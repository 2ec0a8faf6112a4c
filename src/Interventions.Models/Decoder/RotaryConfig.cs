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
        return Scaling is null ? plain : [.. plain.Select(Scaling.Scale)];
    }
}

/// <summary>How rotary frequencies are changed for contexts longer than the one trained on.</summary>
public abstract record RotaryScaling
{
    private RotaryScaling()
    {
    }

    /// <summary>The frequency after scaling.</summary>
    public abstract double Scale(double frequency);

    /// <summary>Every frequency divided by the factor: positions are interpolated (Chen et al. 2023, arXiv:2306.15595).</summary>
    public sealed record Linear(double Factor) : RotaryScaling
    {
        /// <inheritdoc/>
        public override double Scale(double frequency) => frequency / Factor;
    }

    /// <summary>
    /// Low frequencies divided by the factor, high ones kept, those between interpolated by how many turns they make in the original
    /// context (Llama 3.1: Grattafiori et al. 2024, arXiv:2407.21783, section 3.4.1 and the released code).
    /// </summary>
    /// <param name="Factor">The divisor of low frequencies.</param>
    /// <param name="LowTurns">Frequencies that make fewer turns than this in the original context are low (<c>low_freq_factor</c>).</param>
    /// <param name="HighTurns">Frequencies that make more turns than this are high (<c>high_freq_factor</c>).</param>
    /// <param name="OriginalContext">The context length before scaling.</param>
    public sealed record Llama3(double Factor, double LowTurns, double HighTurns, int OriginalContext) : RotaryScaling
    {
        /// <inheritdoc/>
        public override double Scale(double frequency)
        {
            double turns = OriginalContext * frequency / (2 * Math.PI);
            double kept = Math.Max(0, Math.Min((turns - LowTurns) / (HighTurns - LowTurns), 1));
            return ((1 - kept) * frequency / Factor) + (kept * frequency);
        }
    }
}
