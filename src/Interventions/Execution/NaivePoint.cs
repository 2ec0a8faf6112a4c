using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

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
            leaves.Add(parameter.Node.Name, parameter.Node.Value);
        Dictionary<string, Dictionary<string, Tensor>> gradients = leaves.Differentiate(
            reads.DifferentiatedMetrics, metric => changed.Measure(metric).sum());
        foreach (BoundParameter parameter in _intervention.Parameters)
            context.Kept.AddParameter(parameter.Node.Name, gradients[parameter.Metric.Node.Name][parameter.Node.Name]);
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
                context.Kept.Effects.CountSelected(
                    declared, write.Site.Names(point).Count(), batch, of, point, model.Graph.LooksAhead);
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
            : (part, found, written) => effects.Compare(write.Parts[part].Number, found, written);
        write.Site.CheckAxes(value.shape);
        foreach (int[] rows in batch.RowGroups(write.Selected))
        {
            Tensor selected = SelectedValues.FlatIndices(value, write.Site, point, batch, of, rows);
            Tensor entries = calls.Entries(write, node, selected.shape, rows, observe).to(value.dtype);
            if (write.Parts.IsEmpty)
                effects.Compare(write.Number, SelectedValues.Read(value, selected), entries);
            value = SelectedValues.Write(value, selected, entries);
        }
        foreach (BoundWrite declared in write.Declared)
            effects.CountWritten(declared, batch, of, point);
        return value;
    }

    /// <summary>
    /// Whether the parts of a fused write can be called as one. Not if two selected positions are one token: then a later part sees what an
    /// earlier one left there. Nor if a part would see other prompts together than the whole does.
    /// </summary>
    private bool IsOneStep(BoundWrite write, int of) =>
        !batch.Rows.Any(row => write.Site.Repeats(point, batch.Tokens(of, row), batch.Describe(of, row)))
        && write.Parts.All(part => part.Selected.Any(site => site.IsRagged) == write.Selected.Any(site => site.IsRagged));
}
