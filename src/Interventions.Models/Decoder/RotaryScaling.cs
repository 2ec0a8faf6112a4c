using Interventions.Runtime;

namespace Interventions.Models.Decoder;

/// <summary>How rotary frequencies are changed for contexts longer than the one trained on.</summary>
public abstract record RotaryScaling
{
    private RotaryScaling()
    {
    }

    /// <summary>The factor of cosines and sines.</summary>
    public virtual double AttentionFactor => 1;

    /// <summary>The frequencies after scaling.</summary>
    /// <param name="frequencies">Those before, the largest first: frequency i of n is theta^(−i/n).</param>
    /// <param name="theta">The base.</param>
    public abstract double[] Scale(double[] frequencies, double theta);

    /// <summary>Every frequency divided by the factor: positions are interpolated (Chen et al. 2023, arXiv:2306.15595).</summary>
    public sealed record Linear(double Factor) : RotaryScaling
    {
        /// <inheritdoc/>
        public override double[] Scale(double[] frequencies, double theta) => [.. frequencies.Select(frequency => frequency / Factor)];
    }

    /// <summary>
    /// A larger base for prompts beyond the context length (<c>dynamic</c>). The model reads none of those, so no frequency changes.
    /// </summary>
    public sealed record Dynamic(double Factor) : RotaryScaling
    {
        /// <inheritdoc/>
        public override double[] Scale(double[] frequencies, double theta) => frequencies;
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
        public override double[] Scale(double[] frequencies, double theta) => [.. frequencies.Select(Scaled)];

        private double Scaled(double frequency)
        {
            double turns = OriginalContext * frequency / (2 * Math.PI);
            return Between(frequency, frequency / Factor, Clamped((turns - LowTurns) / (HighTurns - LowTurns)));
        }
    }

    /// <summary>
    /// Low frequencies divided by the factor, high ones kept, those between interpolated by their index (YaRN: Peng et al. 2023,
    /// arXiv:2309.00071); cosines and sines have a factor.
    /// </summary>
    /// <param name="Factor">The divisor of low frequencies.</param>
    /// <param name="OriginalContext">The context length before scaling.</param>
    public sealed record Yarn(double Factor, int OriginalContext) : RotaryScaling
    {
        /// <summary>Frequencies that make more turns than this in the original context are high (<c>beta_fast</c>).</summary>
        public double HighTurns { get; init; } = 32;

        /// <summary>Frequencies that make fewer turns than this are low (<c>beta_slow</c>).</summary>
        public double LowTurns { get; init; } = 1;

        /// <summary>Whether interpolation begins and ends at whole indices (<c>truncate</c>).</summary>
        public bool Truncated { get; init; } = true;

        /// <summary>The factor of cosines and sines. Default: 0.1 · ln <see cref="Factor"/> + 1, or 1 for factors up to 1.</summary>
        public double CosineFactor { get; init; } = DefaultFactor(Factor);

        /// <inheritdoc/>
        public override double AttentionFactor => CosineFactor;

        /// <summary>The published factor, with the weight of its logarithm.</summary>
        public static double DefaultFactor(double factor, double weight = 1) => factor <= 1 ? 1 : (0.1 * weight * Math.Log(factor)) + 1;

        /// <inheritdoc/>
        public override double[] Scale(double[] frequencies, double theta)
        {
            int width = 2 * frequencies.Length;
            double first = IndexOf(HighTurns), last = IndexOf(LowTurns);
            if (Truncated)
                (first, last) = (Math.Floor(first), Math.Ceiling(last));
            (first, last) = (Math.Max(first, 0), Math.Min(last, width - 1));
            // As in transformers: a step, and no division by 0.
            double length = first == last ? 0.001 : last - first;
            return [.. frequencies.Select((frequency, i) => Between(frequency / Factor, frequency, Clamped((i - first) / length)))];

            // The index of the frequency that makes so many turns in the original context.
            double IndexOf(double turns) => width * Math.Log(OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
        }
    }

    /// <summary>
    /// Every frequency divided by a factor of its own (LongRoPE: Ding et al. 2024, arXiv:2402.13753). Prompts beyond the original context
    /// have other factors at all of their positions; here a model reads prompts of up to that length.
    /// </summary>
    /// <param name="ShortFactors">The divisor of each frequency, for prompts up to the original context.</param>
    /// <param name="LongFactors">Those of longer prompts. They are kept for <c>Save</c>; no prompt that the model reads needs them.</param>
    /// <param name="Factor">How many times the original context the extended one is.</param>
    /// <param name="OriginalContext">The context length before scaling.</param>
    public sealed record LongRope(
        EquatableArray<double> ShortFactors, EquatableArray<double> LongFactors, double Factor, int OriginalContext) : RotaryScaling
    {
        /// <summary>
        /// The factor of cosines and sines. Default: √(1 + ln <see cref="Factor"/> / ln <see cref="OriginalContext"/>), or 1 for factors up
        /// to 1.
        /// </summary>
        public double CosineFactor { get; init; } = Factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(Factor) / Math.Log(OriginalContext)));

        /// <inheritdoc/>
        public override double AttentionFactor => CosineFactor;

        /// <inheritdoc/>
        public override double[] Scale(double[] frequencies, double theta) =>
            [.. frequencies.Zip(ShortFactors, (frequency, factor) => frequency / factor)];
    }

    /// <summary>The second number where the part is 0, the first where it is 1.</summary>
    private static double Between(double first, double second, double part) => (part * first) + ((1 - part) * second);

    private static double Clamped(double part) => Math.Max(0, Math.Min(part, 1));
}
