using Interventions.Binding;
using Interventions.Execution;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>The values of one run at one pass of a generation.</summary>
/// <param name="Batch">The prompts, at the pass's step.</param>
/// <param name="Run">The run of the prompt set with whose tokens it begins.</param>
/// <param name="Values">By node, <c>[batch, …]</c>.</param>
internal sealed record PassValues(PromptBatch Batch, int Run, IReadOnlyDictionary<string, Tensor> Values) : RunValues(Batch, Run)
{
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

    /// <summary>Where the selected entries lie in the flattened value of a node.</summary>
    public Tensor FlatIndices(Tensor value, BoundSite site, SweepPoint point, int[] rows) =>
        SelectedValues.FlatIndices(value, site, point, Batch, Run, rows, OnlyStep);

    private Tensor Select(Tensor value, BoundSite site, SweepPoint point, int[] rows)
    {
        site.CheckAxes(value.shape);
        return site.IsWhole && rows.Length == Batch.Count && Batch.HasOneLength && !HasOtherPositions
            ? value.alias()
            : SelectedValues.Read(value, FlatIndices(value, site, point, rows));
    }
}

/// <summary>Calls a declaration's methods with the values of a pass, at one point of the sweep.</summary>
/// <param name="intervention">The declaration.</param>
/// <param name="point">The point.</param>
/// <param name="references">Means.</param>
/// <param name="runCount">How many runs the prompt set has.</param>
internal sealed class PassMethods(BoundIntervention intervention, SweepPoint point, ReferenceValues references, int runCount)
{
    private readonly PassValues[] _runs = new PassValues[runCount + intervention.Runs.Length];

    /// <summary>Makes the values of a run known to the methods that read it.</summary>
    public void Add(int run, PassValues values) => _runs[run] = values;

    /// <summary>The calls of methods for a run. A run that is not continued has its prompts' values at every step.</summary>
    public MethodCalls Calls(PassValues own)
    {
        int? step = own.Batch.Step;
        PassValues[] runs = [.. _runs.Select(run => run is null || run.Batch.Step == step ? run! : Later(run))];
        return new MethodCalls(intervention.Name, point, own, runs, references);

        PassValues Later(PassValues run) => run with { Batch = run.Batch.At(step), HasOtherPositions = true };
    }

    /// <summary>A node's value after a run's writes to it.</summary>
    /// <param name="run">The run's number; <see langword="null"/> for the changed run.</param>
    /// <param name="node">The node.</param>
    /// <param name="values">Its value.</param>
    /// <param name="others">The values of the nodes before it.</param>
    public Tensor Write(int? run, string node, PassValues values, PassValues others)
    {
        foreach (BoundWrite write in intervention.Writes.SelectMany(write => write.Declared))
            if (write.Run == run && write.Site.AppliesAt(values.Batch.Step, point) && write.Site.Names(point).Contains(node))
                values = values with { Values = new Dictionary<string, Tensor> { [node] = Write(write, node, values, others) } };
        return values.Values[node];
    }

    private Tensor Write(BoundWrite write, string node, PassValues values, PassValues others)
    {
        MethodCalls calls = Calls(values) with { Others = others };
        Tensor value = values.Values[node];
        write.Site.CheckAxes(value.shape);
        // Row groups do not overlap: each reads the value as it was before this write.
        foreach (int[] rows in values.Batch.RowGroups(write.Selected))
        {
            Tensor selected = values.FlatIndices(value, write.Site, point, rows);
            value = SelectedValues.Write(value, selected, calls.Entries(write, node, selected.shape, rows).to(value.dtype));
        }
        return value;
    }
}
