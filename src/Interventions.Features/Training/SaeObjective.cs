using System.Collections.Immutable;

namespace Interventions.Features;

/// <summary>
/// What a dictionary is trained to do, which is also how its features come about. The mean of ‖x − x̂‖² is a term of every objective; all
/// terms are sums over dimensions and features, and means over the batch.
/// </summary>
public abstract record SaeObjective
{
    private SaeObjective()
    {
    }

    /// <summary>
    /// f = relu(z), and λ Σ f_i as a term, or λ Σ f_i‖d_i‖ where decoder rows may have any norm (Cunningham et al. 2023,
    /// arXiv:2309.08600).
    /// </summary>
    /// <param name="L1">λ.</param>
    public sealed record Standard(double L1) : SaeObjective
    {
        /// <summary>What gives dead features a gradient. Default: nothing.</summary>
        public GhostGradients? Ghosts { get; init; }
    }

    /// <summary>
    /// <see cref="Activation.Gated"/>: λ Σ relu(π_i) of the gates π, and the squared error of what the gates reconstruct, whose decoder
    /// has no gradient (Rajamanoharan et al. 2024, arXiv:2404.16014).
    /// </summary>
    /// <param name="L1">λ.</param>
    /// <param name="LikeSaeLens">
    /// Whether the decoder does have a gradient of the gates' error, and λ Σ relu(π_i)‖d_i‖ is the term: as SAELens trains.
    /// </param>
    public sealed record Gated(double L1, bool LikeSaeLens = false) : SaeObjective;

    /// <summary>The <paramref name="K"/> largest pre-activations of each row, then relu (Gao et al. 2024, arXiv:2406.04093).</summary>
    /// <param name="K">How many features are active at most.</param>
    public sealed record TopK(int K) : SaeObjective
    {
        /// <summary>What gives dead features a gradient; null for nothing. Default: the published term.</summary>
        public AuxiliaryLoss? Auxiliary { get; init; } = new AuxiliaryLoss.Normalised();

        /// <summary>
        /// Whether pre-activations are multiplied by their decoder rows' norms before the largest are chosen. Default: false.
        /// </summary>
        public bool RescalesByDecoderNorm { get; init; }
    }

    /// <summary>
    /// The largest positive pre-activations of a whole batch, <paramref name="K"/> a row on the average (Bussmann et al. 2024,
    /// arXiv:2412.06410). The trained dictionary is a <see cref="Activation.JumpRelu"/> one, whose threshold is the average of the smallest
    /// pre-activations that were chosen.
    /// </summary>
    /// <param name="K">How many features are active on the average; int(K · rows) are chosen.</param>
    public sealed record BatchTopK(double K) : SaeObjective
    {
        /// <inheritdoc cref="TopK.Auxiliary"/>
        public AuxiliaryLoss? Auxiliary { get; init; } = new AuxiliaryLoss.Normalised();

        /// <inheritdoc cref="TopK.RescalesByDecoderNorm"/>
        public bool RescalesByDecoderNorm { get; init; }

        /// <summary>By how much the threshold follows each batch, t ← (1 − r) t + r · smallest. Default: 0.01.</summary>
        public double ThresholdRate { get; init; } = 0.01;

        /// <summary>
        /// Of nested dictionaries (Bussmann et al. 2025, arXiv:2503.17547): how many first features must do alone, in rising order, each
        /// with a squared error of its own; all features together need not be named. Default: none.
        /// </summary>
        public ImmutableArray<int> InnerWidths { get; init; } = [];
    }

    /// <summary>
    /// f = z where z is above a threshold θ that is trained, otherwise 0. Gradients of the jump are those of a rectangle around θ
    /// (Rajamanoharan et al. 2024, arXiv:2407.14435).
    /// </summary>
    /// <param name="Penalty">The term that keeps features few.</param>
    public sealed record JumpRelu(JumpPenalty Penalty) : SaeObjective
    {
        /// <summary>The rectangle's width ε: θ learns from pre-activations that are nearer than ε/2. Default: 0.05.</summary>
        public double Bandwidth { get; init; } = 0.05;

        /// <summary>All thresholds at the beginning. Default: 0.01.</summary>
        public double InitialThreshold { get; init; } = 0.01;

        /// <summary>
        /// Whether log θ is what is trained, as published; then a step moves a small threshold little. Otherwise θ itself, which counts as
        /// 0 below 0. Default: false.
        /// </summary>
        public bool TrainsLogThreshold { get; init; }

        /// <summary>Whether the rectangle's gradient also goes to z, with the other sign. Default: false.</summary>
        public bool PassesGradientToInput { get; init; }

        /// <summary>
        /// The factor of Σ relu(θ − z)‖d_i‖ over dead features, which lifts them towards their threshold (Anthropic, January 2025).
        /// Default: 0, no such term.
        /// </summary>
        public double DeadPenalty { get; init; }
    }

    /// <summary>Whether the objective has a term of dead features.</summary>
    internal bool ReadsDead => this switch
    {
        Standard standard => standard.Ghosts is not null,
        TopK top => top.Auxiliary is not null,
        BatchTopK top => top.Auxiliary is not null,
        JumpRelu jump => jump.DeadPenalty > 0,
        _ => false,
    };

    /// <summary>Whether features are in units of their decoder rows' norms.</summary>
    internal bool Rescales => this is TopK { RescalesByDecoderNorm: true } or BatchTopK { RescalesByDecoderNorm: true };

    /// <summary>What the trained dictionary computes.</summary>
    internal Activation Activation => this switch
    {
        Gated => new Activation.Gated(),
        TopK top => new Activation.TopK(top.K),
        BatchTopK or JumpRelu => new Activation.JumpRelu(),
        _ => new Activation.Relu(),
    };
}

/// <summary>
/// Ghost gradients: dead features are made to reconstruct the error of the others, with activations φ(z) and of half the error's norm, each
/// row for itself (Jermyn and Templeton, Anthropic, January 2024).
/// </summary>
public sealed record GhostGradients
{
    /// <summary>How the term is weighted. Default: <see cref="GhostScale.Rescaled"/>.</summary>
    public GhostScale Scale { get; init; } = GhostScale.Rescaled;

    /// <summary>
    /// Whether φ(z) = exp(z), as published, which a large z overflows; otherwise exp(min(z, 0)). Default: false.
    /// </summary>
    public bool IsUnbounded { get; init; }
}

/// <summary>The weight of ghost gradients.</summary>
public enum GhostScale
{
    /// <summary>The term is as large as the reconstruction's, so that a feature's gradient falls with the number of dead ones.</summary>
    Original,

    /// <summary>The same times the part of features that is dead: a feature's gradient does not depend on it.</summary>
    Rescaled,

    /// <summary>The ghosts' own squared error times the part of features that is dead, not made as large as the reconstruction's.</summary>
    DeadOnlyRescaled,
}

/// <summary>
/// Dead features with the largest pre-activations reconstruct the error of the others, e − ê without a bias: min(d/2, dead features) of
/// them in each row.
/// </summary>
public abstract record AuxiliaryLoss
{
    private AuxiliaryLoss()
    {
    }

    /// <summary>α · mean‖e − ê‖² / mean‖e − ē‖², of relu of the pre-activations (Gao et al. 2024, arXiv:2406.04093, A.2).</summary>
    /// <param name="Coefficient">α.</param>
    public sealed record Normalised(double Coefficient = 1.0 / 32) : AuxiliaryLoss;

    /// <summary>α · min(dead features / (d/2), 1) · mean‖e − ê‖², of the pre-activations as they are: as SAELens trains.</summary>
    /// <param name="Coefficient">α.</param>
    public sealed record LikeSaeLens(double Coefficient = 1) : AuxiliaryLoss;
}

/// <summary>What keeps the features of <see cref="SaeObjective.JumpRelu"/> few.</summary>
public abstract record JumpPenalty
{
    private JumpPenalty(double coefficient) => Coefficient = coefficient;

    /// <summary>The term's factor, λ.</summary>
    public double Coefficient { get; init; }

    /// <summary>λ · L0.</summary>
    /// <param name="Coefficient">λ.</param>
    public sealed record Step(double Coefficient) : JumpPenalty(Coefficient);

    /// <summary>λ · 2/L · (L0 − L)², of each row.</summary>
    /// <param name="Coefficient">λ.</param>
    /// <param name="Target">L, how many features are to be active.</param>
    public sealed record Quadratic(double Coefficient, double Target) : JumpPenalty(Coefficient);

    /// <summary>λ Σ tanh(c f_i‖d_i‖) (Anthropic, January 2025).</summary>
    /// <param name="Coefficient">λ.</param>
    /// <param name="Scale">c.</param>
    public sealed record Tanh(double Coefficient, double Scale = 4) : JumpPenalty(Coefficient);
}
