using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Collects what is kept chunk by chunk, and puts it together at the end: prompts first, then a capture's layers, then the sweep's axes.</summary>
/// <param name="intervention">The declaration.</param>
/// <param name="runs">The runs of the prompt set.</param>
/// <param name="prompts">Which of its prompts, in the order of their rows.</param>
/// <param name="isStrict">Whether promises are checked.</param>
/// <param name="owner">The scope of the whole run.</param>
internal sealed class KeptValues(BoundIntervention intervention, EquatableArray<string> runs, ImmutableArray<int> prompts, bool isStrict, DisposeScope owner)
{
    private readonly Dictionary<(int Run, string Name, int Part), List<(int[] Rows, Tensor Values)>> _unchanged = [];
    private readonly Dictionary<(int Point, string Name, int Part), List<(int[] Rows, Tensor Values)>> _changed = [];
    private readonly Dictionary<string, Tensor> _parameters = [];

    /// <summary>By name and prompt the shape that was kept of it: the same in every run, part and point.</summary>
    private readonly Dictionary<string, SortedDictionary<int, long[]>> _extents = [];

    public void AddUnchanged(int run, string name, int part, PromptBatch chunk, KeptValue value) => Add(_unchanged, (run, name, part), chunk, value);

    public void AddChanged(int point, string name, int part, PromptBatch chunk, KeptValue value) => Add(_changed, (point, name, part), chunk, value);

    /// <summary>Adds to the gradient of a parameter, which is summed over prompts and points.</summary>
    public void AddParameter(string name, Tensor gradient)
    {
        if (_parameters.TryGetValue(name, out Tensor? sum))
            sum.plus_(gradient);
        else
            _parameters[name] = gradient.clone().moved_to(owner);
    }

    /// <summary>What the writes did.</summary>
    public EffectLog Effects { get; } = new(intervention, owner);

    /// <summary>What methods promise; <see langword="null"/> where nothing is checked.</summary>
    public StrictChecks? Strict { get; } = isStrict ? new() : null;

    /// <summary>The tensors, out of every dispose scope, and what the writes did.</summary>
    public RunOutput ToOutput()
    {
        using DisposeScope scope = NewDisposeScope();
        ResultLayout layout = Layout();
        Dictionary<string, Tensor> tensors = [];
        foreach (KeptLayout kept in layout.Kept)
        {
            for (int run = 0; run < runs.Count; run++)
                tensors[ResultLayout.Of(runs[run], kept.Name)] = Unchanged(run, kept);
            tensors[kept.Name] = Changed(kept);
            if (kept.IsMasked)
                tensors[ResultLayout.MaskOf(kept.Name)] = RaggedMask.Of([.. _extents[kept.Name].Values], tensors[kept.Name].device);
        }
        foreach (string parameter in layout.Parameters)
            tensors[ResultLayout.GradientOf(parameter)] = _parameters[parameter];

        // Detached only now, when nothing can fail any more.
        foreach (Tensor tensor in tensors.Values)
            tensor.DetachFromDisposeScope();
        return new RunOutput(layout, tensors);
    }

    /// <summary>What the output will consist of.</summary>
    public ResultLayout Layout() => new(
        intervention.Name,
        intervention.Sweep,
        [.. runs],
        runs[intervention.BaseRun],
        [
            .. intervention.Kept.Select(keep => new KeptLayout(keep.Name, keep.Site.IsStacked, keep.IsSwept, _extents.ContainsKey(keep.Name))),
            .. intervention.Metrics.Select(metric => new KeptLayout(metric.Node.Name, false, metric.IsSwept, false)),
        ],
        [.. _parameters.Keys],
        prompts,
        Effects.Tallies(),
        [.. Strict?.Notes ?? []]);

    private IEnumerable<long> SweepShape() => intervention.Sweep.Select(axis => (long)axis.Coordinates.Length);

    private Tensor Changed(KeptLayout kept)
    {
        long[] sweep = [.. SweepShape()];
        if (sweep.Length == 0)
            return Stack(_changed, 0, kept.Name, kept.IsStacked);
        Tensor[] values = [.. Enumerable.Range(0, (int)sweep.Aggregate(1L, (product, size) => product * size)).Select(point => Stack(_changed, point, kept.Name, kept.IsStacked))];
        return stack(values).view([.. sweep, .. values[0].shape]);
    }

    /// <summary>What depends on the point is kept at every point, of an unchanged run too.</summary>
    private Tensor Unchanged(int run, KeptLayout kept)
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

    private void Add(Dictionary<(int, string, int), List<(int[] Rows, Tensor Values)>> kept, (int, string Name, int) key, PromptBatch chunk, KeptValue value)
    {
        if (!kept.TryGetValue(key, out List<(int[], Tensor)>? chunks))
            kept[key] = chunks = [];
        // Cloned, so that a small view does not keep a whole forward pass alive. A whole table is handed over: nobody writes into it, and its last reader gives it up.
        Tensor values = value.Values.detach();
        chunks.Add((chunk.Numbers, (value.IsWholeTable ? values : values.clone()).moved_to(owner)));
        if (value.Extents is null)
            return;
        if (!_extents.TryGetValue(key.Name, out SortedDictionary<int, long[]>? extents))
            _extents[key.Name] = extents = [];
        for (int row = 0; row < value.Extents.Length; row++)
            extents[chunk.Numbers[row]] = value.Extents[row];
    }
}
