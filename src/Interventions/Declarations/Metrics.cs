using static TorchSharp.torch;

namespace Interventions;

/// <summary>
/// Ready-made metrics of logits, one number a prompt, to call in a <see cref="MetricAttribute"/> method. All of them use log-softmax, so
/// that large logits do not overflow in float32; half precision is computed in float32. Gradients flow to every argument that is not a
/// constant.
/// </summary>
/// <example><code>
/// [Metric]
/// static Tensor Divergence([Logits] Tensor logits, [Logits(In = "clean")] Tensor clean) => Metrics.KullbackLeibler(logits, clean);
/// </code></example>
public static class Metrics
{
    /// <summary>The logit of the correct answer less that of the wrong one: <c>[batch]</c>.</summary>
    /// <param name="correct">Logits, <c>[batch]</c>.</param>
    /// <param name="wrong">Logits, <c>[batch]</c>.</param>
    /// <exception cref="ArgumentException">A shape is not <c>[batch]</c>, or the shapes differ.</exception>
    public static Tensor LogitDifference(Tensor correct, Tensor wrong)
    {
        CheckSame(correct, wrong, rank: 1, nameof(wrong));
        return correct - wrong;
    }

    /// <summary>The logit of the correct answer less that of the wrong one: <c>[batch]</c>.</summary>
    /// <param name="logits"><c>[batch, vocab]</c>.</param>
    /// <param name="correct">Token ids, <c>[batch]</c>, int64.</param>
    /// <param name="wrong">Token ids, <c>[batch]</c>, int64.</param>
    /// <exception cref="ArgumentException">The shapes are others.</exception>
    public static Tensor LogitDifference(Tensor logits, Tensor correct, Tensor wrong) => Pick(logits, correct) - Pick(logits, wrong);

    /// <summary>
    /// The answer's probability, from 0 to 1: <c>[batch]</c>. Near 0 and 1 it hardly changes; <see cref="LogProbability"/> does.
    /// </summary>
    /// <param name="logits"><c>[batch, vocab]</c>.</param>
    /// <param name="answer">Token ids, <c>[batch]</c>, int64.</param>
    /// <exception cref="ArgumentException">The shapes are others.</exception>
    public static Tensor Probability(Tensor logits, Tensor answer) => LogProbability(logits, answer).exp();

    /// <summary>The natural logarithm of the answer's probability, at most 0: <c>[batch]</c>.</summary>
    /// <param name="logits"><c>[batch, vocab]</c>.</param>
    /// <param name="answer">Token ids, <c>[batch]</c>, int64.</param>
    /// <exception cref="ArgumentException">The shapes are others.</exception>
    public static Tensor LogProbability(Tensor logits, Tensor answer) => Pick(LogSoftmax(logits), answer);

    /// <summary>The cross entropy of the answer in nats, at least 0: <c>[batch]</c>.</summary>
    /// <param name="logits"><c>[batch, vocab]</c>.</param>
    /// <param name="answer">Token ids, <c>[batch]</c>, int64.</param>
    /// <exception cref="ArgumentException">The shapes are others.</exception>
    public static Tensor Loss(Tensor logits, Tensor answer) => -LogProbability(logits, answer);

    /// <summary>
    /// KL(reference ‖ logits) = Σ p_ref (log p_ref − log p) in nats, at least 0: <c>[batch]</c>. Its gradient with respect to the logits is
    /// p − p_ref, which is 0 where both are equal.
    /// </summary>
    /// <param name="logits"><c>[batch, vocab]</c>.</param>
    /// <param name="reference">Another run's logits, most often the clean one's: <c>[batch, vocab]</c>.</param>
    /// <exception cref="ArgumentException">The shapes are others.</exception>
    public static Tensor KullbackLeibler(Tensor logits, Tensor reference)
    {
        CheckSame(logits, reference, rank: 2, nameof(reference));
        Tensor log = LogSoftmax(logits), expected = LogSoftmax(reference), p = expected.exp();
        // A token of probability 0 in the reference adds nothing, although its logarithm is −∞.
        return (p * (expected - log).filled(p.equal_to(0), 0)).sum([-1L]);
    }

    /// <summary>The entropy of the next token in nats, at least 0: <c>[batch]</c>.</summary>
    /// <param name="logits"><c>[batch, vocab]</c>.</param>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public static Tensor Entropy(Tensor logits)
    {
        Tensor log = LogSoftmax(logits), p = log.exp();
        return -(p * log.filled(p.equal_to(0), 0)).sum([-1L]);
    }

    private static Tensor LogSoftmax(Tensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        if (logits.shape.Length != 2)
            throw new ArgumentException(
                $"Logits are [batch, vocab], not {Shapes.Describe(logits)}: read them with [Logits].", nameof(logits));
        bool isHalf = logits.dtype is ScalarType.Float16 or ScalarType.BFloat16;
        return isHalf ? logits.log_softmax(-1, ScalarType.Float32) : logits.log_softmax(-1);
    }

    private static Tensor Pick(Tensor logits, Tensor answer)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(answer);
        if (logits.shape is not [long batch, _] || answer.shape is not [long ids] || ids != batch || answer.dtype != ScalarType.Int64)
        {
            throw new ArgumentException(
                $"An answer is one int64 token id a prompt of logits [batch, vocab]; the logits are {Shapes.Describe(logits)}, "
                + $"the answer is {answer.dtype} {Shapes.Describe(answer)}.",
                nameof(answer));
        }
        return logits.gather(1, answer.unsqueeze(1)).squeeze(1);
    }

    private static void CheckSame(Tensor left, Tensor right, int rank, string name)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        if (left.shape.Length == rank && left.shape.SequenceEqual(right.shape))
            return;
        string needed = rank == 1 ? "[batch]" : "[batch, vocab]";
        throw new ArgumentException($"Both must be {needed}; they are {Shapes.Describe(left)} and {Shapes.Describe(right)}.", name);
    }
}
