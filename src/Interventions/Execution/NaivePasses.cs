using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>The derived runs and the changed run of a chunk at one point of the sweep, one full forward pass each.</summary>
internal sealed class NaivePasses(
    BoundIntervention intervention,
    Demand demand,
    HookedModel model,
    PromptBatch chunk,
    SweepPoint point,
    ReferenceValues references,
    EffectLog effects,
    StrictChecks? strict,
    DisposeScope scope,
    Action report,
    CancellationToken cancellationToken)
{
    /// <summary>What the methods of the changed run see: its values, and those of all other runs.</summary>
    /// <param name="unchanged">The runs of the prompt set.</param>
    /// <param name="kept">Where the parameters' gradients go.</param>
    public Arguments Changed(IReadOnlyList<WholeValues> unchanged, KeptValues kept)
    {
        List<WholeValues> runs = [.. unchanged];
        foreach (BoundRun run in intervention.Runs)
        {
            runs.Add(Pass(runs, run.Number, run.Of, demand.Donors(donor => donor == run.Number, [point]), new Leaves(scope), []));
            report();
        }
        Leaves leaves = new(scope);
        // Without writes the changed run is the base run, bit for bit. A parameter has a gradient of its own there, also when only the metric reads it.
        WholeValues changed = intervention.Writes.Any(write => write.Run is null) || !intervention.Parameters.IsEmpty
            ? Pass(runs, null, intervention.BaseRun, demand.Kept([point]), leaves, demand.Gradients([point]))
            : unchanged[intervention.BaseRun];
        report();
        Arguments arguments = new(intervention.Name, point, changed, runs, references) { Strict = strict };
        if (!demand.Differentiated.Any() || ReferenceEquals(changed, unchanged[intervention.BaseRun]))
            return arguments;

        foreach (BoundParameter parameter in intervention.Parameters)
            leaves.Add(parameter.Node.Name, parameter.Node.Value);
        var gradients = leaves.Differentiate(demand.Differentiated, metric => arguments.Measure(metric).sum());
        foreach (BoundParameter parameter in intervention.Parameters)
            kept.AddParameter(parameter.Node.Name, gradients[(parameter.Metric.Node.Name, parameter.Node.Name)]);
        return arguments with { Own = changed with { Gradients = gradients } };
    }

    /// <summary>One forward pass under the writes of a run (null: the changed run).</summary>
    private WholeValues Pass(IReadOnlyList<WholeValues> runs, int? run, int of, IEnumerable<string> reads, Leaves leaves, IEnumerable<string> differentiated)
    {
        Dictionary<string, Tensor> before = [];
        Dictionary<string, NodeWrite> writes = [];
        foreach (BoundWrite write in intervention.Writes.Where(write => write.Run == run))
        {
            foreach (BoundWrite declared in write.Declared)
                Count(declared, of, write.Site.Names(point).Count(), isCarriedOut: false);
            foreach (string node in write.Site.Names(point))
            {
                NodeWrite first = writes.GetValueOrDefault(node, (value, _) => before[node] = value.alias().moved_to(scope));
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
            model.Graph, chunk.Ids([of], model.Device), [.. reads, .. demand.OfWrites(run, point), model.Graph.Output], writes, null, cancellationToken);
        return new WholeValues(chunk, of, values) { BeforeWrites = before };
    }

    private Tensor Write(BoundWrite write, string node, Tensor value, IReadOnlyDictionary<string, Tensor> earlier, IReadOnlyList<WholeValues> runs, int of)
    {
        // A strict run checks each method for itself.
        if (!write.Parts.IsEmpty && (strict is not null || !IsOneStep(write, of)))
            return write.Parts.Aggregate(value, (written, part) => Write(part, node, written, earlier, runs, of));
        // Row groups do not overlap, so each reads the value as it was before this write.
        Arguments arguments = new(intervention.Name, point, new WholeValues(chunk, of, new Dictionary<string, Tensor> { [node] = value }), runs, references)
        {
            Others = new WholeValues(chunk, of, earlier),
            Strict = strict,
        };
        write.Site.CheckAxes(value.shape);
        foreach (int[] rows in chunk.RowGroups(write.Selected))
        {
            Tensor selected = SelectedValues.FlatIndices(value, write.Site, point, chunk, of, rows);
            Tensor entries = arguments.Entries(
                write, node, selected.shape, rows, write.Parts.IsEmpty ? null : (part, found, written) => effects.Compare(write.Parts[part].Number, found, written)).to(value.dtype);
            if (write.Parts.IsEmpty)
                effects.Compare(write.Number, SelectedValues.Read(value, selected), entries);
            value = SelectedValues.Write(value, selected, entries);
        }
        foreach (BoundWrite declared in write.Declared)
            Count(declared, of, nodes: 1, isCarriedOut: true);
        return value;
    }

    /// <summary>Everything that is selected is written and compared, unless the logits do not depend on the node.</summary>
    private void Count(BoundWrite write, int of, int nodes, bool isCarriedOut)
    {
        foreach (int row in chunk.Rows)
        {
            RunTokens tokens = chunk.Tokens(of, row);
            string prompt = chunk.Describe(of, row);
            IReadOnlyList<int> positions = write.Site.PositionIndices(write.Site.PositionAxis, point, tokens, prompt);
            int exempt = Exemptions.Leading(intervention, write, point, of, run => chunk.Tokens(run, row), model.Graph.LooksAhead);
            effects.Count(write.Number, (isCarriedOut
                ? new WriteCount(0, positions.Count, positions.Count, positions.Count, 0)
                : new WriteCount(positions.Count, 0, 0, 0, positions.Count(position => position >= exempt))) * (nodes * write.Site.ValuesAtAPosition(point, tokens, prompt)));
        }
    }

    /// <summary>
    /// Whether several writes can be called as one: not where two selected positions are one token, of which a later write sees what an earlier one left there, nor where a part
    /// would see other prompts together than the whole does.
    /// </summary>
    private bool IsOneStep(BoundWrite write, int of) =>
        !chunk.Rows.Any(row => write.Site.Repeats(point, chunk.Tokens(of, row), chunk.Describe(of, row)))
        && write.Parts.All(part => part.Selected.Any(site => site.IsRagged) == write.Selected.Any(site => site.IsRagged));
}
