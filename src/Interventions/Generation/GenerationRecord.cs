using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>Collects the tokens and the kept values of one variant, batch by batch.</summary>
/// <param name="intervention">The declaration.</param>
/// <param name="promptCount">How many prompts there are.</param>
/// <param name="options">How many continuations each has, and what ends one.</param>
/// <param name="owner">Owns what is kept.</param>
internal sealed class GenerationRecord(BoundIntervention intervention, int promptCount, GenerationOptions options, DisposeScope owner)
{
    private readonly Dictionary<(string Name, int Part, int Pass), List<(int[] Rows, Tensor Values)>> _kept = [];

    /// <summary>Of each prompt its continuations.</summary>
    private readonly Continuation[][] _continuations =
    [
        .. Enumerable.Range(0, promptCount)
            .Select(_ => Enumerable.Range(0, options.Continuations).Select(_ => new Continuation()).ToArray()),
    ];

    /// <summary>The rows of a batch whose continuation no stop token has ended.</summary>
    public IEnumerable<int> Active(PromptBatch batch, int continuation) =>
        batch.Rows.Where(row => !_continuations[batch.Numbers[row]][continuation].HasEnded);

    /// <summary>The new tokens of a continuation so far.</summary>
    public IReadOnlyList<long> Tokens(int prompt, int continuation) => _continuations[prompt][continuation].Tokens;

    /// <summary>Adds a token, unless the continuation has ended.</summary>
    /// <returns>Whether it was added.</returns>
    public bool Add(int prompt, int continuation, long token, double logProbability)
    {
        Continuation own = _continuations[prompt][continuation];
        if (own.HasEnded)
            return false;
        own.Tokens.Add(token);
        own.LogProbabilities.Add(logProbability);
        own.StoppedBy = options.StopTokens.Contains(token) ? token : null;
        return true;
    }

    /// <summary>Keeps captures and metrics of the prompts.</summary>
    public void KeepPrompts(MethodCalls calls) => Keep(calls, calls.Own.Batch.Rows, number => number);

    /// <summary>Keeps captures and metrics of a step, of the prompts whose continuation has not ended.</summary>
    public void KeepStep(MethodCalls calls, int continuation) => Keep(
        calls, [.. Active(calls.Own.Batch, continuation)], number => (number * options.Continuations) + continuation);

    /// <summary>The tokens, and the values that were kept, in the current scope.</summary>
    public GeneratedContent Content(HookedModel model) => new(
        [
            .. _continuations.Select(of =>
                of.Select(one => new GeneratedText(one.Tokens, one.LogProbabilities, one.StoppedBy, model)).ToArray()),
        ],
        intervention.Captures.Select(capture => (capture.Name, capture.Site.IsStacked))
            .Concat(intervention.Metrics.Select(metric => (metric.Node.Name, IsStacked: false)))
            .ToDictionary(kept => kept.Name, kept => Value(kept.Name, kept.IsStacked)),
        model.Device);

    private void Keep(MethodCalls calls, int[] rows, Func<int, int> place)
    {
        PromptBatch batch = calls.Own.Batch;
        int? step = batch.Step;
        if (rows.Length == 0)
            return;
        foreach (BoundCapture capture in intervention.Captures.Where(capture => capture.Site.AppliesAt(step, calls.Point)))
            foreach ((string node, int part) in capture.Site.Names(calls.Point).Select((node, part) => (node, part)))
                Add(capture.Name, part, calls.Reduce(capture, node).Values);
        foreach (BoundMetric metric in intervention.Metrics.Where(metric => IsMeasured(metric, step, calls.Point)))
            Add(metric.Node.Name, 0, calls.Measure(metric));

        void Add(string name, int part, Tensor values)
        {
            if (!_kept.TryGetValue((name, part, step ?? -1), out List<(int[], Tensor)>? parts))
                _kept[(name, part, step ?? -1)] = parts = [];
            Tensor active = values.index_select(0, tensor(rows.Select(row => (long)row).ToArray(), device: values.device));
            parts.Add(([.. rows.Select(row => place(batch.Numbers[row]))], active.moved_to(owner)));
        }
    }

    /// <summary>
    /// Whether a metric is measured at a pass. A metric that reads no new tokens is measured on the prompts (null). One that reads new
    /// tokens is measured at the step that completes them; where it reads <c>new</c>, at every later step too.
    /// </summary>
    private static bool IsMeasured(BoundMetric metric, int? step, SweepPoint point)
    {
        SelectionItem[] items = [.. metric.Reads.NamedSites().SelectMany(site => site.NewItems(point))];
        if (items.Length == 0 || step is not int now)
            return items.Length == 0 && step is null;
        int complete = items.Where(item => item != NewTokens.Every).Select(item => item.Last).DefaultIfEmpty(0).Max();
        return now == complete || (now > complete && items.Contains(NewTokens.Every));
    }

    private GeneratedValue Value(string name, bool isStacked)
    {
        Dictionary<int, Tensor> passes = _kept.Keys.Where(key => key.Name == name).Select(key => key.Pass).Distinct().Order()
            .ToDictionary(pass => pass, pass => Pass(name, pass, isStacked));
        Tensor? prompt = passes.GetValueOrDefault(-1);
        // Steps that select nothing, and steps of different width, are filled up with zeros.
        (int[] Step, Tensor Values)[] steps =
            [.. passes.Where(pass => pass.Key >= 0).Select(pass => (new[] { pass.Key }, pass.Value.unsqueeze(0)))];
        return new GeneratedValue(name, prompt, steps.Length == 0 ? null : Fill(steps, steps[^1].Step[0] + 1));
    }

    private Tensor Pass(string name, int pass, bool isStacked)
    {
        List<Tensor> parts = [];
        int continuations = pass < 0 ? 1 : options.Continuations;
        for (int part = 0; _kept.TryGetValue((name, part, pass), out List<(int[] Rows, Tensor Values)>? batches); part++)
        {
            Tensor all = Fill(batches, promptCount * continuations);
            parts.Add(continuations == 1 ? all : all.split_axis(0, promptCount, continuations));
        }
        return isStacked ? stack(parts) : parts[0];
    }

    /// <summary>Puts rows together; missing rows are zero.</summary>
    private static Tensor Fill(IReadOnlyList<(int[] Rows, Tensor Values)> parts, int count)
    {
        int[] missing = [.. Enumerable.Range(0, count).Except(parts.SelectMany(part => part.Rows))];
        if (missing.Length == 0)
            return RaggedBatch.Combine(parts);
        Tensor like = parts[0].Values, nothing = zeros([missing.Length, .. like.shape[1..]], dtype: like.dtype, device: like.device);
        return RaggedBatch.Combine([.. parts, (missing, nothing)]);
    }

    /// <summary>One continuation of a prompt.</summary>
    private sealed class Continuation
    {
        public List<long> Tokens { get; } = [];

        public List<double> LogProbabilities { get; } = [];

        public long? StoppedBy { get; set; }

        public bool HasEnded => StoppedBy is not null;
    }
}
