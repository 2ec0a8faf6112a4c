using System.Collections.Immutable;
using System.Globalization;

namespace Interventions.Features;

/// <summary>What was measured at a step, on its batch, before the weights moved.</summary>
public sealed record SaeTrainingStep
{
    /// <summary>How many steps were done with this one.</summary>
    public required int Step { get; init; }

    /// <summary>The learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>
    /// The terms of the loss by name, with their coefficients: <c>mse</c>, then <c>l1</c>, <c>l0</c>, <c>ghost</c>,
    /// <c>auxiliary_reconstruction</c>, <c>pre_act</c>, <c>inner_mse_N</c>, as the objective has them; a term of dead features is absent
    /// where none is dead.
    /// </summary>
    public required ImmutableSortedDictionary<string, double> Terms { get; init; }

    /// <summary>The sum of the terms.</summary>
    public double Loss => Terms.Values.Sum();

    /// <summary>How many features were active: the mean over rows.</summary>
    public required double L0 { get; init; }

    /// <summary>1 − Σ‖x − x̂‖² / Σ‖x − x̄‖², x̄ the mean of this batch.</summary>
    public required double ExplainedVariance { get; init; }

    /// <summary>How many features were active nowhere in the last <see cref="SaeTrainingOptions.DeadAfter"/> steps.</summary>
    public required int DeadFeatures { get; init; }

    /// <summary>The norm of all gradients together, before it was limited.</summary>
    public required double GradientNorm { get; init; }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"step {Step}: loss {Loss:g4}, L0 {L0:0.0}, explained variance {ExplainedVariance:0.000}, {DeadFeatures} dead");

    /// <summary>The names of the columns of a file.</summary>
    internal static IEnumerable<string> Columns(IEnumerable<string> terms) =>
        ["step", "learning_rate", "l0_features", "explained_variance", "dead_features", "gradient_norm", .. terms];

    /// <summary>The numbers in the order of the columns; NaN for a term that was absent.</summary>
    internal IEnumerable<double> Numbers(IEnumerable<string> terms) =>
    [
        Step, LearningRate, L0, ExplainedVariance, DeadFeatures, GradientNorm,
        .. terms.Select(term => Terms.TryGetValue(term, out double value) ? value : double.NaN),
    ];

    /// <summary>A step of its numbers.</summary>
    internal static SaeTrainingStep Of(IReadOnlyList<double> numbers, IReadOnlyList<string> terms) => new()
    {
        Step = (int)numbers[0],
        LearningRate = numbers[1],
        L0 = numbers[2],
        ExplainedVariance = numbers[3],
        DeadFeatures = (int)numbers[4],
        GradientNorm = numbers[5],
        Terms = terms.Zip(numbers.Skip(6)).Where(term => !double.IsNaN(term.Second))
            .ToImmutableSortedDictionary(term => term.First, term => term.Second, StringComparer.Ordinal),
    };
}
