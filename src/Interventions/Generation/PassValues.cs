using Interventions.Binding;
using Interventions.Execution;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>The values of one run at one pass of a generation, in one strand of its tables.</summary>
/// <param name="Batch">The prompts, at the pass's step.</param>
/// <param name="Run">The run of the prompt set with whose tokens it begins.</param>
/// <param name="Values">Tables by node: the strand's values, or those of all strands, one below the other.</param>
internal sealed record PassValues(PromptBatch Batch, int Run, IReadOnlyDictionary<string, Tensor> Values) : RunValues(Batch, Run)
{
    /// <summary>The row of the strand's first prompt in tables of all strands.</summary>
    public int First { get; init; }

    /// <summary>
    /// The step whose new token alone the values have; <see langword="null"/> where they begin with the prompt's first token.
    /// </summary>
    public int? OnlyStep { get; init; }

    /// <summary>Whether the values have other positions than those of the pass.</summary>
    public bool HasOtherPositions { get; init; }

    /// <summary>The values of all tokens so far, of nodes that are read back.</summary>
    public IReadOnlyDictionary<string, Tensor> Held { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>The values before their writes.</summary>
    public IReadOnlyDictionary<string, Tensor> BeforeWrites { get; init; } = new Dictionary<string, Tensor>();

    public override Device Device => Values.Values.First().device;

    /// <summary>Where a prompt's last token lies along the values' positions.</summary>
    public int LastPosition(int row) => OnlyStep is null ? Batch.Length(row) + (Batch.Step ?? -1) : 0;

    public override Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows) =>
        site.IsRead && Held.TryGetValue(node, out Tensor? held)
            ? (this with { OnlyStep = null, HasOtherPositions = true }).Select(held, site, point, rows)
            : Select(Values[node], site, point, rows);

    public override Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows) =>
        Select(BeforeWrites.GetValueOrDefault(node) ?? Values[node], site, point, rows);

    /// <summary>The strand's part of a table.</summary>
    public Tensor Part(Tensor table) => table.shape[0] == Batch.Count ? table : table.narrow(0, First, Batch.Count);

    /// <summary>Where the selected entries lie in the strand's flattened value of a node.</summary>
    public Tensor FlatIndices(Tensor value, BoundSite site, SweepPoint point, int[] rows) =>
        SelectedValues.FlatIndices(value, site, point, Batch, Run, rows, OnlyStep);

    private Tensor Select(Tensor table, BoundSite site, SweepPoint point, int[] rows)
    {
        Tensor value = Part(table);
        site.CheckAxes(value.shape);
        return site.IsWhole && rows.Length == Batch.Count && Batch.HasOneLength && !HasOtherPositions
            ? value.alias()
            : SelectedValues.Read(value, FlatIndices(value, site, point, rows));
    }
}

/// <summary>What the methods of all strands share.</summary>
/// <param name="References">Means, and values of other prompts.</param>
/// <param name="Effects">Counts what writes change.</param>
/// <param name="Finite">Finds methods that make infinite values.</param>
/// <param name="RunCount">How many runs the prompt set has.</param>
internal sealed record MethodContext(ReferenceValues References, EffectLog Effects, FiniteLog Finite, int RunCount);

/// <summary>Calls a declaration's methods with the values of one strand at a pass.</summary>
internal sealed class StrandMethods
{
    private readonly GenerationVariant _variant;
    private readonly MethodContext _context;
    private readonly PassValues[] _runs;

    private StrandMethods(GenerationVariant variant, MethodContext context, PassValues[] runs) =>
        (_variant, _context, _runs) = (variant, context, runs);

    /// <summary>The methods of a variant, before the first pass.</summary>
    public static StrandMethods Of(GenerationVariant variant, MethodContext context) =>
        new(variant, context, new PassValues[context.RunCount + variant.Intervention.Runs.Length]);

    /// <summary>The rows of the batch that no stop token has ended: what is written of others does not count.</summary>
    public int[] Active { get; set; } = [];

    /// <summary>The same methods for one continuation of the prompts, which has the prompts' values.</summary>
    public StrandMethods Continue() => new(_variant, _context, [.. _runs]);

    /// <summary>Makes the values of a run known to the methods that read it.</summary>
    public void Add(int run, PassValues values) => _runs[run] = values;

    /// <summary>The calls of methods for a run. A run that is not continued has its prompts' values at every step.</summary>
    public MethodCalls Calls(PassValues own)
    {
        int? step = own.Batch.Step;
        PassValues[] runs = [.. _runs.Select(run => run is null || run.Batch.Step == step ? run! : Later(run))];
        return new MethodCalls(_variant.Intervention.Name, _variant.Point, own, runs, _context.References) { Finite = _context.Finite };

        PassValues Later(PassValues run) => run with { Batch = run.Batch.At(step), HasOtherPositions = true };
    }

    /// <summary>The writes of a run to a node at a pass.</summary>
    public BoundWrite[] Writes(int? run, string node, int? step) =>
    [
        .. _variant.Intervention.Writes.SelectMany(write => write.Declared).Where(write => write.Run == run
            && write.Site.AppliesAt(step, _variant.Point) && write.Site.Names(_variant.Point).Contains(node)),
    ];

    /// <summary>A node's value in the strand after a write.</summary>
    /// <param name="write">The write.</param>
    /// <param name="node">The node.</param>
    /// <param name="values">Its value.</param>
    /// <param name="others">The values of the nodes before it.</param>
    /// <param name="isCounted">Whether the write is carried out for the first time.</param>
    public Tensor Write(BoundWrite write, string node, PassValues values, PassValues others, bool isCounted)
    {
        MethodCalls calls = Calls(values) with { Others = others };
        Tensor value = values.Part(values.Values[node]);
        write.Site.CheckAxes(value.shape);
        // Row groups do not overlap: each reads the value as it was before this write.
        foreach (int[] rows in values.Batch.RowGroups(write.Selected))
        {
            Tensor selected = values.FlatIndices(value, write.Site, _variant.Point, rows);
            Tensor entries = calls.Entries(write, node, selected.shape, rows).to(value.dtype);
            Tensor written = SelectedValues.Write(value, selected, entries);
            if (isCounted)
                Compare(write, value, written, selected, rows);
            value = written;
        }
        if (isCounted)
            _context.Effects.CountWritten(write, new WriteTarget(values.Batch, Active, values.Run, _variant.Point));
        return value;
    }

    /// <summary>Counts what the pass's writes select.</summary>
    public void CountSelected(PromptBatch batch, bool looksAhead)
    {
        BoundIntervention intervention = _variant.Intervention;
        foreach (BoundWrite write in intervention.Writes.SelectMany(write => write.Declared))
        {
            int of = intervention.TokensOf(write);
            if (write.Site.AppliesAt(batch.Step, _variant.Point))
                _context.Effects.CountSelected(write, new WriteTarget(batch, Active, of, _variant.Point), looksAhead);
        }
    }

    private void Compare(BoundWrite write, Tensor value, Tensor written, Tensor selected, int[] rows)
    {
        long[] active = [.. Enumerable.Range(0, rows.Length).Where(i => Active.Contains(rows[i])).Select(i => (long)i)];
        if (active.Length < rows.Length)
            selected = selected.index_select(0, tensor(active, device: value.device));
        _context.Effects.Compare(write.Number, SelectedValues.Read(value, selected), SelectedValues.Read(written, selected));
    }
}
