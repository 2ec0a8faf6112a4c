using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Collects kept values batch by batch, and joins them at the end: prompts first, then a capture's layers, then the sweep's axes.
/// </summary>
/// <param name="intervention">The declaration.</param>
/// <param name="model">The model, for the texts of tokens.</param>
/// <param name="set">The prompt set.</param>
/// <param name="prompts">The numbers of its prompts, in the order of their rows.</param>
/// <param name="options">Whether promises are checked, and from which size on kept values are large.</param>
/// <param name="owner">The scope of the whole run.</param>
internal sealed class KeptValues(
    BoundIntervention intervention, HookedModel model, IPromptSet set, ImmutableArray<int> prompts, RunOptions options,
    DisposeScope owner)
{
    private readonly EquatableArray<string> _names = set.Vocabulary.Runs;
    private readonly int[] _kept = [.. Enumerable.Range(0, set.Vocabulary.Runs.Count).Where(intervention.Keeps)];
    private readonly Dictionary<int, Parts> _runs = [], _points = [];
    private readonly Dictionary<string, Tensor> _parameters = [];
    private readonly HashSet<BoundParameter> _read = [];

    /// <summary>By name and prompt the shape that was kept of it: the same in every run, part and point.</summary>
    private readonly Dictionary<string, SortedDictionary<int, long[]>> _extents = [];

    /// <summary>Counts what the writes do.</summary>
    public EffectLog Effects { get; } = new(intervention, owner);

    /// <summary>Checks what methods promise; <see langword="null"/> in ordinary runs.</summary>
    public StrictChecks? Strict { get; } = options.Strict ? new() : null;

    /// <summary>Finds methods that make infinite values.</summary>
    public FiniteLog Finite { get; } = new(options.Strict, owner);

    /// <summary>What is kept of an unchanged run.</summary>
    public Parts OfRun(int run) => Get(_runs, run);

    /// <summary>What is kept of the changed run at a point of the sweep.</summary>
    public Parts AtPoint(int point) => Get(_points, point);

    /// <summary>Adds to the gradient of a parameter, which is summed over prompts and points.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="found">The gradient; null where the metric does not depend on the parameter.</param>
    public void AddParameter(BoundParameter parameter, Tensor? found)
    {
        if (found is not null)
            _read.Add(parameter);
        string name = parameter.Node.Name;
        Tensor gradient = found ?? zeros_like(parameter.Node.Value);
        if (_parameters.TryGetValue(name, out Tensor? sum))
            sum.plus_(gradient);
        else
            _parameters[name] = gradient.clone().moved_to(owner);
    }

    /// <summary>The tensors, out of every dispose scope, and what the writes did.</summary>
    public RunResult ToOutput()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = [];
        List<KeptLayout> layouts = [];
        PromptTokens[] tokens = [.. prompts.Select(i => set.Prompts[i])];
        foreach (BoundKeep keep in intervention.Kept)
            Add(keep.Name, keep.Site.IsStacked, keep.IsSwept, keep.Site);
        foreach (BoundMetric metric in intervention.Metrics)
            Add(metric.Node.Name, isStacked: false, metric.IsSwept, site: null);
        foreach ((string parameter, Tensor gradient) in _parameters)
            tensors[ResultLayout.GradientOf(parameter)] = gradient;
        KeptSizes sizes = new(intervention, options.MemoryBudget);
        ResultLayout layout = Layout([.. layouts]);
        IEnumerable<string> large = sizes.Kept(
            name => [tensors[name], .. _names.Select(run => tensors[ResultLayout.Of(run, name)])], prompts.Length);
        layout = layout with { Notes = [.. layout.Notes, .. large] };

        // Detached only now, when nothing can fail any more.
        foreach (Tensor tensor in tensors.Values)
            tensor.DetachFromDisposeScope();
        return new RunResult(layout, tensors);

        void Add(string name, bool isStacked, bool isSwept, BoundSite? site)
        {
            foreach (int run in _kept)
                tensors[ResultLayout.Of(_names[run], name)] = Unchanged(run, name, isStacked, isSwept);
            Tensor values = tensors[name] = Changed(name, isStacked);
            bool isMasked = _extents.TryGetValue(name, out SortedDictionary<int, long[]>? extents);
            if (isMasked)
                tensors[ResultLayout.MaskOf(name)] = RaggedMask.Of([.. extents!.Values], values.device);
            SweepPoint point = intervention.Points().First();
            ImmutableArray<int> layers = isStacked ? [.. site!.LayersAt(point)] : [];
            int batchAxis = intervention.Sweep.Length + (isStacked ? 1 : 0);
            layouts.Add(new KeptLayout(
                name, layers, isSwept, isMasked, site is null ? [] : KeptAxes.Of(site, point, tokens, values.shape[(batchAxis + 1)..])));
        }
    }

    private Parts Get(Dictionary<int, Parts> of, int number)
    {
        if (!of.TryGetValue(number, out Parts? parts))
            of[number] = parts = new Parts(_extents, owner);
        return parts;
    }

    private ResultLayout Layout(ImmutableArray<KeptLayout> kept) => new()
    {
        Declaration = intervention.Name,
        WeightsNote = model.WeightsNote,
        Sweep = intervention.Sweep,
        Runs = [.. _names],
        KeptRuns = [.. _kept.Select(run => _names[run])],
        BaseRun = _names[intervention.BaseRun],
        Kept = kept,
        Parameters = [.. _parameters.Keys],
        Prompts = prompts,
        Positions = [.. set.Vocabulary.Positions],
        Tokens = [.. prompts.Select(i => new PromptLayout([.. set.Prompts[i].Runs.Select(run =>
            new RunLayout([.. run.Texts ?? run.Ids.Select(model.TextOf)], [.. run.Positions]))]))],
        Effects = Effects.All(prompts),
        Notes = [.. Strict?.Notes ?? [], .. Finite.Warnings, .. intervention.Notes, .. Unread()],
    };

    /// <summary>The parameters that no metric depends on: an optimiser would train nothing.</summary>
    /// <exception cref="InterventionException">There is one, in a strict run.</exception>
    private string[] Unread()
    {
        string[] unread =
        [
            .. intervention.Parameters.Where(parameter => !_read.Contains(parameter)).Select(parameter =>
                $"{intervention.Name}.{parameter.Node.Name} trains nothing: {parameter.Metric.Node.Name} does not depend on it, so its "
                + "gradient is 0."),
        ];
        return options.Strict && unread.Length > 0 ? throw new InterventionException(string.Join(' ', unread)) : unread;
    }

    private long[] SweepShape() => [.. intervention.Sweep.Select(axis => (long)axis.Coordinates.Length)];

    private Tensor Changed(string name, bool isStacked)
    {
        long[] sweep = SweepShape();
        if (sweep.Length == 0)
            return _points[0].Stack(name, isStacked);
        int points = (int)sweep.Aggregate(1L, (product, size) => product * size);
        Tensor[] values = [.. Enumerable.Range(0, points).Select(point => _points[point].Stack(name, isStacked))];
        return stack(values).view([.. sweep, .. values[0].shape]);
    }

    /// <summary>A value that depends on the point is kept at every point, of an unchanged run too.</summary>
    private Tensor Unchanged(int run, string name, bool isStacked, bool isSwept)
    {
        Tensor values = _runs[run].Stack(name, isSwept || isStacked);
        return isSwept
            ? values.view([.. SweepShape(), .. isStacked ? [-1L] : Array.Empty<long>(), .. values.shape[1..]])
            : values;
    }

    /// <summary>What is kept of one run, or of one point: by name its parts, which are stacked, and of each the batches.</summary>
    internal sealed class Parts(Dictionary<string, SortedDictionary<int, long[]>> extents, DisposeScope owner)
    {
        private readonly Dictionary<(string Name, int Part), List<(int[] Prompts, Tensor Values)>> _batches = [];

        /// <summary>Adds a batch's values.</summary>
        /// <param name="name">The name.</param>
        /// <param name="part">The value's place in what is stacked.</param>
        /// <param name="batch">The prompts.</param>
        /// <param name="value">The values.</param>
        public void Add(string name, int part, PromptBatch batch, RaggedTensor value)
        {
            if (!_batches.TryGetValue((name, part), out List<(int[], Tensor)>? batches))
                _batches[(name, part)] = batches = [];
            // Cloned, so that a small view does not keep a whole forward pass alive. A whole table is handed over: nothing writes into it.
            Tensor values = value.Values.detach();
            batches.Add((batch.Numbers, (value.IsWholeTable ? values : values.clone()).moved_to(owner)));
            if (value.Extents is null)
                return;
            if (!extents.TryGetValue(name, out SortedDictionary<int, long[]>? ofName))
                extents[name] = ofName = [];
            for (int row = 0; row < value.Extents.Length; row++)
                ofName[batch.Numbers[row]] = value.Extents[row];
        }

        /// <summary>All prompts' values of a name: its only part, or its parts along a new axis.</summary>
        public Tensor Stack(string name, bool stacked)
        {
            List<Tensor> parts = [];
            for (int part = 0; _batches.TryGetValue((name, part), out List<(int[], Tensor)>? batches); part++)
                parts.Add(RaggedBatch.Combine(batches));
            return stacked ? stack(parts) : parts[0];
        }
    }
}
