using Interventions.Binding;
using Interventions.Execution;
using Interventions.Results;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>Collects the tokens and the kept values of the generation at one point of the sweep, batch by batch.</summary>
/// <param name="intervention">The declaration.</param>
/// <param name="promptCount">How many prompts there are.</param>
/// <param name="owner">Owns what is kept.</param>
internal sealed class GenerationRecord(BoundIntervention intervention, int promptCount, DisposeScope owner)
{
    private readonly Dictionary<(string Name, int Part, int Pass), List<(int[] Rows, Tensor Values)>> _kept = [];
    private readonly List<long>[] _tokens = [.. Enumerable.Range(0, promptCount).Select(_ => new List<long>())];
    private readonly List<double>[] _logProbabilities = [.. Enumerable.Range(0, promptCount).Select(_ => new List<double>())];
    private readonly bool[] _isFinished = new bool[promptCount];

    /// <summary>Each prompt's tokens.</summary>
    public IReadOnlyList<IReadOnlyList<long>> Tokens => _tokens;

    /// <summary>Their log-probabilities.</summary>
    public IReadOnlyList<IReadOnlyList<double>> LogProbabilities => _logProbabilities;

    /// <summary>The rows of a batch that no stop token has ended.</summary>
    public IEnumerable<int> Active(PromptBatch batch) => batch.Rows.Where(row => !_isFinished[batch.Numbers[row]]);

    /// <summary>Adds a token to every prompt that has not ended.</summary>
    public void Add(PromptBatch batch, long[] tokens, double[] logProbabilities, IReadOnlyCollection<long> stopTokens)
    {
        foreach (int row in Active(batch).ToArray())
        {
            int number = batch.Numbers[row];
            _tokens[number].Add(tokens[row]);
            _logProbabilities[number].Add(logProbabilities[row]);
            _isFinished[number] = stopTokens.Contains(tokens[row]);
        }
    }

    /// <summary>Keeps captures and metrics of a pass, of the prompts that have not ended.</summary>
    public void Keep(MethodCalls calls, int? step)
    {
        PromptBatch batch = calls.Own.Batch;
        int[] rows = [.. Active(batch)];
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
            parts.Add(([.. rows.Select(row => batch.Numbers[row])], active.moved_to(owner)));
        }
    }

    /// <summary>The values that were kept, by name, in the current scope.</summary>
    public Dictionary<string, GeneratedValue> Values() => intervention.Captures.Select(capture => (capture.Name, capture.Site.IsStacked))
        .Concat(intervention.Metrics.Select(metric => (metric.Node.Name, IsStacked: false)))
        .ToDictionary(kept => kept.Name, kept => Value(kept.Name, kept.IsStacked));

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
        for (int part = 0; _kept.TryGetValue((name, part, pass), out List<(int[] Rows, Tensor Values)>? batches); part++)
            parts.Add(Fill(batches, promptCount));
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
}
