using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// The oracle: the unchanged runs in one batch, then at every point of the sweep one full forward pass for each derived run and for the changed run. Nothing is
/// shared between points, nothing is left out.
/// </summary>
/// <param name="intervention">The intervention.</param>
/// <param name="model">The model.</param>
/// <param name="runCount">How many runs the prompt set has.</param>
internal sealed class NaiveExecutor(BoundIntervention intervention, HookedModel model, int runCount) : IExecutor
{
    private readonly SweepPoint[] _points = [.. intervention.Points()];
    private readonly Demand _demand = new(intervention);

    public PromptBatch[] Chunks(IPromptSet prompts, RunOptions options) => [.. PromptBatch.Of(prompts, options.BatchSize, model.Graph)];

    public int Steps(PromptBatch chunk) => 1 + (_points.Length * (intervention.Runs.Length + 1));

    public void Execute(PromptBatch chunk, ReferenceValues references, KeptValues kept, DisposeScope scope, Action report, CancellationToken cancellationToken)
    {
        IReadOnlyList<WholeValues> runs = UnchangedRuns(chunk, references, scope, cancellationToken);
        report();
        for (int run = 0; run < runCount; run++)
            Keep(new Arguments(intervention.Name, SweepPoint.None, runs[run], runs, references) { Strict = kept.Strict }, (name, part, value) => kept.AddUnchanged(run, name, part, chunk, value));

        for (int i = 0; i < _points.Length; i++)
        {
            using DisposeScope pointScope = NewDisposeScope();
            NaivePasses written = new(intervention, _demand, model, chunk, _points[i], references, kept.Effects, kept.Strict, pointScope, report, cancellationToken);
            Keep(written.Changed(runs, kept), (name, part, value) => kept.AddChanged(i, name, part, chunk, value));
        }
    }

    private IReadOnlyList<WholeValues> UnchangedRuns(PromptBatch chunk, ReferenceValues references, DisposeScope scope, CancellationToken cancellationToken)
    {
        Leaves leaves = new(scope);
        IEnumerable<string> reads = [.. _demand.Donors(donor => donor < runCount, _points), .. _demand.Kept(_points), model.Graph.Output];
        Dictionary<string, Tensor> all = GraphEvaluator.Evaluate(
            model.Graph, chunk.Ids([.. Enumerable.Range(0, runCount)], model.Device), reads,
            _demand.Gradients(_points).ToDictionary(node => node, leaves.Write), cancellationToken: cancellationToken);
        WholeValues[] runs = [.. Enumerable.Range(0, runCount).Select(run => new WholeValues(chunk, run, all.ToDictionary(pair => pair.Key, pair => Part(pair.Value, run))))];
        if (intervention.Gradients.IsEmpty)
            return runs;

        // Rows of different runs do not meet, so the gradient of the sum over runs is each run's own.
        Dictionary<(string, string), Tensor> gradients = leaves.Differentiate(
            _demand.Differentiated, metric => stack(runs.Select(run => new Arguments(intervention.Name, SweepPoint.None, run, runs, references).Measure(metric).sum())).sum());
        return [.. runs.Select(run => run with { Gradients = gradients.ToDictionary(pair => pair.Key, pair => Part(pair.Value, run.Run)) })];

        Tensor Part(Tensor value, int run) => value.narrow(0, (long)run * chunk.Count, chunk.Count);
    }

    private delegate void Keeper(string name, int part, KeptValue value);

    /// <summary>Captures, gradients and metrics of one run; part counts what is stacked.</summary>
    private void Keep(Arguments arguments, Keeper keep)
    {
        foreach (BoundKeep kept in _demand.Keeps)
        {
            int part = 0;
            foreach ((SweepPoint at, string node) in Points(kept.IsSwept).SelectMany(at => kept.Site.Names(at).Select(node => (at, node))))
                keep(kept.Name, part++, (arguments with { Point = at }).Reduce(kept, node));
        }
        foreach (BoundMetric metric in intervention.Metrics)
        {
            int part = 0;
            foreach (SweepPoint at in Points(metric.IsSwept))
                keep(metric.Node.Name, part++, (arguments with { Point = at }).Measure(metric));
        }

        // An unchanged run has no point of its own: what depends on the point is kept there at every point.
        IEnumerable<SweepPoint> Points(bool isSwept) => isSwept && ReferenceEquals(arguments.Point, SweepPoint.None) ? _points : [arguments.Point];
    }
}
