using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>
/// All runs of a chunk at one point of the sweep, pass by pass: the prompts, then a new token a step. Runs that others read at new tokens are continued too, with the very tokens
/// that the changed run chose.
/// </summary>
internal sealed class GenerationPasses
{
    private readonly BoundIntervention _intervention;
    private readonly PromptBatch _chunk;
    private readonly SweepPoint _point;
    private readonly ReferenceValues _references;
    private readonly DisposeScope _owner;
    private readonly LastLogits _lastLogits;
    private readonly List<(int? Number, bool Continues, RunSequence Sequence)> _sequences = [];
    private readonly PassValues[] _runs;

    /// <param name="intervention">The declaration.</param>
    /// <param name="model">The model.</param>
    /// <param name="chunk">The prompts.</param>
    /// <param name="point">The point of the sweep.</param>
    /// <param name="references">Means.</param>
    /// <param name="runCount">How many runs the prompt set has.</param>
    /// <param name="useCache">Whether new positions alone are computed, where that is possible.</param>
    /// <param name="owner">Owns what is held from pass to pass.</param>
    public GenerationPasses(
        BoundIntervention intervention, HookedModel model, PromptBatch chunk, SweepPoint point, ReferenceValues references, int runCount, bool useCache, DisposeScope owner)
    {
        _intervention = intervention;
        _chunk = chunk;
        _point = point;
        _references = references;
        _owner = owner;
        _runs = new PassValues[runCount + intervention.Runs.Length];
        GenerationDemand demand = new(intervention, point);
        HashSet<string> touched = demand.Touched(null);
        _lastLogits = new LastLogits(model, demand.Own.Contains(model.Graph.Output), touched);
        demand.Own.UnionWith(_lastLogits.Reads);

        List<(int? Number, bool Continues, RunDemand Demand)> runs = [];
        for (int run = 0; run < _runs.Length; run++)
            if (demand.Needs(run))
                Add(run, intervention.Runs.FirstOrDefault(derived => derived.Number == run)?.Of ?? run, demand.Continues(run), demand.Reads(run), demand.ReadBack(run), demand.Touched(run));
        Add(null, intervention.BaseRun, true, demand.Own, demand.OwnReadBack, touched);

        WhyUncached = !useCache ? "UseCache is false" : runs.Where(run => run.Continues)
            .Select(run => IncrementalEvaluator.Refusal(model, run.Demand.Reads, run.Demand.Touched, run.Demand.ReadBack)).FirstOrDefault(why => why is not null);
        foreach ((int? number, bool continues, RunDemand of) in runs)
            _sequences.Add((number, continues, WhyUncached is null && continues ? new CachedSequence(model, chunk, of, owner) : new WholeSequence(model, chunk, of)));

        void Add(int? number, int of, bool continues, IReadOnlySet<string> reads, IReadOnlySet<string> readBack, IReadOnlySet<string> written) =>
            runs.Add((number, continues, new RunDemand(of, reads, readBack, written, (node, values, others) => Write(number, node, values, others))));
    }

    /// <summary>Why every pass runs the whole sequence anew; null if none does.</summary>
    public string? WhyUncached { get; }

    /// <summary>What the methods of the changed run see at the next pass.</summary>
    /// <param name="step">The step; null for the prompts, which come first.</param>
    /// <param name="tokens">The step's new token of each prompt.</param>
    /// <param name="pass">Owns the values; it is the current scope.</param>
    /// <param name="cancellationToken">Looked at between nodes.</param>
    public MethodCalls Next(int? step, long[] tokens, DisposeScope pass, CancellationToken cancellationToken)
    {
        foreach ((int? number, bool continues, RunSequence sequence) in _sequences)
        {
            if (number is not int run)
                return MethodCalls(sequence.Next(step, tokens, pass, cancellationToken));
            if (step is not null && !continues)
                continue;
            _runs[run] = sequence.Next(step, tokens, pass, cancellationToken);
            // What is not continued is read at every step as it was.
            if (!continues)
                foreach (Tensor value in _runs[run].Values.Values)
                    value.moved_to(_owner);
        }
        throw new InvalidOperationException("The changed run comes last.");
    }

    /// <summary>The logits behind each prompt's last token: <c>[batch, vocab]</c>.</summary>
    public Tensor Logits(MethodCalls arguments) => _lastLogits.Of((PassValues)arguments.Own);

    private Tensor Write(int? run, string node, PassValues values, PassValues others)
    {
        foreach (BoundWrite write in _intervention.Writes.SelectMany(write => write.Declared))
            if (write.Run == run && write.Site.AppliesAt(values.Batch.Step, _point) && write.Site.Names(_point).Contains(node))
                values = values with { Values = new Dictionary<string, Tensor> { [node] = Write(write, node, values, others) } };
        return values.Values[node];
    }

    private Tensor Write(BoundWrite write, string node, PassValues values, PassValues others)
    {
        MethodCalls arguments = MethodCalls(values) with { Others = others };
        Tensor value = values.Values[node];
        write.Site.CheckAxes(value.shape);
        // Row groups do not overlap, so each reads the value as it was before this write.
        foreach (int[] rows in values.Batch.RowGroups(write.Selected))
        {
            Tensor selected = values.FlatIndices(value, write.Site, _point, rows);
            value = SelectedValues.Write(value, selected, arguments.Entries(write, node, selected.shape, rows).to(value.dtype));
        }
        return value;
    }

    /// <summary>Other runs' values, of the same tokens: those that are not continued hold their prompts.</summary>
    private MethodCalls MethodCalls(PassValues own) => new(_intervention.Name, _point, own,
        [.. _runs.Select(run => run is null || run.Batch.Step == own.Batch.Step ? run! : run with { Batch = run.Batch.At(own.Batch.Step), HasOtherRows = true })], _references);
}
