using Interventions.Binding;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>The passes of one run over a batch: the prompts first, then at each step one more token of each.</summary>
internal abstract class RunPasses(HookedModel model, PromptBatch batch, RunDemand demand, PassMethods methods)
{
    /// <summary>What is read and written of the run.</summary>
    public RunDemand Demand => demand;

    /// <summary>The model.</summary>
    protected HookedModel Model => model;

    /// <summary>The prompts.</summary>
    protected PromptBatch Batch => batch;

    /// <summary>The values of the next pass.</summary>
    /// <param name="step">The step; <see langword="null"/> for the prompts, which come first.</param>
    /// <param name="tokens">The step's new token of each prompt.</param>
    /// <param name="pass">Owns the values; it is the current scope.</param>
    /// <param name="cancellationToken">Checked before every node.</param>
    public abstract PassValues Next(int? step, long[] tokens, DisposeScope pass, CancellationToken cancellationToken);

    /// <summary>
    /// By written node, a function that keeps the value before the run's writes in <paramref name="before"/>, and calls
    /// <paramref name="write"/>.
    /// </summary>
    protected Dictionary<string, NodeWrite> Writes(
        DisposeScope pass, Dictionary<string, Tensor> before, Func<string, Tensor, IReadOnlyDictionary<string, Tensor>, Tensor> write) =>
        demand.Written.ToDictionary(node => node, node => (NodeWrite)((value, earlier) =>
        {
            before[node] = value.alias().moved_to(pass);
            return write(node, value, earlier);
        }));

    /// <summary>A node's value after the run's writes to it.</summary>
    protected Tensor Write(string node, PassValues value, PassValues others) => methods.Write(demand.Number, node, value, others);

    /// <summary>One node's value.</summary>
    protected static Dictionary<string, Tensor> Only(string node, Tensor value) => new() { [node] = value };
}

/// <summary>The oracle: every pass computes the whole sequence, with the same writes at the same positions.</summary>
internal sealed class WholePasses(HookedModel model, PromptBatch batch, RunDemand demand, PassMethods methods)
    : RunPasses(model, batch, demand, methods)
{
    private readonly List<long[]> _generated = [];

    public override PassValues Next(int? step, long[] tokens, DisposeScope pass, CancellationToken cancellationToken)
    {
        if (step is not null)
            _generated.Add(tokens);
        Dictionary<string, Tensor> before = [];
        Dictionary<string, NodeWrite> writes = Writes(pass, before, (node, value, earlier) =>
        {
            value = Write(node, Values(null, Only(node, value)), Values(null, earlier));
            for (int at = 0; at < _generated.Count; at++)
                value = Write(node, Values(at, Only(node, value)), Values(at, earlier));
            return value;
        });
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(Model.Graph, Ids(), Demand.Reads, writes, null, cancellationToken);
        return Values(step, values) with { BeforeWrites = before };
    }

    private PassValues Values(int? step, IReadOnlyDictionary<string, Tensor> values) =>
        new(Batch.At(step), Demand.TokensOf, values) { HasOtherPositions = _generated.Count > 0 };

    /// <summary>Each prompt with its new tokens, padded on the right: no real token sees the padding.</summary>
    private Tensor Ids()
    {
        int width = Batch.Rows.Max(Batch.Length) + _generated.Count;
        long[] ids = new long[Batch.Count * width];
        foreach (int row in Batch.Rows)
        {
            long[] sequence = [.. Batch.Tokens(Demand.TokensOf, row).Ids, .. _generated.Select(tokens => tokens[row])];
            sequence.CopyTo(ids, row * width);
        }
        return tensor(ids, device: Model.Device).view(Batch.Count, width);
    }
}

/// <summary>A step computes its new token alone; the earlier values that the model reads are held.</summary>
internal sealed class CachedPasses(HookedModel model, PromptBatch batch, RunDemand demand, PassMethods methods, DisposeScope owner)
    : RunPasses(model, batch, demand, methods)
{
    private readonly IncrementalEvaluator _evaluator = new(model, demand, owner);

    public override PassValues Next(int? step, long[] tokens, DisposeScope pass, CancellationToken cancellationToken)
    {
        Dictionary<string, Tensor> before = [];
        Dictionary<string, NodeWrite> writes = Writes(pass, before, (node, value, earlier) =>
            Write(node, Values(Only(node, value), []), Values(earlier, _evaluator.Held())));
        Tensor ids = step is null ? Batch.Ids([Demand.TokensOf], Model.Device) : tensor(tokens, device: Model.Device).unsqueeze(1);
        int[] starts = [.. Batch.Rows.Select(row => step is int at ? Batch.Length(row) + at : 0)];
        var (values, held) = _evaluator.Next(ids, starts, writes, cancellationToken);
        return Values(values, held) with { BeforeWrites = before };

        PassValues Values(IReadOnlyDictionary<string, Tensor> values, Dictionary<string, Tensor> held) =>
            new(Batch.At(step), Demand.TokensOf, values) { OnlyStep = step, Held = held };
    }
}
