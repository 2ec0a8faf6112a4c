using System.Collections.Immutable;
using Interventions.Planning;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Collects what is kept chunk by chunk, and puts it together at the end: prompts first, then a capture's layers, then the sweep's axes.</summary>
internal sealed class KeptValues(BoundIntervention intervention, EquatableArray<string> runs, int pointCount, DisposeScope owner)
{
    private readonly Dictionary<(int Run, string Name, int Part), List<(int[] Rows, Tensor Values)>> _unchanged = [];
    private readonly Dictionary<(int Point, string Name, int Part), List<(int[] Rows, Tensor Values)>> _changed = [];
    private readonly Dictionary<string, Tensor> _parameters = [];

    /// <summary>By name and prompt the shape that was kept of it: the same in every run, part and point.</summary>
    private readonly Dictionary<string, SortedDictionary<int, long[]>> _extents = [];

    public void AddUnchanged(int run, string name, int part, PromptChunk chunk, KeptValue value) => Add(_unchanged, (run, name, part), chunk, value);

    public void AddChanged(int point, string name, int part, PromptChunk chunk, KeptValue value) => Add(_changed, (point, name, part), chunk, value);

    /// <summary>Adds to the gradient of a parameter, which is summed over prompts and points.</summary>
    public void AddParameter(string name, Tensor gradient)
    {
        if (_parameters.TryGetValue(name, out Tensor? sum))
            sum.add_(gradient);
        else
            _parameters[name] = gradient.clone().MoveToOtherDisposeScope(owner);
    }

    /// <summary>The tensors, out of every dispose scope, and what the writes did.</summary>
    /// <exception cref="InterventionException">The run is strict, and a write had no effect.</exception>
    public RunOutput ToOutput(EffectLog log, StrictChecks? strict)
    {
        using DisposeScope scope = NewDisposeScope();
        ImmutableArray<WriteEffect> effects = log.Effects();
        ImmutableArray<string> warnings = [.. log.Warnings(effects)];
        if (strict is not null && !warnings.IsEmpty)
            throw new InterventionException(string.Join(' ', warnings));
        Dictionary<string, IReadOnlyDictionary<string, Tensor>> unchanged = [];
        for (int run = 0; run < runs.Count; run++)
            unchanged[runs[run]] = Names().ToDictionary(kept => kept.Name, kept => Unchanged(run, kept));

        Dictionary<string, SweptTensor> changed = [];
        foreach ((string name, bool isStacked, _) in Names())
        {
            Tensor[] values = [.. Enumerable.Range(0, pointCount).Select(point => Stack(_changed, point, name, isStacked))];
            Tensor stacked = intervention.Sweep.IsEmpty ? values[0] : stack(values).view([.. SweepShape(), .. values[0].shape]);
            changed[name] = new SweptTensor(
                [.. intervention.Sweep.Select(axis => axis.Placeholder)],
                [.. intervention.Sweep.Select(axis => axis.Coordinates)],
                stacked,
                _extents.TryGetValue(name, out SortedDictionary<int, long[]>? extents) ? RaggedMask.Of([.. extents.Values], stacked.device) : null,
                unchanged[runs[intervention.BaseRun]][name]);
        }

        // Detached only now, when nothing can fail any more.
        foreach (Tensor tensor in changed.Values.SelectMany(value => value.Tensors).Concat(unchanged.Values.SelectMany(run => run.Values)).Concat(_parameters.Values))
            tensor.DetachFromDisposeScope();
        return new RunOutput(changed, unchanged, _parameters) { Effects = effects, Warnings = [.. warnings, .. strict?.Notes ?? []] };
    }

    private IEnumerable<(string Name, bool IsStacked, bool IsSwept)> Names() =>
        intervention.Captures.Concat<BoundKeep>(intervention.Gradients).Select(keep => (keep.Name, keep.Site.IsStacked, keep.IsSwept))
            .Concat(intervention.Metrics.Select(metric => (metric.Node.Name, false, metric.IsSwept)));

    private IEnumerable<long> SweepShape() => intervention.Sweep.Select(axis => (long)axis.Values.Length);

    /// <summary>What depends on the point is kept at every point, of an unchanged run too.</summary>
    private Tensor Unchanged(int run, (string Name, bool IsStacked, bool IsSwept) kept)
    {
        Tensor values = Stack(_unchanged, run, kept.Name, kept.IsSwept || kept.IsStacked);
        return kept.IsSwept ? values.view([.. SweepShape(), .. kept.IsStacked ? [-1L] : Array.Empty<long>(), .. values.shape[1..]]) : values;
    }

    private static Tensor Stack(Dictionary<(int, string, int), List<(int[], Tensor)>> kept, int outer, string name, bool stacked)
    {
        List<Tensor> parts = [];
        for (int part = 0; kept.TryGetValue((outer, name, part), out List<(int[], Tensor)>? chunks); part++)
            parts.Add(RaggedBatch.Combine(chunks));
        return stacked ? stack(parts) : parts[0];
    }

    private void Add(Dictionary<(int, string, int), List<(int[] Rows, Tensor Values)>> kept, (int, string Name, int) key, PromptChunk chunk, KeptValue value)
    {
        if (!kept.TryGetValue(key, out List<(int[], Tensor)>? chunks))
            kept[key] = chunks = [];
        // Cloned, so that a small view does not keep a whole forward pass alive.
        chunks.Add((chunk.Numbers, value.Values.detach().clone().MoveToOtherDisposeScope(owner)));
        if (value.Extents is null)
            return;
        if (!_extents.TryGetValue(key.Name, out SortedDictionary<int, long[]>? extents))
            _extents[key.Name] = extents = [];
        for (int row = 0; row < value.Extents.Length; row++)
            extents[chunk.Numbers[row]] = value.Extents[row];
    }
}
