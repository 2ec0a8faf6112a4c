using System.Collections.Immutable;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// What is asked of the logits: a weighted sum of answers' logits. The weights of a difference add up to 0, so that what raises all logits
/// alike does not count.
/// </summary>
/// <param name="Answers">The answers of the prompt set, with their factors.</param>
public sealed record LogitDirection(ImmutableArray<(string Answer, double Weight)> Answers)
{
    /// <summary>The logit of one answer less that of another.</summary>
    public static implicit operator LogitDirection((string Correct, string Wrong) answers) => Difference(answers.Correct, answers.Wrong);

    /// <summary>The logit of one answer less that of another.</summary>
    /// <param name="correct">The answer that should be likelier.</param>
    /// <param name="wrong">The other answer.</param>
    public static LogitDirection Difference(string correct, string wrong) => new([(correct, 1), (wrong, -1)]);

    /// <summary>The logit of one answer, centred over labels: less the mean over all of them (Lieberum et al. 2023).</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="labels">The labels, most often with the answer among them.</param>
    /// <exception cref="ArgumentException">There are no labels.</exception>
    public static LogitDirection Centred(string answer, params IReadOnlyList<string> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        return labels.Count > 0
            ? new LogitDirection([(answer, 1), .. labels.Select(label => (label, -1.0 / labels.Count))])
            : throw new ArgumentException("A mean over labels needs one at least.", nameof(labels));
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(' ', Answers.Select((answer, i) => (answer.Weight, i) switch
    {
        (1, 0) => answer.Answer,
        (1, _) => $"+ {answer.Answer}",
        (-1, _) => $"- {answer.Answer}",
        _ => FormattableString.Invariant($"{(answer.Weight < 0 ? "-" : "+")} {Math.Abs(answer.Weight):0.###} {answer.Answer}"),
    }));

    /// <inheritdoc/>
    public bool Equals(LogitDirection? other) => other is not null && Answers.SequenceEqual(other.Answers);

    /// <inheritdoc/>
    public override int GetHashCode() => Answers.Aggregate(0, HashCode.Combine);

    /// <summary>Reads of the answers' tokens: <c>[batch]</c> each.</summary>
    internal IEnumerable<Read> Tokens => Answers.Select(answer => (Read)new Read.AnswerIds(answer.Answer));

    /// <summary>The sum itself, as a metric.</summary>
    internal MetricNode Metric(string name, string at) => new(
        name, [.. Answers.Select(answer => new Read.Logit(answer.Answer, at))],
        logits =>
        {
            Tensor sum = logits[0].times(Answers[0].Weight);
            for (int i = 1; i < logits.Length; i++)
                sum = sum.plus(logits[i].times(Answers[i].Weight));
            return sum;
        });

    /// <summary>The direction in front of the unembedding, of each prompt: <c>[batch, d_model]</c>.</summary>
    internal Tensor Of(DecoderModel model, ReadOnlySpan<Tensor> tokens) => Sum(model.Weights["W_U"].t(), model, tokens);

    /// <summary>What the unembedding's bias has of it: <c>[batch]</c>; null where there is none.</summary>
    internal Tensor? Bias(DecoderModel model, ReadOnlySpan<Tensor> tokens) =>
        model.Weights.TryGetValue("b_U", out Tensor? bias) ? Sum(bias, model, tokens) : null;

    private Tensor Sum(Tensor rows, DecoderModel model, ReadOnlySpan<Tensor> tokens)
    {
        double divisor = model.Config.LogitDivisor;
        Tensor sum = rows.index_select(0, tokens[0]).times(Answers[0].Weight / divisor);
        for (int i = 1; i < tokens.Length; i++)
            sum = sum.plus(rows.index_select(0, tokens[i]).times(Answers[i].Weight / divisor));
        return sum;
    }
}
