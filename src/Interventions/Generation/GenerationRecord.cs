using Interventions.Binding;
using Interventions.Execution;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>Collects what one generation makes and keeps, chunk by chunk.</summary>
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

    /// <summary>The rows of a chunk that no stop token has ended.</summary>
    public IEnumerable<int> Active(PromptBatch chunk) => chunk.Rows.Where(row => !_isFinished[chunk.Numbers[row]]);

    /// <summary>Adds a token to every prompt that has not ended.</summary>
    public void Add(PromptBatch chunk, long[] tokens, double[] logProbabilities, IReadOnlyCollection<long> stopTokens)
    {
        foreach (int row in Active(chunk).ToArray())
        {
            int number = chunk.Numbers[row];
            _tokens[number].Add(tokens[row]);
            _logProbabilities[number].Add(logProbabilities[row]);
            _isFinished[number] = stopTokens.Contains(tokens[row]);
        }
    }

    /// <summary>Keeps captures and metrics of a pass, of the prompts that have not ended.</summary>
    public void Keep(MethodCalls arguments, int? step)
    {
        PromptBatch chunk = arguments.Own.Batch;
        int[] rows = [.. Active(chunk)];
        foreach (BoundCapture capture in intervention.Captures.Where(capture => capture.Site.AppliesAt(step, arguments.Point)))
            foreach ((string node, int part) in capture.Site.Names(arguments.Point).Select((node, part) => (node, part)))
                Add(capture.Name, part, arguments.Reduce(capture, node).Values);
        foreach (BoundMetric metric in intervention.Metrics.Where(metric => GenerationDemand.IsAt(metric, step, arguments.Point)))
            Add(metric.Node.Name, 0, arguments.Measure(metric));

        void Add(string name, int part, Tensor values)
        {
            if (!_kept.TryGetValue((name, part, step ?? -1), out List<(int[], Tensor)>? parts))
                _kept[(name, part, step ?? -1)] = parts = [];
            Tensor active = values.index_select(0, tensor(rows.Select(row => (long)row).ToArray(), device: values.device));
            parts.Add(([.. rows.Select(row => chunk.Numbers[row])], active.moved_to(owner)));
        }
    }

    /// <summary>What was kept under every name, in the current scope.</summary>
    public Dictionary<string, GeneratedValue> Values() =>
        intervention.Captures.Select(capture => (capture.Name, capture.Site.IsStacked)).Concat(intervention.Metrics.Select(metric => (metric.Node.Name, false)))
            .ToDictionary(kept => kept.Name, kept => Value(kept.Name, kept.Item2));

    private GeneratedValue Value(string name, bool isStacked)
    {
        Dictionary<int, Tensor> passes = _kept.Keys.Where(key => key.Name == name).Select(key => key.Pass).Distinct().Order().ToDictionary(pass => pass, pass => Pass(name, pass, isStacked));
        Tensor? prompt = passes.GetValueOrDefault(-1);
        // Steps that select nothing, and steps of different width, are filled up with zeros.
        (int[] Step, Tensor Values)[] steps = [.. passes.Where(pass => pass.Key >= 0).Select(pass => (new[] { pass.Key }, pass.Value.unsqueeze(0)))];
        return new GeneratedValue(name, prompt, steps.Length == 0 ? null : Fill(steps, steps[^1].Step[0] + 1));
    }

    private Tensor Pass(string name, int pass, bool isStacked)
    {
        List<Tensor> parts = [];
        for (int part = 0; _kept.TryGetValue((name, part, pass), out List<(int[] Rows, Tensor Values)>? chunks); part++)
            parts.Add(Fill(chunks, promptCount));
        return isStacked ? stack(parts) : parts[0];
    }

    /// <summary>Puts rows together, those that nobody has being zero.</summary>
    private static Tensor Fill(IReadOnlyList<(int[] Rows, Tensor Values)> parts, int count)
    {
        int[] missing = [.. Enumerable.Range(0, count).Except(parts.SelectMany(part => part.Rows))];
        if (missing.Length == 0)
            return RaggedBatch.Combine(parts);
        Tensor like = parts[0].Values;
        return RaggedBatch.Combine([.. parts, (missing, zeros([missing.Length, .. like.shape[1..]], dtype: like.dtype, device: like.device))]);
    }
}
