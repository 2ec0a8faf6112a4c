namespace Interventions.Features;

/// <summary>How a probe's direction and threshold are found.</summary>
public abstract record ProbeMethod
{
    private ProbeMethod()
    {
    }

    /// <summary>
    /// Logistic regression: min ½‖w‖² + C Σ s log(1 + e^(−y(w·x + b))), y = ±1. Solved by Newton's steps in float64.
    /// </summary>
    /// <param name="C">
    /// The weight of the data against that of the norm. Default: 100, which of scaled columns is what 1 is of columns of standard deviation
    /// 1, the default of scikit-learn behind its StandardScaler.
    /// </param>
    public sealed record Logistic(double C = 100) : ProbeMethod
    {
        /// <summary>Whether both classes weigh the same, s = n / (2 n_class); otherwise s = 1. Default: true.</summary>
        public bool Balanced { get; init; } = true;

        /// <summary>
        /// Whether columns are divided by 10·max(σ, 1e-3) before, σ their standard deviation over the rows (Gurnee et al. 2023). The
        /// probe's weights are of the columns as they are. Default: true.
        /// </summary>
        public bool Scaled { get; init; } = true;
    }

    /// <summary>
    /// Logistic regression with few weights that are not 0: min ρ‖w‖₁ + (1 − ρ)/2 ‖w‖² + C Σ log(1 + e^(−y(w·x + b))). An elastic net; with
    /// ρ = 1 the L1 logistic regression.
    /// </summary>
    /// <param name="C">The weight of the data. Default: 0.1.</param>
    /// <param name="L1Share">ρ, from 0 to 1. Default: 1.</param>
    public sealed record SparseLogistic(double C = 0.1, double L1Share = 1) : ProbeMethod;

    /// <summary>A linear support vector machine: min ½‖w‖² + C Σ max(0, 1 − y(w·x + b)), b free.</summary>
    /// <param name="C">The weight of the data. Default: 1.</param>
    public sealed record LinearSvm(double C = 1) : ProbeMethod;

    /// <summary>
    /// Fisher's discriminant: Σ⁻¹(μ₊ − μ₋), Σ the covariance within classes (over n), and the threshold where both classes are equally
    /// likely, more frequent ones sooner. Directions of less than 1e-10 of the largest variance count as none.
    /// </summary>
    public sealed record LinearDiscriminant : ProbeMethod;

    /// <summary>
    /// The discriminant's direction with its threshold at the midpoint of the means (Marks and Tegmark 2023, arXiv:2310.06824).
    /// </summary>
    public sealed record MassMean : ProbeMethod;

    /// <summary>The difference of the means, of norm 1; the threshold is at their midpoint.</summary>
    public sealed record DifferenceInMeans : ProbeMethod;
}
