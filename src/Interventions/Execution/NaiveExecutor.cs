using System.Collections.Immutable;
using Interventions.Graphs;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// The oracle: the unchanged runs in one batch, then one full forward pass of the base run for every point of the sweep. Nothing is shared between
/// points, nothing is left out.
/// </summary>
internal sealed class NaiveExecutor(BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options)
{
    private const int BaseRun = 0;

    private readonly SweepPoint[] _points = [.. intervention.Points()];
    private readonly int _runCount = prompts.Vocabulary.Runs.Count;

    public RunOutput Execute(CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        KeptValues kept = new(intervention, prompts.Vocabulary.Runs, _points.Length, scope);
        PromptChunk[] chunks = [.. PromptChunk.Of(prompts, options.BatchSize)];
        int done = 0;
        foreach (PromptChunk chunk in chunks)
        {
            using DisposeScope chunkScope = NewDisposeScope();
            IReadOnlyList<RunValues> runs = UnchangedRuns(chunk, cancellationToken);
            Report();
            for (int run = 0; run < _runCount; run++)
                Keep(runs[run], runs, SweepPoint.None, (name, part, value) => kept.AddUnchanged(run, name, part, chunk, value));

            for (int i = 0; i < _points.Length; i++)
            {
                using DisposeScope pointScope = NewDisposeScope();
                // Without writes the changed run is the base run: bit for bit, so not computed again.
                RunValues changed = intervention.Writes.IsEmpty ? runs[BaseRun] : ChangedRun(chunk, runs, _points[i], cancellationToken);
                Report();
                Keep(changed, runs, _points[i], (name, part, value) => kept.AddChanged(i, name, part, chunk, value));
            }
        }
        return kept.ToOutput();

        void Report() => options.Progress?.Report(new RunProgress(++done, chunks.Length * (1 + _points.Length)));
    }

    private IReadOnlyList<RunValues> UnchangedRuns(PromptChunk chunk, CancellationToken cancellationToken)
    {
        IEnumerable<string> donors = intervention.Writes.SelectMany(write => Donors(write.Site, write.Reads))
            .Concat(intervention.Captures.SelectMany(capture => Donors(capture.Site, capture.Reads)))
            .Concat(intervention.Captures.SelectMany(capture => _points.SelectMany(point => capture.Site.Names(point))))
            .Concat(intervention.Metrics.SelectMany(metric => Donors(null, metric.Reads)))
            .Concat(Logits());
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(
            model.Graph, chunk.Ids([.. Enumerable.Range(0, _runCount)], model.Device), donors.Append(model.Graph.Output), cancellationToken: cancellationToken);
        return [.. Enumerable.Range(0, _runCount).Select(run => new RunValues(
            chunk, run, values.ToDictionary(pair => pair.Key, pair => pair.Value.narrow(0, (long)run * chunk.Count, chunk.Count))))];

        IEnumerable<string> Donors(BoundSite? own, ImmutableArray<BoundRead> reads) => reads.OfType<BoundRead.From>()
            .SelectMany(from => _points.SelectMany(point => (from.Site ?? own!).Names(point)));
    }

    private IEnumerable<string> Logits() =>
        intervention.Metrics.SelectMany(metric => metric.Reads.OfType<BoundRead.Logit>()).SelectMany(logit => logit.At.Names(SweepPoint.None));

    private RunValues ChangedRun(PromptChunk chunk, IReadOnlyList<RunValues> runs, SweepPoint point, CancellationToken cancellationToken)
    {
        Dictionary<string, Func<Tensor, Tensor>> writes = [];
        foreach (BoundWrite write in intervention.Writes)
        {
            foreach (string node in write.Site.Names(point))
            {
                Func<Tensor, Tensor> before = writes.GetValueOrDefault(node, value => value);
                writes[node] = value => Write(write, node, before(value), chunk, runs, point);
            }
        }
        IEnumerable<string> reads = intervention.Captures.SelectMany(capture => capture.Site.Names(point)).Concat(Logits()).Append(model.Graph.Output);
        return new RunValues(
            chunk, BaseRun, GraphEvaluator.Evaluate(model.Graph, chunk.Ids([BaseRun], model.Device), reads, writes, cancellationToken: cancellationToken));
    }

    private Tensor Write(BoundWrite write, string node, Tensor value, PromptChunk chunk, IReadOnlyList<RunValues> runs, SweepPoint point)
    {
        CheckAxes(write.Node.Name, write.Site, node, value);
        RunValues changed = new(chunk, BaseRun, new Dictionary<string, Tensor> { [node] = value });
        foreach (int[] rows in RowGroups(write.Site, write.Reads, chunk))
        {
            Tensor selected = SelectedValues.FlatIndices(value, write.Site, point, chunk, BaseRun, rows);
            Tensor[] arguments = [.. write.Reads.Select(read => Argument(read, write.Site, node, changed, runs, point, rows))];
            Tensor entries = Call(write.Node.Name, write.Node.Body, arguments);
            if (!Broadcasts(entries.shape, selected.shape))
                throw new InterventionException(
                    $"{intervention.Name}.{write.Node.Name} returned {Shape(entries)}, which does not broadcast to the values that '{write.Site.Text}' selects, [{string.Join(", ", write.Site.Definition.Axes.Zip(selected.shape, (axis, size) => $"{axis}={size}"))}].");
            value = SelectedValues.Write(value, selected, entries.to(value.dtype));
        }
        return value;
    }

    private delegate void Keeper(string name, int part, Tensor value);

    /// <summary>Captures and metrics of one run; part counts the sites of a stacked capture.</summary>
    private void Keep(RunValues values, IReadOnlyList<RunValues> runs, SweepPoint point, Keeper keep)
    {
        foreach (BoundCapture capture in intervention.Captures)
        {
            int part = 0;
            foreach ((SweepPoint at, string node) in Points(capture.IsSwept).SelectMany(at => capture.Site.Names(at).Select(node => (at, node))))
                keep(capture.Node.Name, part++, Capture(capture, node, values, runs, at));
        }
        foreach (BoundMetric metric in intervention.Metrics)
        {
            int part = 0;
            foreach (SweepPoint at in Points(metric.IsSwept))
                keep(metric.Node.Name, part++, Metric(metric, values, runs, at));
        }

        // An unchanged run has no point of its own: what depends on the point is kept there at every point.
        IEnumerable<SweepPoint> Points(bool isSwept) => isSwept && ReferenceEquals(point, SweepPoint.None) ? _points : [point];
    }

    private Tensor Metric(BoundMetric metric, RunValues values, IReadOnlyList<RunValues> runs, SweepPoint point)
    {
        List<(int[] Rows, Tensor Values)> groups = [];
        foreach (int[] rows in RowGroups(null, metric.Reads, values.Chunk))
        {
            Tensor value = Call(
                metric.Node.Name, metric.Node.Body, [.. metric.Reads.Select(read => Argument(read, null, null, values, runs, point, rows))]);
            if (value.shape is not [long batch] || batch != rows.Length)
                throw new InterventionException($"The metric {intervention.Name}.{metric.Node.Name} returned {Shape(value)}; it must return one number a prompt, [batch={rows.Length}].");
            groups.Add((rows, value));
        }
        return RaggedBatch.Combine(groups);
    }

    private Tensor Capture(BoundCapture capture, string node, RunValues values, IReadOnlyList<RunValues> runs, SweepPoint point)
    {
        CheckAxes(capture.Node.Name, capture.Site, node, values.Values[node]);
        List<(int[] Rows, Tensor Values)> groups = [];
        foreach (int[] rows in RowGroups(capture.Site, capture.Reads, values.Chunk))
        {
            Tensor value = Call(
                capture.Node.Name, capture.Node.Body,
                [.. capture.Reads.Select(read => Argument(read, capture.Site, node, values, runs, point, rows))]);
            if (value.shape.Length == 0 || value.shape[0] != rows.Length)
                throw new InterventionException($"The capture {intervention.Name}.{capture.Node.Name} returned {Shape(value)}; its first axis must stay the batch, [batch={rows.Length}, …].");
            groups.Add((rows, value));
        }
        return RaggedBatch.Combine(groups);
    }

    private static Tensor Argument(
        BoundRead read, BoundSite? own, string? node, RunValues values, IReadOnlyList<RunValues> runs, SweepPoint point, int[] rows) => read switch
        {
            BoundRead.Value => values.Select(own!, node!, point, rows),
            BoundRead.From { Site: null } from => runs[from.Run].Select(own!, node!, point, rows),
            BoundRead.From { Site: BoundSite other } from => runs[from.Run].Select(other, other.Names(point).Single(), point, rows),
            BoundRead.Logit logit => values.Logit(logit, point, rows),
            _ => throw new InvalidOperationException($"Unknown read {read}."),
        };

    /// <summary>Prompts of one length at a time where the length decides what is selected, so that no method sees padding; else all at once.</summary>
    private static IEnumerable<int[]> RowGroups(BoundSite? site, ImmutableArray<BoundRead> reads, PromptChunk chunk) =>
        site is { IsRagged: true } || reads.OfType<BoundRead.From>().Any(from => from.Site is { IsRagged: true })
            ? chunk.RowsByLength()
            : [[.. Enumerable.Range(0, chunk.Count)]];

    private static bool Broadcasts(long[] from, long[] to) =>
        from.Length <= to.Length && Enumerable.Range(1, from.Length).All(i => from[^i] == 1 || from[^i] == to[^i]);

    private Tensor Call(string method, MethodBody body, Tensor[] arguments) =>
        body(arguments) ?? throw new InterventionException($"{intervention.Name}.{method} returned null; it must return a tensor.");

    /// <summary>
    /// Indices count along the schema's axes. A value may have others in the changed run: where a port is patched, every query head gets a key of its
    /// own, and index 1 of the shared keys would silently name another head.
    /// </summary>
    private void CheckAxes(string method, BoundSite site, string node, Tensor value)
    {
        for (int axis = 0; axis < site.Definition.Axes.Count; axis++)
            if (model.Schema.SizeOf(site.Definition.Axes[axis]) is int size && value.shape[axis] != size)
                throw new InterventionException(
                    $"{intervention.Name}.{method}: '{node}' has {value.shape[axis]} {site.Definition.Axes[axis]}s in this run; {model.Schema.Model} declares {size}. Where a port before it is patched, every head has a value of its own: patch or capture the port instead.");
    }

    private static string Shape(Tensor value) => $"[{string.Join(", ", value.shape)}]";

    /// <summary>The values of one run of a chunk, by node.</summary>
    private sealed record RunValues(PromptChunk Chunk, int Run, IReadOnlyDictionary<string, Tensor> Values)
    {
        public Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows)
        {
            Tensor value = Values[node];
            return site.IsWhole && rows.Length == Chunk.Count && !Chunk.Lengths.Distinct().Skip(1).Any()
                ? value.alias()
                : SelectedValues.Read(value, SelectedValues.FlatIndices(value, site, point, Chunk, Run, rows));
        }

        public Tensor Logit(BoundRead.Logit read, SweepPoint point, int[] rows)
        {
            Tensor atPosition = Select(read.At, read.At.Names(point).Single(), point, rows).view(rows.Length, -1);
            return atPosition.gather(1, Chunk.Answers(read.Answer, rows, atPosition.device).unsqueeze(1)).squeeze(1);
        }
    }
}
