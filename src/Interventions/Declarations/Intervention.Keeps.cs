using System.Collections.Immutable;
using Interventions.Declarations;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions;

/// <content>What is kept without a lambda, and how lambdas become nodes of the graph.</content>
public sealed partial record Intervention
{
    private static readonly Read s_value = new Read.Value(), s_gradient = new Read.Gradient();

    /// <summary>Keeps the selected values as they are, see <see cref="CaptureAttribute"/>.</summary>
    /// <param name="name">The name on the result.</param>
    /// <param name="site">The site path; a wildcard stacks the layers along a new first axis.</param>
    /// <param name="beforeWrites">Whether the value is the one before the writes to the site.</param>
    public Intervention Capture(string name, string site, bool beforeWrites = false) =>
        Capture(name, site, static value => value, beforeWrites: beforeWrites);

    /// <summary>Keeps a metric's gradient as it is, see <see cref="GradientAttribute"/>.</summary>
    /// <param name="name">The name on the result.</param>
    /// <param name="site">The site path; a wildcard stacks the layers along a new first axis.</param>
    /// <param name="of">The metric; needed where there are several.</param>
    public Intervention Gradient(string name, string site, string? of = null) =>
        Gradient(name, site, static gradient => gradient, of: of);

    /// <summary>Keeps the logit of one answer less that of another.</summary>
    /// <param name="correct">The answer of the prompt set that should be likelier.</param>
    /// <param name="wrong">The other answer.</param>
    /// <param name="at">The position.</param>
    /// <param name="name">The name on the result.</param>
    public Intervention LogitDifference(string correct, string wrong, string at = "end", string name = nameof(LogitDifference)) => Metric(
        name, static (correct, wrong) => Metrics.LogitDifference(correct, wrong), [Reads.Logit(correct, at), Reads.Logit(wrong, at)]);

    /// <summary>Keeps an answer's probability, see <see cref="Metrics.Probability"/>.</summary>
    /// <param name="answer">The answer of the prompt set.</param>
    /// <param name="at">The position.</param>
    /// <param name="name">The name on the result.</param>
    public Intervention Probability(string answer, string at = "end", string name = nameof(Probability)) =>
        Metric(name, Metrics.Probability, [Reads.Logits(at), Reads.Answer(answer)]);

    /// <summary>Keeps the natural logarithm of an answer's probability, see <see cref="Metrics.LogProbability"/>.</summary>
    /// <param name="answer">The answer of the prompt set.</param>
    /// <param name="at">The position.</param>
    /// <param name="name">The name on the result.</param>
    public Intervention LogProbability(string answer, string at = "end", string name = nameof(LogProbability)) =>
        Metric(name, Metrics.LogProbability, [Reads.Logits(at), Reads.Answer(answer)]);

    /// <summary>Keeps the cross entropy of an answer in nats, see <see cref="Metrics.Loss"/>.</summary>
    /// <param name="answer">The answer of the prompt set.</param>
    /// <param name="at">The position.</param>
    /// <param name="name">The name on the result.</param>
    public Intervention Loss(string answer, string at = "end", string name = nameof(Loss)) =>
        Metric(name, Metrics.Loss, [Reads.Logits(at), Reads.Answer(answer)]);

    /// <summary>Keeps the divergence from another run's next token, see <see cref="Metrics.KullbackLeibler"/>.</summary>
    /// <param name="reference">The run of the prompt set.</param>
    /// <param name="at">The position.</param>
    /// <param name="name">The name on the result.</param>
    public Intervention KullbackLeibler(string reference, string at = "end", string name = nameof(KullbackLeibler)) =>
        Metric(name, Metrics.KullbackLeibler, [Reads.Logits(at), Reads.Logits(at, reference)]);

    /// <summary>Keeps the entropy of the next token in nats, see <see cref="Metrics.Entropy"/>.</summary>
    /// <param name="at">The position.</param>
    /// <param name="name">The name on the result.</param>
    public Intervention Entropy(string at = "end", string name = nameof(Entropy)) => Metric(name, Metrics.Entropy, Reads.Logits(at));

    private Intervention Patch(
        string site, UserMethod method, Reads? from, string? run, string? name, bool pointwise, bool acrossBatch)
    {
        CallNames call = Call(site, nameof(Patch)) with { Paths = [site], Reads = [.. from ?? []], Written = run };
        name ??= method.Name;
        WriteNode node = new(name ?? nameof(Patch), site, Arguments(call, method, [s_value]), method.Invoke, run)
        {
            Pointwise = pointwise,
            AcrossBatch = acrossBatch,
            IsNameless = name is null,
        };
        if (pointwise && call.Reads.FirstOrDefault(read => read is Read.Of or Read.From { Site: not null }) is { } other)
            throw Wrong(call, $"it reads {GraphText.Describe(other)}, of which it gets every position, so it is not pointwise");
        return Say(call) with { Steps = Steps.Add(new WriteStep.One(node)) };
    }

    private Intervention Capture(string name, string site, UserMethod method, Reads? from, bool beforeWrites, bool acrossBatch)
    {
        CallNames call = Keep(name, nameof(Capture)) with { Paths = [site], Reads = [.. from ?? []] };
        CaptureNode node = new(name, site, Arguments(call, method, [s_value]), method.Invoke, beforeWrites) { AcrossBatch = acrossBatch };
        return Say(call) with { Bare = Bare with { Captures = Bare.Captures.Add(node) } };
    }

    private Intervention Gradient(string name, string site, UserMethod method, Reads? from, string? of, bool acrossBatch)
    {
        CallNames call = Keep(name, nameof(Gradient)) with { Paths = [site], Reads = [.. from ?? []] };
        GradientNode node =
            new(name, site, Arguments(call, method, [s_gradient, s_value]), method.Invoke, of) { AcrossBatch = acrossBatch };
        return Say(call) with { Bare = Bare with { Gradients = Bare.Gradients.Add(node) } };
    }

    private Intervention Metric(string name, UserMethod method, Reads from, bool acrossBatch)
    {
        ArgumentNullException.ThrowIfNull(from);
        CallNames call = Keep(name, nameof(Metric)) with { Reads = [.. from] };
        MetricNode node = new(name, Arguments(call, method, []), method.Invoke) { AcrossBatch = acrossBatch };
        return Say(call) with { Bare = Bare with { Metrics = Bare.Metrics.Add(node) } };
    }

    /// <summary>A call that keeps something under a name of its own.</summary>
    private CallNames Keep(string name, string verb)
    {
        CallNames call = Call(name, verb);
        if (!BracedName.IsName(name))
            throw Wrong(call, $"'{name}' is no name of a result: letters, digits and '_'");
        bool isTaken = Bare.Captures.Any(kept => kept.Name == name) || Bare.Gradients.Any(kept => kept.Name == name)
            || Bare.Metrics.Any(kept => kept.Name == name);
        return isTaken ? throw Wrong(call, Sentences.Of(Sentences.DuplicateResult, name)) : call;
    }

    /// <summary>What a lambda's parameters read: the plain ones come first, and read the method's own value.</summary>
    private ImmutableArray<Read> Arguments(CallNames call, UserMethod method, ReadOnlySpan<Read> own)
    {
        ImmutableArray<string> parameters = method.Parameters;
        int plain = parameters.Length - call.Reads.Length;
        if (plain < 0)
            throw Wrong(call, $"'from' has {call.Reads.Length} reads, and the method {parameters.Length} parameters");
        if (plain > own.Length)
        {
            throw Wrong(call, own.IsEmpty
                ? Sentences.Of(Sentences.NoSiteOfMetric, method.Name ?? call.Call, parameters[0], "from: Reads.Logit(\"…\")")
                : Sentences.Of(
                    Sentences.SecondValue, method.Name ?? call.Call, parameters[own.Length - 1], parameters[own.Length], "from: \"…\""));
        }
        foreach (Read read in call.Reads)
        {
            if (!own.IsEmpty && read is Read.Logit or Read.Logits or Read.WordLogits)
                throw Wrong(call, Sentences.Of(
                    Sentences.LogitsOutsideMetric, call.Call, read is Read.Logits ? "Reads.Logits" : "Reads.Logit"));
            if (own.IsEmpty && read is Read.From { Site: null } from)
            {
                throw Wrong(call, Sentences.Of(
                    Sentences.NoSiteOfMetric, method.Name ?? call.Call, parameters[plain + call.Reads.IndexOf(read)],
                    $"from: Reads.Logit(\"{from.Run}\") or Reads.From(\"{from.Run}\", \"site\")"));
            }
        }
        return [.. own[..plain], .. call.Reads];
    }
}
