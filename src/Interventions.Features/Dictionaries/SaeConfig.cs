namespace Interventions.Features;

/// <summary>What is done to a value before it is encoded, and undone after it is decoded.</summary>
public enum InputNorm
{
    /// <summary>Nothing. A factor that was used in training is folded into the weights at its end.</summary>
    None,

    /// <summary>Divided by its norm, times √d: all values have the same norm.</summary>
    ConstantNorm,

    /// <summary>Less its mean, over its standard deviation (of d − 1, plus 1e-5).</summary>
    LayerNorm,
}

/// <summary>How features come from pre-activations, z = (x − a·b_dec) W_enc + b_enc.</summary>
public abstract record Activation
{
    private Activation()
    {
    }

    /// <summary>relu(z).</summary>
    public sealed record Relu : Activation;

    /// <summary>The <paramref name="K"/> largest z, then relu (Gao et al. 2024, arXiv:2406.04093).</summary>
    /// <param name="K">How many features are active at most.</param>
    /// <param name="Signed">The largest by absolute value, which keep their sign.</param>
    public sealed record TopK(int K, bool Signed = false) : Activation;

    /// <summary>z where it is greater than its feature's threshold, else 0 (Rajamanoharan et al. 2024, arXiv:2407.14435).</summary>
    public sealed record JumpRelu : Activation;

    /// <summary>
    /// relu of a magnitude, z·exp(r_mag) + b_mag, where the gate z + b_gate is positive (Rajamanoharan et al. 2024, arXiv:2404.16014).
    /// </summary>
    public sealed record Gated : Activation;

    /// <summary>
    /// No encoder: again and again the decoder row with the largest product, which is then taken out of what is left
    /// (Mallat and Zhang 1993; as an autoencoder Costa et al. 2025, arXiv:2506.03093).
    /// </summary>
    /// <param name="MaxIterations">After so many picks it ends.</param>
    /// <param name="ResidualThreshold">It ends where the norm of what is left is less.</param>
    /// <param name="StopsOnSameSupport">It ends where a pick adds no feature.</param>
    public sealed record MatchingPursuit(int MaxIterations, double ResidualThreshold, bool StopsOnSameSupport) : Activation;
}

/// <summary>What a dictionary computes from its weights.</summary>
public sealed record SaeConfig
{
    /// <summary>How features come from pre-activations. Default: relu.</summary>
    public Activation Activation { get; init; } = new Activation.Relu();

    /// <summary>What is done to a value before it is encoded. Default: nothing.</summary>
    public InputNorm InputNorm { get; init; }

    /// <summary>Whether the decoder's bias is subtracted before a value is encoded (a = 1). Default: true.</summary>
    public bool SubtractsDecoderBias { get; init; } = true;

    /// <summary>
    /// Whether features are in units of their decoder rows' norms: multiplied before the largest are chosen, divided before they are
    /// decoded. Default: false.
    /// </summary>
    public bool RescalesByDecoderNorm { get; init; }

    /// <summary>
    /// Whether another value is decoded than was encoded (a transcoder): then the normalisation of the input is not undone. Default: false.
    /// </summary>
    public bool IsTranscoder { get; init; }

    /// <summary>Whether the value is that of all heads, one behind the other: <c>attn.z</c>. Default: false.</summary>
    public bool FlattensHeads { get; init; }

    /// <summary>
    /// The head whose value alone it encodes, as the file says it; null for another site than a head's. <see cref="Sae.OfHead"/> splices
    /// it.
    /// </summary>
    public int? Head { get; init; }

    /// <summary>The site whose values it encodes, as the file names it; null if it does not.</summary>
    public string? Site { get; init; }

    /// <summary>The model whose values it encodes, as the file names it; null if it does not.</summary>
    public string? Model { get; init; }
}
