using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>One pass of a generation, for all its runs.</summary>
/// <param name="Step">The step; <see langword="null"/> for the prompts, which come first.</param>
/// <param name="Strands">
/// The strands: the variants, and from the first step on each continuation of each variant, those of one variant side by side.
/// </param>
/// <param name="Tokens">The step's new token of each lane, strand after strand.</param>
/// <param name="Scope">Owns the values; it is the current scope.</param>
/// <param name="CancellationToken">Checked before every node.</param>
internal sealed record GenerationPass(
    int? Step, ImmutableArray<StrandMethods> Strands, long[] Tokens, DisposeScope Scope, CancellationToken CancellationToken);

/// <summary>
/// The passes of one run over a batch: the prompts first, then at each step one more token of each lane. Its tables have the strands that
/// need the run, one below the other, each with all prompts of the batch.
/// </summary>
internal abstract class RunPasses
{
    private readonly PromptBatch _batch;
    private readonly ImmutableArray<int> _atPrompts, _atSteps;

    /// <param name="model">The model.</param>
    /// <param name="batch">The prompts.</param>
    /// <param name="demand">What is read and written of the run.</param>
    /// <param name="continuations">How many continuations a variant has.</param>
    protected RunPasses(HookedModel model, PromptBatch batch, RunDemand demand, int continuations)
    {
        (Model, _batch, Demand) = (model, batch, demand);
        _atPrompts = demand.IsShared ? [demand.Variants.Min] : [.. demand.Variants];
        _atSteps = [.. demand.Variants.SelectMany(variant => Enumerable.Range(variant * continuations, continuations))];
        FirstRows = [.. demand.Variants.SelectMany(
            variant => Enumerable.Repeat(demand.IsShared ? 0 : _atPrompts.IndexOf(variant) * batch.Count, continuations))];
    }

    /// <summary>What is read and written of the run.</summary>
    public RunDemand Demand { get; }

    /// <summary>The model.</summary>
    protected HookedModel Model { get; }

    /// <summary>By strand of a step's table, the first of its rows in the prompts' table.</summary>
    protected ImmutableArray<int> FirstRows { get; }

    /// <summary>The tables of the next pass: values of the first strand.</summary>
    public abstract PassValues Next(GenerationPass pass);

    /// <summary>The values of each strand that needs the run, out of the tables of a pass.</summary>
    public IEnumerable<(int Strand, PassValues Values)> ByStrand(PassValues tables)
    {
        if (tables.Batch.Step is null)
            return Demand.Variants.Select(
                variant => (variant, tables with { First = Demand.IsShared ? 0 : _atPrompts.IndexOf(variant) * _batch.Count }));
        return _atSteps.Select((strand, i) => (strand, tables with { First = i * _batch.Count }));
    }

    /// <summary>Where each lane's last token lies along the positions of a pass's values.</summary>
    public int[] LastPositions(PassValues tables) =>
        [.. Strands(tables.Batch.Step).SelectMany(_ => _batch.Rows.Select(tables.LastPosition))];

    /// <summary>The strands of a pass's tables.</summary>
    protected ImmutableArray<int> Strands(int? step) => step is null ? _atPrompts : _atSteps;

    /// <summary>The new tokens of the run's lanes.</summary>
    protected long[] Tokens(GenerationPass pass) =>
        [.. _atSteps.SelectMany(strand => pass.Tokens.Skip(strand * _batch.Count).Take(_batch.Count))];

    /// <summary>The batch at a step.</summary>
    protected PromptBatch BatchAt(int? step) => _batch.At(step);

    /// <summary>
    /// By written node, a function that keeps the table before the run's writes in <paramref name="before"/>, and calls
    /// <paramref name="write"/>.
    /// </summary>
    protected Dictionary<string, NodeWrite> Writes(
        DisposeScope pass, Dictionary<string, Tensor> before, Func<string, Tensor, IReadOnlyDictionary<string, Tensor>, Tensor> write) =>
        Demand.Written.ToDictionary(node => node, node => (NodeWrite)((value, earlier) =>
        {
            before[node] = value.alias().moved_to(pass);
            return write(node, value, earlier);
        }));

    /// <summary>A node's table after the writes of each strand to its own rows.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="node">The node.</param>
    /// <param name="values">Its table.</param>
    /// <param name="others">The tables of the nodes before it.</param>
    /// <param name="isCounted">Whether the writes are carried out for the first time.</param>
    protected Tensor Write(GenerationPass pass, string node, PassValues values, PassValues others, bool isCounted)
    {
        ImmutableArray<int> strands = Strands(pass.Step);
        Tensor table = values.Values[node];
        List<Tensor> parts = [];
        int done = 0;
        for (int i = 0; i < strands.Length; i++)
        {
            StrandMethods methods = pass.Strands[strands[i]];
            int first = i * _batch.Count;
            Tensor? written = null;
            foreach (BoundWrite write in methods.Writes(Demand.Number, node, values.Batch.Step))
            {
                PassValues own = values with { First = first, Values = Only(node, written ?? table) };
                written = methods.Write(write, node, own, others with { First = first }, isCounted);
            }
            if (written is null)
                continue;
            if (first > done)
                parts.Add(table.narrow(0, done, first - done));
            parts.Add(written);
            done = first + _batch.Count;
        }
        if (done > 0 && done < table.shape[0])
            parts.Add(table.narrow(0, done, table.shape[0] - done));
        return parts.Count switch { 0 => table, 1 => parts[0], _ => cat([.. parts]) };
    }

    /// <summary>One node's value.</summary>
    protected static Dictionary<string, Tensor> Only(string node, Tensor value) => new() { [node] = value };
}

/// <summary>The oracle: every pass computes the whole sequence, with the same writes at the same positions.</summary>
internal sealed class WholePasses(HookedModel model, PromptBatch batch, RunDemand demand, int continuations)
    : RunPasses(model, batch, demand, continuations)
{
    private readonly List<long[]> _generated = [];

    public override PassValues Next(GenerationPass pass)
    {
        if (pass.Step is not null)
            _generated.Add(Tokens(pass));
        Dictionary<string, Tensor> before = [];
        Dictionary<string, NodeWrite> writes = Writes(pass.Scope, before, (node, value, earlier) =>
        {
            foreach (int? step in Enumerable.Range(0, _generated.Count).Select(step => (int?)step).Prepend(null))
                value = Write(pass, node, Values(step, Only(node, value)), Values(step, earlier), isCounted: step == pass.Step);
            return value;
        });
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(
            Model.Graph, Ids(pass.Step), Demand.Reads, writes, null, pass.CancellationToken);
        return Values(pass.Step, values) with { BeforeWrites = before };
    }

    private PassValues Values(int? step, IReadOnlyDictionary<string, Tensor> values) =>
        new(BatchAt(step), Demand.TokensOf, values) { HasOtherPositions = _generated.Count > 0 };

    /// <summary>Each prompt with its new tokens, padded on the right: no real token sees the padding.</summary>
    private Tensor Ids(int? step)
    {
        PromptBatch batch = BatchAt(step);
        int width = batch.Rows.Max(batch.Length) + _generated.Count, lanes = Strands(step).Length * batch.Count;
        long[] ids = new long[lanes * width];
        for (int lane = 0; lane < lanes; lane++)
        {
            long[] sequence =
                [.. batch.Tokens(Demand.TokensOf, lane % batch.Count).Ids, .. _generated.Select(tokens => tokens[lane])];
            sequence.CopyTo(ids, lane * width);
        }
        return tensor(ids, device: Model.Device).view(lanes, width);
    }
}

/// <summary>A step computes its new token alone; the earlier values that the model reads are held.</summary>
internal sealed class CachedPasses(HookedModel model, PromptBatch batch, RunDemand demand, int continuations, DisposeScope owner)
    : RunPasses(model, batch, demand, continuations)
{
    private readonly IncrementalEvaluator _evaluator = new(model, demand, owner);

    public override PassValues Next(GenerationPass pass)
    {
        int? step = pass.Step;
        PromptBatch prompts = BatchAt(step);
        ImmutableArray<int> strands = Strands(step);
        if (step == 0)
            _evaluator.Take([.. FirstRows.SelectMany(first => prompts.Rows.Select(row => first + row))]);
        Dictionary<string, Tensor> before = [];
        Dictionary<string, NodeWrite> writes = Writes(pass.Scope, before, (node, value, earlier) =>
            Write(pass, node, Values(Only(node, value), []), Values(earlier, _evaluator.Held()), isCounted: true));
        Tensor ids = step is null
            ? prompts.Ids([.. strands.Select(_ => Demand.TokensOf)], Model.Device)
            : tensor(Tokens(pass), device: Model.Device).unsqueeze(1);
        int[] starts = [.. strands.SelectMany(_ => prompts.Rows.Select(row => step is int at ? prompts.Length(row) + at : 0))];
        var (values, held) = _evaluator.Next(ids, starts, writes, pass.CancellationToken);
        return Values(values, held) with { BeforeWrites = before };

        PassValues Values(IReadOnlyDictionary<string, Tensor> values, Dictionary<string, Tensor> held) =>
            new(prompts, Demand.TokensOf, values) { OnlyStep = step, Held = held };
    }
}
