using System.Globalization;
using Interventions.Files;

namespace Interventions.Features;

/// <summary>Predicts a neuron's activation at each token of a text.</summary>
public interface IActivationPredictor
{
    /// <summary>The predictions.</summary>
    /// <param name="texts">The tokens' texts, in order.</param>
    /// <returns>One number a token.</returns>
    double[] Predict(IReadOnlyList<string> texts);
}

/// <summary>How well one of two classes was predicted.</summary>
/// <param name="Precision">The share of what was predicted that is right; 0 where nothing was predicted.</param>
/// <param name="Recall">The share of what is there that was predicted; 0 where nothing is there.</param>
public readonly record struct ClassScores(double Precision, double Recall)
{
    /// <summary>The harmonic mean of both; 0 where both are 0.</summary>
    public double F1 => Precision + Recall == 0 ? 0 : 2 * Precision * Recall / (Precision + Recall);

    /// <summary>Scores of counts.</summary>
    internal static ClassScores Of(long right, long predicted, long there) =>
        new(predicted == 0 ? 0 : (double)right / predicted, there == 0 ? 0 : (double)right / there);
}

/// <summary>
/// Predicted activations beside the true ones. A token counts as firing where its activation is at least a share of the neuron's largest.
/// </summary>
/// <param name="Tokens">How many tokens were compared.</param>
/// <param name="Firing">Of tokens on which the neuron fires.</param>
/// <param name="NonFiring">Of the others.</param>
/// <param name="ExplainedVariance">1 − mean squared error / variance; NaN where all activations are equal.</param>
public sealed record PredictionScores(long Tokens, ClassScores Firing, ClassScores NonFiring, double ExplainedVariance)
{
    /// <summary>The usual share of the largest activation.</summary>
    public const double UsualShare = 0.5;

    /// <summary>Scores of a predictor on examples.</summary>
    /// <param name="predictor">The predictor.</param>
    /// <param name="examples">Texts with true activations.</param>
    /// <param name="maximum">The neuron's largest activation.</param>
    /// <param name="share">A token fires where its activation is at least this share of the largest.</param>
    public static PredictionScores Of(
        IActivationPredictor predictor, IEnumerable<NeuronExample> examples, double maximum, double share = UsualShare)
    {
        ArgumentNullException.ThrowIfNull(predictor);
        ArgumentNullException.ThrowIfNull(examples);
        NeuronExample[] all = [.. examples];
        return Of([.. all.SelectMany(one => one.Activations)], [.. all.SelectMany(one => predictor.Predict(one.Texts))], maximum, share);
    }

    /// <summary>Scores of predictions.</summary>
    /// <param name="actual">The true activations.</param>
    /// <param name="predicted">The predictions, token by token.</param>
    /// <param name="maximum">The neuron's largest activation.</param>
    /// <param name="share">A token fires where its activation is at least this share of the largest.</param>
    /// <exception cref="ArgumentException">There are not equally many, or the largest activation is not above 0.</exception>
    public static PredictionScores Of(
        IReadOnlyList<double> actual, IReadOnlyList<double> predicted, double maximum, double share = UsualShare)
    {
        ArgumentNullException.ThrowIfNull(actual);
        ArgumentNullException.ThrowIfNull(predicted);
        if (actual.Count != predicted.Count)
            throw new ArgumentException($"There are {actual.Count} activations and {predicted.Count} predictions.", nameof(predicted));
        if (!(maximum > 0))
            throw new ArgumentOutOfRangeException(nameof(maximum), maximum, "A neuron that fires has a largest activation above 0.");
        (bool Is, bool Said)[] tokens = [.. actual.Zip(predicted, (a, p) => (a / maximum >= share, p / maximum >= share))];
        long both = tokens.Count(token => token is (true, true)), neither = tokens.Count(token => token is (false, false));
        long there = tokens.Count(token => token.Is), said = tokens.Count(token => token.Said), count = tokens.Length;
        double mean = actual.DefaultIfEmpty(0).Average();
        double variance = actual.Sum(a => (a - mean) * (a - mean)), error = actual.Zip(predicted, (a, p) => (a - p) * (a - p)).Sum();
        return new PredictionScores(
            count, ClassScores.Of(both, said, there), ClassScores.Of(neither, count - said, count - there),
            variance == 0 ? double.NaN : 1 - (error / variance));
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"firing: precision {Firing.Precision:0.00}, recall {Firing.Recall:0.00}, F1 {Firing.F1:0.00}\n"
            + $"non-firing: F1 {NonFiring.F1:0.00}; explained variance {ExplainedVariance:0.00}, of {Tokens} tokens");

    /// <summary>Writes or reads them.</summary>
    internal static PredictionScores Fields(JsonFields fields, PredictionScores? scores) => new(
        fields.Long("tokens", scores?.Tokens),
        new ClassScores(fields.Number("precision", scores?.Firing.Precision), fields.Number("recall", scores?.Firing.Recall)),
        new ClassScores(
            fields.Number("nonFiringPrecision", scores?.NonFiring.Precision), fields.Number("nonFiringRecall", scores?.NonFiring.Recall)),
        fields.Number("explainedVariance", scores?.ExplainedVariance));
}

/// <summary>
/// The baseline of explanations: each token's largest activation, whatever stands in front of it. A neuron that this predicts looks at one
/// token alone.
/// </summary>
public sealed class TokenMaxima : IActivationPredictor
{
    private readonly Dictionary<string, double> _maxima;

    private TokenMaxima(Dictionary<string, double> maxima) => _maxima = maxima;

    /// <summary>By the token's text its largest activation.</summary>
    public IReadOnlyDictionary<string, double> Maxima => _maxima;

    /// <summary>A table of examples.</summary>
    public static TokenMaxima Of(IEnumerable<NeuronExample> examples)
    {
        ArgumentNullException.ThrowIfNull(examples);
        Dictionary<string, double> maxima = new(StringComparer.Ordinal);
        foreach (NeuronExample example in examples)
            foreach ((string text, double activation) in example.Texts.Zip(example.Activations))
                maxima[text] = Math.Max(maxima.GetValueOrDefault(text, double.NegativeInfinity), activation);
        return new TokenMaxima(maxima);
    }

    /// <inheritdoc/>
    /// <remarks>A token that is not in the table has 0.</remarks>
    public double[] Predict(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return [.. texts.Select(text => _maxima.GetValueOrDefault(text))];
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join(", ", _maxima.OrderByDescending(token => token.Value).ThenBy(token => token.Key, StringComparer.Ordinal).Take(10)
            .Select(token => string.Create(CultureInfo.InvariantCulture, $"'{NeuronExample.OneLine(token.Key)}' {token.Value:0.##}")));
}
