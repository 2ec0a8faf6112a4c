using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Planning;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>The values of one run over a batch, as methods read them. A metric's gradients are read in the same way.</summary>
/// <param name="Batch">The prompts.</param>
/// <param name="Run">The run of the prompt set whose tokens it has.</param>
internal abstract record RunValues(PromptBatch Batch, int Run)
{
    /// <summary>The device of the values.</summary>
    public abstract Device Device { get; }

    /// <summary>The selected entries of a node, every axis kept: <c>[rows, …]</c>.</summary>
    public abstract Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows);

    /// <summary>The selected entries of a node as they were before its writes.</summary>
    public abstract Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows);

    /// <summary>Whether a selection is everything that was computed of the node, for all runs and variants together.</summary>
    public virtual bool IsWholeTable(BoundSite site, string node, SweepPoint point, int[] rows, Tensor selected) => false;

    /// <summary>
    /// Logits at a position: <c>[rows]</c> of one answer, <c>[rows, word]</c> of some words, or <c>[rows, vocab]</c>.
    /// </summary>
    public virtual Tensor Logits(BoundRead.Logits read, SweepPoint point, int[] rows)
    {
        Tensor atPosition = Select(read.At, read.At.Names(point).Single(), point, rows).view(rows.Length, -1);
        return read.Answer is int answer ? atPosition.gather(1, AnswerIds(answer, rows).unsqueeze(1)).squeeze(1)
            : read.Words.Count > 0 ? atPosition.Pick(1, tensor(read.Words.ToArray(), device: Device))
            : atPosition;
    }

    /// <summary>Token ids of an answer: <c>[rows]</c>.</summary>
    public Tensor AnswerIds(int answer, int[] rows) => Batch.Answers(answer, rows, Device);
}

/// <summary>Values of a full forward pass, by node: <c>[batch, …]</c>.</summary>
internal sealed record WholeValues(PromptBatch Batch, int Run, IReadOnlyDictionary<string, Tensor> Values) : RunValues(Batch, Run)
{
    public override Device Device => Values.Values.First().device;

    /// <summary>Values as they were before their writes, of the nodes that are written.</summary>
    public IReadOnlyDictionary<string, Tensor> BeforeWrites { get; init; } = new Dictionary<string, Tensor>();

    public override Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows) => Select(Values[node], site, point, rows);

    public override Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows) =>
        Select(BeforeWrites.TryGetValue(node, out Tensor? before) ? before : Values[node], site, point, rows);

    private Tensor Select(Tensor value, BoundSite site, SweepPoint point, int[] rows)
    {
        site.CheckAxes(value.shape);
        return site.IsWhole && rows.Length == Batch.Count && Batch.HasOneLength
            ? value.alias()
            : SelectedValues.Read(value, SelectedValues.FlatIndices(value, site, point, Batch, Run, rows));
    }
}

/// <summary>The values of one variant of a group, as methods read them: rows computed for it, and rows that it inherits.</summary>
/// <param name="Store">The tables.</param>
/// <param name="Batch">The prompts.</param>
/// <param name="Group">The group.</param>
/// <param name="Variant">The variant's number among those of the group that the pass computes.</param>
/// <param name="Prompts">By row of the batch, the prompt's class and its number in the class.</param>
internal sealed record VariantValues(
    RowStore Store, PromptBatch Batch, VariantGroup Group, int Variant, ImmutableArray<(int Class, int Number)> Prompts)
    : RunValues(Batch, Group.TokensOf)
{
    public override Device Device => Store.Device;

    public override Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows) =>
        Select(site, node, point, rows, beforeWrites: false);

    public override Tensor SelectBeforeWrites(BoundSite site, string node, SweepPoint point, int[] rows) =>
        Select(site, node, point, rows, beforeWrites: true);

    public override bool IsWholeTable(BoundSite site, string node, SweepPoint point, int[] rows, Tensor selected)
    {
        List<SelectedPlace> places = Places(site, Store.Plan.Id(node), point, rows, beforeWrites: false);
        RowTable table = places[0].Table;
        return selected.numel() == table.Rows.numel()
            && places.Index().All(place => ReferenceEquals(place.Item.Table, table) && place.Item.Row(Variant) == place.Index);
    }

    public override Tensor Logits(BoundRead.Logits read, SweepPoint point, int[] rows)
    {
        if (Store.Plan.Answers is not { } known)
            return base.Logits(read, point, rows);
        Tensor atPosition = Select(read.At, read.At.Names(point).Single(), point, rows).view(rows.Length, -1);
        long[] columns = [.. read.Columns.Select(column => (long)known.Columns.IndexOf(column))];
        return read.Answer is null ? atPosition.Pick(1, tensor(columns, device: Device)) : atPosition.select(1, columns[0]);
    }

    /// <summary>The selected positions, prompt by prompt: the same for every variant of the group.</summary>
    public List<SelectedPlace> Places(BoundSite site, NodeId node, SweepPoint point, int[] rows, bool beforeWrites)
    {
        // Prompts of one class select the same positions.
        RowStore.Place[]?[] ofClass = new RowStore.Place[]?[Store.Plan.Classes.Length];
        List<SelectedPlace> places = [];
        foreach (int row in rows)
        {
            (int c, int number) = Prompts[row];
            ofClass[c] ??=
            [
                .. Store.Plan.Positions(site, Group.TokensOf, c, point)
                    .Select(position => Store.Locate(node, Group, c, position, beforeWrites)),
            ];
            foreach (RowStore.Place place in ofClass[c]!)
                places.Add(new SelectedPlace(place, number));
        }
        return places;
    }

    /// <summary>The variant's gradients.</summary>
    /// <param name="gradients">The gradients' tables, by metric.</param>
    public Dictionary<string, RunValues> In(IReadOnlyDictionary<string, RowStore> gradients) =>
        gradients.ToDictionary(metric => metric.Key, metric => (RunValues)(this with { Store = metric.Value }));

    private Tensor Select(BoundSite site, string node, SweepPoint point, int[] rows, bool beforeWrites)
    {
        NodeId id = Store.Plan.Id(node);
        List<SelectedPlace> places = Places(site, id, point, rows, beforeWrites);
        // Tables of answers' columns have no axis of the vocabulary.
        if (Store.Plan.Answers?.Node != id)
            foreach (RowTable table in places.Select(place => place.Table).Distinct())
                TableSelection.CheckAxes(site, table.Rows.shape);
        Tensor values = Store.Rows(places.Select(place => (place.Table, place.Row(Variant))));
        return new TableSelection(site, point, this, rows, places.Count / rows.Length, values.shape.AsSpan(1)).Read(values);
    }

    /// <summary>A selected position of a prompt.</summary>
    /// <param name="Place">The position in a table.</param>
    /// <param name="Prompt">The prompt's number in its class.</param>
    internal readonly record struct SelectedPlace(RowStore.Place Place, int Prompt)
    {
        public RowTable Table => Place.Table;

        public int Row(int variant) => Place.Row(variant, Prompt);
    }
}

/// <summary>The variants that a pass computes: the values of each, and the calls of methods for it, made once.</summary>
/// <param name="pass">The pass.</param>
/// <param name="store">The tables.</param>
/// <param name="batch">The prompts.</param>
/// <param name="context">What the batch uses and fills.</param>
/// <param name="common">The values that methods have in common.</param>
internal sealed class PassVariants(PlanPass pass, RowStore store, PromptBatch batch, PassContext context, SharedValues common)
{
    private readonly Dictionary<(int Group, int Variant), VariantValues> _values = [];
    private readonly Dictionary<(int Group, int Variant), MethodCalls> _calls = [];
    private readonly ImmutableArray<(int, int)> _prompts = Prompts(store.Plan);

    /// <summary>How many variants of a group the pass computes.</summary>
    public int Count(VariantGroup group) => pass.Variants[group.Index].Length;

    /// <summary>The number of a variant's point in the sweep.</summary>
    public int PointOf(VariantGroup group, int variant) => group.Points[pass.Variants[group.Index][variant]];

    /// <summary>Rows of the variants of some groups, as they lie in one table.</summary>
    /// <param name="groups">The groups.</param>
    /// <param name="positions">The positions of a group in the prompts of a class.</param>
    public ImmutableArray<RowSet> Sets(IEnumerable<VariantGroup> groups, Func<VariantGroup, int, PositionSet> positions) => Batching.Sets(
        store.Plan,
        groups.Where(group => Count(group) > 0).SelectMany(group => Enumerable.Range(0, store.Plan.Classes.Length)
            .Select(c => new RowSet.OfGroup(group, Count(group), c, positions(group, c)))));

    /// <summary>A variant's values.</summary>
    public VariantValues Values(VariantGroup group, int variant)
    {
        if (!_values.TryGetValue((group.Index, variant), out VariantValues? values))
            _values[(group.Index, variant)] = values = new VariantValues(store, batch, group, variant, _prompts);
        return values;
    }

    /// <summary>The calls of methods for a variant: they read its own values, and those of all runs at its point.</summary>
    public MethodCalls Calls(VariantGroup group, int variant)
    {
        if (_calls.TryGetValue((group.Index, variant), out MethodCalls? calls))
            return calls;
        Expansion plan = store.Plan;
        RunValues[] runs =
        [
            .. plan.Groups.Take(plan.RunCount).Select(run => Values(run, 0)),
            .. group.IsUnchanged ? [] : plan.Intervention.Runs.Select(run => Values(plan.RunOf(group, run.Number), variant)),
        ];
        SweepPoint point = group.IsUnchanged ? SweepPoint.None : plan.Points[PointOf(group, variant)];
        calls = new MethodCalls(plan.Intervention.Name, point, Values(group, variant), runs, context.References)
        {
            Common = common,
            Strict = context.Kept.Strict,
            Finite = context.Kept.Finite,
        };
        _calls[(group.Index, variant)] = calls;
        return calls;
    }

    private static ImmutableArray<(int, int)> Prompts(Expansion plan)
    {
        var prompts = new (int, int)[plan.Classes.Sum(c => c.Rows.Length)];
        for (int c = 0; c < plan.Classes.Length; c++)
            for (int number = 0; number < plan.Classes[c].Rows.Length; number++)
                prompts[plan.Classes[c].Rows[number]] = (c, number);
        return [.. prompts];
    }
}

/// <summary>Reads and overwrites the selected entries of a site's whole value <c>[batch, …]</c> through their flat indices.</summary>
internal static class SelectedValues
{
    /// <summary>The places of the selected entries in the flattened value: every axis kept, <c>[rows, …]</c>.</summary>
    /// <param name="value">The value.</param>
    /// <param name="site">What is selected.</param>
    /// <param name="point">The point of the sweep.</param>
    /// <param name="batch">The prompts.</param>
    /// <param name="run">The run of the prompt set whose positions count.</param>
    /// <param name="rows">The prompts of the batch that are read or written.</param>
    /// <param name="onlyStep">The step of a generation, if the value holds that step's new token alone.</param>
    public static Tensor FlatIndices(
        Tensor value, BoundSite site, SweepPoint point, PromptBatch batch, int run, int[] rows, int? onlyStep = null)
    {
        long[] shape = value.shape;
        long stride = 1;
        Tensor? flat = null;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            Tensor along = Along(axis).times(stride);
            flat = flat is null ? along : flat.plus(along);
            stride *= shape[axis];
        }
        return flat!;

        Tensor Along(int axis)
        {
            long[] view = Enumerable.Repeat(1L, shape.Length).ToArray();
            long[] indices;
            if (axis == 0)
            {
                indices = [.. rows.Select(row => (long)row)];
            }
            else if (site.IsPositional(axis) && !(site.IsPadded && site.Axes[axis] == Selection.All))
            {
                indices =
                [
                    .. rows.SelectMany(row => batch.Positions(site, axis, point, run, row)
                        .Select(position => (long)(position - First(axis, row)))),
                ];
                view[0] = rows.Length;
            }
            else
            {
                indices = [.. site.FixedIndices(axis, point, (int)shape[axis]).Select(index => (long)index)];
            }
            view[axis] = -1;
            return tensor(indices, device: value.device).view(view);
        }

        int First(int axis, int row) => onlyStep is int step && !site.IsKey(axis) ? batch.Length(row) + step : 0;
    }

    /// <summary>The entries at flat indices, in the indices' shape.</summary>
    public static Tensor Read(Tensor value, Tensor flatIndices) =>
        value.reshape(-1).Pick(0, flatIndices.reshape(-1)).view(flatIndices.shape);

    /// <summary>A copy of the value with those entries replaced.</summary>
    public static Tensor Write(Tensor value, Tensor flatIndices, Tensor entries) =>
        value.reshape(-1).scatter(0, flatIndices.reshape(-1), entries.expand(flatIndices.shape).reshape(-1)).view(value.shape);
}
