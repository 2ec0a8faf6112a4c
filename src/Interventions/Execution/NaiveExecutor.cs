using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// The oracle: the unchanged runs in one pass, then at every point of the sweep one full forward pass for each derived run and one for the
/// changed run. Nothing is shared between points, nothing is left out.
/// </summary>
internal sealed class NaiveExecutor(BoundIntervention intervention, HookedModel model, PromptBatch batch, int runCount) : IExecutor
{
    private readonly SweepPoint[] _points = [.. intervention.Points()];
    private readonly NaiveReads _reads = new(intervention);

    public PromptBatch Prompts => batch;

    public int Steps => 1 + (_points.Length * (intervention.Runs.Length + 1));

    /// <summary>An executor for each batch of the prompts.</summary>
    public static ImmutableArray<IExecutor> All(
        BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options) =>
    [
        .. PromptBatch.Of(prompts, options.BatchSize, model.Graph)
            .Select(batch => new NaiveExecutor(intervention, model, batch, prompts.Vocabulary.Runs.Count)),
    ];

    public void Execute(PassContext context)
    {
        MethodCalls[] unchanged = Unchanged(context);
        context.Report();
        // An unchanged run has no point of its own: a value that depends on the point is kept of it at every point.
        foreach (int run in Enumerable.Range(0, runCount).Where(intervention.Keeps))
            Keep(unchanged[run], _points, context.Kept.OfRun(run));

        for (int i = 0; i < _points.Length; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            NaivePoint point = new(_reads, model, batch, _points[i], context with { Scope = scope });
            Keep(point.Changed(unchanged), [_points[i]], context.Kept.AtPoint(i));
        }
    }

    /// <summary>The calls of methods for each run of the prompt set.</summary>
    private MethodCalls[] Unchanged(PassContext context)
    {
        GradientLeaves leaves = new(context.Scope);
        IEnumerable<string> reads = [.. _reads.OfOtherRuns(run => run < runCount, _points), .. _reads.Kept(_points), model.Graph.Output];
        Dictionary<string, Tensor> all = GraphEvaluator.Evaluate(
            model.Graph,
            batch.Ids([.. Enumerable.Range(0, runCount)], model.Device),
            reads,
            _reads.Differentiated(_points).ToDictionary(node => node, leaves.Write),
            cancellationToken: context.CancellationToken);
        WholeValues[] runs = [.. Enumerable.Range(0, runCount).Select(run => Part(all, run))];
        MethodCalls[] calls = [.. runs.Select(run => new MethodCalls(intervention.Name, SweepPoint.None, run, runs, context.References))];
        if (!intervention.Gradients.IsEmpty)
        {
            // Rows of different runs do not meet, so the gradient of the sum over runs is each run's own.
            Dictionary<string, Dictionary<string, Tensor>> gradients = leaves.Differentiate(
                _reads.DifferentiatedMetrics, metric => stack(calls.Select(run => run.Measure(metric).sum())).sum());
            calls =
            [
                .. calls.Select((own, run) => own with
                {
                    Gradients = gradients.ToDictionary(metric => metric.Key, metric => (RunValues)Part(metric.Value, run)),
                }),
            ];
        }
        return [.. calls.Select(run => run with { Strict = context.Kept.Strict, Finite = context.Kept.Finite })];

        WholeValues Part(Dictionary<string, Tensor> values, int run) =>
            new(batch, run, values.ToDictionary(pair => pair.Key, pair => pair.Value.narrow(0, (long)run * batch.Count, batch.Count)));
    }

    /// <summary>Keeps captures, gradients and metrics of one run.</summary>
    /// <param name="calls">Calls the methods for the run.</param>
    /// <param name="points">The points at which values are kept that depend on the point.</param>
    /// <param name="kept">Takes what is kept, and counts what is stacked.</param>
    private void Keep(MethodCalls calls, IReadOnlyList<SweepPoint> points, KeptValues.Parts kept)
    {
        foreach (BoundKeep keep in _reads.Keeps)
        {
            int part = 0;
            foreach (SweepPoint point in PointsOf(keep.IsSwept))
                foreach (string node in keep.Site.Names(point))
                    kept.Add(keep.Name, part++, batch, (calls with { Point = point }).Reduce(keep, node));
        }
        foreach (BoundMetric metric in intervention.Metrics)
        {
            int part = 0;
            foreach (SweepPoint point in PointsOf(metric.IsSwept))
                kept.Add(metric.Node.Name, part++, batch, (calls with { Point = point }).Measure(metric));
        }

        IEnumerable<SweepPoint> PointsOf(bool isSwept) => isSwept ? points : [calls.Point];
    }
}

/// <summary>The nodes whose values a naive pass must return, at some points of the sweep.</summary>
internal sealed class NaiveReads(BoundIntervention intervention)
{
    private readonly ImmutableArray<MethodReads> _methods = MethodReads.Of(intervention);

    public BoundIntervention Intervention => intervention;

    /// <summary>Captures and gradients.</summary>
    public ImmutableArray<BoundKeep> Keeps { get; } = [.. intervention.Kept];

    /// <summary>The metrics of gradients and of parameters.</summary>
    public ImmutableArray<BoundMetric> DifferentiatedMetrics { get; } =
    [
        .. intervention.Gradients.Select(gradient => gradient.Metric)
            .Concat(intervention.Parameters.Select(parameter => parameter.Metric)).Distinct(),
    ];

    /// <summary>Nodes that methods of other runs read of some runs.</summary>
    /// <param name="which">Says of a run's number whether it is one of them.</param>
    /// <param name="points">The points.</param>
    public IEnumerable<string> OfOtherRuns(Func<int, bool> which, IEnumerable<SweepPoint> points) =>
        points.SelectMany(point => Nodes(_methods, run => run is int number && which(number), point));

    /// <summary>Nodes that the writes of a run (null: the changed run) read of that very run.</summary>
    public IEnumerable<string> OfWrites(int? run, SweepPoint point) =>
        Nodes(_methods.Where(method => method.IsWrite && method.Run == run), read => read is null, point);

    /// <summary>Nodes that captures, gradients and metrics read of the run that they are kept of.</summary>
    public IEnumerable<string> Kept(IEnumerable<SweepPoint> points) => points.SelectMany(point =>
        Keeps.SelectMany(keep => keep.Site.Names(point))
            .Concat(Nodes(_methods.Where(method => !method.IsWrite), read => read is null, point)));

    /// <summary>Nodes whose gradients are kept.</summary>
    public IEnumerable<string> Differentiated(IEnumerable<SweepPoint> points) =>
        points.SelectMany(intervention.Differentiated).Distinct();

    private static IEnumerable<string> Nodes(IEnumerable<MethodReads> methods, Func<int?, bool> which, SweepPoint point) =>
        methods.SelectMany(method => method.Sites(point)).Where(read => which(read.Run)).SelectMany(read => read.Site.Names(point));
}

/// <summary>
/// Zeros that are added to the values of sites: the gradient with respect to the zeros is the gradient with respect to the site. The
/// addition is a write, so the model takes the detours through the site, and the site lies on the path to the metric.
/// </summary>
internal sealed class GradientLeaves(DisposeScope owner)
{
    private readonly Dictionary<string, Tensor> _leaves = [];

    /// <summary>A write that adds the node's leaf.</summary>
    public Func<Tensor, Tensor> Write(string node) => value =>
    {
        Tensor leaf = zeros_like(value).detach().requires_grad_().moved_to(owner);
        _leaves[node] = leaf;
        return value.plus(leaf);
    };

    /// <summary>Gradients of each metric's total, by metric and leaf; zero where nothing depends on the leaf.</summary>
    public Dictionary<string, Dictionary<string, Tensor>> Differentiate(
        IEnumerable<BoundMetric> metrics, Func<BoundMetric, Tensor> total) =>
        metrics.ToDictionary(metric => metric.Node.Name, metric =>
        {
            Tensor[] gradients = Derivatives.Of(total(metric), [.. _leaves.Values]);
            return _leaves.Keys.Zip(gradients).ToDictionary(pair => pair.First, pair => pair.Second);
        });
}

/// <summary>One point of the sweep in a naive run: a full forward pass for each derived run, and one for the changed run.</summary>
internal sealed class NaivePoint(NaiveReads reads, HookedModel model, PromptBatch batch, SweepPoint point, PassContext context)
{
    private readonly BoundIntervention _intervention = reads.Intervention;

    /// <summary>The calls of methods for the changed run.</summary>
    /// <param name="unchanged">Those for the runs of the prompt set.</param>
    public MethodCalls Changed(IReadOnlyList<MethodCalls> unchanged)
    {
        List<RunValues> runs = [.. unchanged.Select(run => run.Own)];
        foreach (BoundRun run in _intervention.Runs)
        {
            IEnumerable<string> read = reads.OfOtherRuns(other => other == run.Number, [point]);
            runs.Add(Pass(runs, run.Number, run.Of, read, new GradientLeaves(context.Scope), []));
            context.Report();
        }
        // Without writes the changed run is the base run, bit for bit. A parameter's gradient is kept of the changed run alone.
        if (_intervention.Writes.All(write => write.Run is not null) && _intervention.Parameters.IsEmpty)
        {
            context.Report();
            return unchanged[_intervention.BaseRun] with { Point = point, Runs = runs };
        }
        GradientLeaves leaves = new(context.Scope);
        WholeValues changed = Pass(runs, null, _intervention.BaseRun, reads.Kept([point]), leaves, reads.Differentiated([point]));
        context.Report();
        MethodCalls calls = new(_intervention.Name, point, changed, runs, context.References)
        {
            Strict = context.Kept.Strict,
            Finite = context.Kept.Finite,
        };
        return calls with { Gradients = Gradients(calls, leaves) };
    }

    /// <summary>The gradients of the changed run, by metric. Those of parameters are kept.</summary>
    private Dictionary<string, RunValues> Gradients(MethodCalls changed, GradientLeaves leaves)
    {
        foreach (BoundParameter parameter in _intervention.Parameters)
            context.Kept.AddParameter(
                parameter, Derivatives.OrNull(changed.Measure(parameter.Metric).sum(), parameter.Node.Value));
        Dictionary<string, Dictionary<string, Tensor>> gradients = leaves.Differentiate(
            reads.DifferentiatedMetrics, metric => changed.Measure(metric).sum());
        return gradients.ToDictionary(metric => metric.Key, metric => (RunValues)new WholeValues(batch, changed.Own.Run, metric.Value));
    }

    /// <summary>One forward pass under the writes of a run (null: the changed run).</summary>
    private WholeValues Pass(
        List<RunValues> runs, int? run, int of, IEnumerable<string> read, GradientLeaves leaves, IEnumerable<string> differentiated)
    {
        Dictionary<string, Tensor> before = [];
        Dictionary<string, NodeWrite> writes = [];
        foreach (BoundWrite write in _intervention.Writes.Where(write => write.Run == run))
        {
            foreach (BoundWrite declared in write.Declared)
                context.Kept.Effects.CountSelected(declared, Target(of), model.Graph.LooksAhead);
            foreach (string node in write.Site.Names(point))
            {
                NodeWrite first = writes.GetValueOrDefault(node, (value, _) => before[node] = value.alias().moved_to(context.Scope));
                writes[node] = (value, earlier) => Write(write, node, first(value, earlier), earlier, runs, of);
            }
        }
        foreach (string node in differentiated)
        {
            NodeWrite first = writes.GetValueOrDefault(node, (value, _) => value);
            Func<Tensor, Tensor> leaf = leaves.Write(node);
            writes[node] = (value, earlier) => leaf(first(value, earlier));
        }
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(
            model.Graph,
            batch.Ids([of], model.Device),
            [.. read, .. reads.OfWrites(run, point), model.Graph.Output],
            writes,
            positions: null,
            context.CancellationToken);
        return new WholeValues(batch, of, values) { BeforeWrites = before };
    }

    private Tensor Write(
        BoundWrite write, string node, Tensor value, IReadOnlyDictionary<string, Tensor> earlier, List<RunValues> runs, int of)
    {
        // A strict run checks each method for itself.
        if (!write.Parts.IsEmpty && (context.Kept.Strict is not null || !IsOneStep(write, of)))
            return write.Parts.Aggregate(value, (written, part) => Write(part, node, written, earlier, runs, of));
        // Groups of prompts do not overlap, so each reads the value as it was before this write.
        WholeValues own = new(batch, of, new Dictionary<string, Tensor> { [node] = value });
        MethodCalls calls = new(_intervention.Name, point, own, runs, context.References)
        {
            Others = new WholeValues(batch, of, earlier),
            Strict = context.Kept.Strict,
            Finite = context.Kept.Finite,
        };
        EffectLog effects = context.Kept.Effects;
        PartObserver? observe = write.Parts.IsEmpty
            ? null
            : (part, found, written) => Compare(write.Parts[part], found, written);
        write.Site.CheckAxes(value.shape);
        foreach (int[] rows in batch.RowGroups(write.Selected))
        {
            Tensor selected = SelectedValues.FlatIndices(value, write.Site, point, batch, of, rows);
            Tensor entries = calls.Entries(write, node, selected.shape, rows, observe).to(value.dtype);
            Tensor written = SelectedValues.Write(value, selected, entries);
            // What is there afterwards: where two selected positions are one token, only the last one's entry is.
            if (write.Parts.IsEmpty)
                Compare(write, SelectedValues.Read(value, selected), SelectedValues.Read(written, selected));
            value = written;
        }
        foreach (BoundWrite declared in write.Declared)
            effects.CountWritten(declared, Target(of));
        return value;

        void Compare(BoundWrite declared, Tensor found, Tensor written)
        {
            if (!declared.Node.Uncompared)
                effects.Compare(declared.Number, found, written);
        }
    }

    private WriteTarget Target(int of) => new(batch, batch.Rows, of, point);

    /// <summary>
    /// Whether the parts of a fused write can be called as one. Not if two selected positions are one token: then a later part sees what an
    /// earlier one left there. Nor if a part would see other prompts together than the whole does.
    /// </summary>
    private bool IsOneStep(BoundWrite write, int of) =>
        !batch.Rows.Any(row => write.Site.Repeats(point, batch.Tokens(of, row), batch.Describe(of, row)))
        && write.Parts.All(part => part.Selected.Any(site => site.IsRagged) == write.Selected.Any(site => site.IsRagged));
}
