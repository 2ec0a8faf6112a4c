using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>A node's value after a run's writes to it. The values say which tokens they are of, and what the writes select.</summary>
/// <param name="node">The node.</param>
/// <param name="values">Its value.</param>
/// <param name="others">What there is by then of other nodes.</param>
internal delegate Tensor Overwrite(string node, PassValues values, PassValues others);

/// <summary>What a run of a generation reads and writes, at whichever pass.</summary>
/// <param name="Of">The run of the prompt set whose prompts are continued.</param>
/// <param name="Reads">The nodes whose values are read.</param>
/// <param name="ReadBack">Those of them that are read at earlier positions than the new one.</param>
/// <param name="Touched">The nodes that are written.</param>
/// <param name="Write">Writes them.</param>
internal sealed record RunDemand(int Of, IReadOnlySet<string> Reads, IReadOnlySet<string> ReadBack, IReadOnlySet<string> Touched, Overwrite Write);

/// <summary>One run of a generation: its prompts first, then one new token of each at a time.</summary>
internal abstract class RunSequence(HookedModel model, PromptBatch chunk, RunDemand demand)
{
    /// <summary>The model.</summary>
    protected HookedModel Model => model;

    /// <summary>The prompts.</summary>
    protected PromptBatch Batch => chunk;

    /// <summary>What is read and written.</summary>
    protected RunDemand Demand => demand;

    /// <summary>The values of the next pass.</summary>
    /// <param name="step">The step; null for the prompts, which come first.</param>
    /// <param name="tokens">The step's new token of each prompt.</param>
    /// <param name="pass">Owns the values; it is the current scope.</param>
    /// <param name="cancellationToken">Looked at between nodes.</param>
    public abstract PassValues Next(int? step, long[] tokens, DisposeScope pass, CancellationToken cancellationToken);

    /// <summary>The writes of a pass. What a value was before them goes to <paramref name="before"/>.</summary>
    protected Dictionary<string, NodeWrite> Writes(DisposeScope pass, Dictionary<string, Tensor> before, Func<string, Tensor, IReadOnlyDictionary<string, Tensor>, Tensor> write) =>
        demand.Touched.ToDictionary(node => node, node => (NodeWrite)((value, earlier) =>
        {
            before[node] = value.alias().moved_to(pass);
            return write(node, value, earlier);
        }));

    /// <summary>One node's value.</summary>
    protected static Dictionary<string, Tensor> Only(string node, Tensor value) => new() { [node] = value };
}

/// <summary>The oracle: every pass runs the whole sequence anew, with the same writes at the same positions.</summary>
internal sealed class WholeSequence(HookedModel model, PromptBatch chunk, RunDemand demand) : RunSequence(model, chunk, demand)
{
    private readonly List<long[]> _generated = [];

    public override PassValues Next(int? step, long[] tokens, DisposeScope pass, CancellationToken cancellationToken)
    {
        if (step is not null)
            _generated.Add(tokens);
        Dictionary<string, Tensor> before = [];
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(Model.Graph, Ids(), Demand.Reads, Writes(pass, before, (node, value, earlier) =>
        {
            value = Demand.Write(node, Values(null, Only(node, value)), Values(null, earlier));
            for (int at = 0; at < _generated.Count; at++)
                value = Demand.Write(node, Values(at, Only(node, value)), Values(at, earlier));
            return value;
        }), null, cancellationToken);
        return new PassValues(Batch.At(step), Demand.Of, values) { HasOtherRows = _generated.Count > 0, BeforeWrites = before };
    }

    private PassValues Values(int? at, IReadOnlyDictionary<string, Tensor> values) => new(Batch.At(at), Demand.Of, values) { HasOtherRows = _generated.Count > 0 };

    /// <summary>Each prompt with what was generated, padded on the right: no real token sees the padding.</summary>
    private Tensor Ids()
    {
        int width = Batch.Rows.Max(Batch.Length) + _generated.Count;
        long[] ids = new long[Batch.Count * width];
        foreach (int row in Batch.Rows)
        {
            long[] sequence = [.. Batch.Tokens(Demand.Of, row).Ids, .. _generated.Select(tokens => tokens[row])];
            sequence.CopyTo(ids, row * width);
        }
        return tensor(ids, device: Model.Device).view(Batch.Count, width);
    }
}

/// <summary>Computes new positions alone; what the model looks back at is held.</summary>
internal sealed class CachedSequence(HookedModel model, PromptBatch chunk, RunDemand demand, DisposeScope owner) : RunSequence(model, chunk, demand)
{
    private readonly IncrementalEvaluator _evaluator = new(model, demand.Reads, demand.Touched, demand.ReadBack, owner);

    public override PassValues Next(int? step, long[] tokens, DisposeScope pass, CancellationToken cancellationToken)
    {
        Dictionary<string, Tensor> before = [];
        Tensor ids = step is null ? Batch.Ids([Demand.Of], Model.Device) : tensor(tokens, device: Model.Device).unsqueeze(1);
        int[] starts = [.. Batch.Rows.Select(row => step is int at ? Batch.Length(row) + at : 0)];
        var (values, held) = _evaluator.Next(ids, starts, Writes(pass, before, (node, value, earlier) =>
            Demand.Write(node, Values(Only(node, value), []), Values(earlier, _evaluator.Held()))), cancellationToken);
        return Values(values, held) with { BeforeWrites = before };

        PassValues Values(IReadOnlyDictionary<string, Tensor> values, Dictionary<string, Tensor> held) => new(Batch.At(step), Demand.Of, values) { OnlyStep = step, Held = held };
    }
}
