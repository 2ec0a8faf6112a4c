using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Carries out the writes of one pass.</summary>
/// <param name="store">The tables.</param>
/// <param name="slices">The writes that are carried out, and the rows that they need and leave.</param>
/// <param name="variants">The variants of the pass.</param>
/// <param name="effects">Counts what the writes change.</param>
/// <param name="inPlace">Whether a working table may be written into: not if gradients flow through it.</param>
internal sealed class NodeWriter(RowStore store, Slices slices, PassVariants variants, EffectLog effects, bool inPlace)
{
    private readonly Expansion _plan = store.Plan;

    /// <summary>The rows of a node after the writes of some groups; null if none of them is read.</summary>
    public RowTable? Write(NodeId node, IReadOnlyList<VariantGroup> groups)
    {
        RowStore working = new(_plan, store.Device);
        foreach (VariantGroup group in groups)
            Write(node, group, slices.Writes[(group.Index, node)], working);
        ImmutableArray<RowSet> sets = variants.Sets(groups, (group, c) => slices.After[group, node, c]);
        return sets.IsEmpty ? null : new RowTable(working.Rows(node, sets), sets);
    }

    private void Write(NodeId node, VariantGroup group, WrittenNode written, RowStore working)
    {
        ImmutableArray<RowSet> sets = variants.Sets([group], (_, c) => written.Working[c]);
        if (sets.IsEmpty)
            return;
        // One write of everything leaves nothing of what it finds: no copy is made to write into.
        bool isReplaced = variants.Count(group) == 1 && written.Steps is [{ Write.Site.IsWhole: true }];
        RowTable table = new(Find(node, group, written, sets, isCopied: !isReplaced), sets);
        working.Add(node, table, _ => false);
        foreach (WriteStep step in written.Steps)
            table = Write(node, group, step, working, table, isReplaced);
    }

    /// <summary>One write of a group, variant by variant; returns the table after it.</summary>
    /// <param name="node">The node.</param>
    /// <param name="group">The group.</param>
    /// <param name="step">The write.</param>
    /// <param name="working">Has the table.</param>
    /// <param name="table">The rows before the write.</param>
    /// <param name="isReplaced">Whether everything is written at once, so that the table is no copy.</param>
    private RowTable Write(NodeId node, VariantGroup group, WriteStep step, RowStore working, RowTable table, bool isReplaced)
    {
        BoundWrite write = step.Write;
        if (_plan.Answers?.Node != node)
            TableSelection.CheckAxes(write.Site, table.Rows.shape);
        Target[] targets = [.. Targets(node, step, variants.Values(group, 0) with { Store = working })];
        if (isReplaced && !(targets is [{ Places: var all }] && all.Count == table.Count && IsInOrder(all)))
        {
            // Prompts of several lengths are written one length after the other.
            table = working.Replace(node, table, table.Rows.clone());
            isReplaced = false;
        }
        for (int variant = 0; variant < variants.Count(group); variant++)
        {
            VariantValues own = variants.Values(group, variant) with { Store = working };
            MethodCalls calls = variants.Calls(group, variant) with { Own = own };
            foreach (Target target in targets)
            {
                using DisposeScope scope = NewDisposeScope();
                int[] rows = [.. target.Places.Select(place => place.Row(variant))];
                TableSelection selected = new(
                    write.Site, calls.Point, own, target.Prompts, rows.Length / target.Prompts.Length, table.Rows.shape.AsSpan(1));
                Tensor entries = calls.Entries(write, _plan.Name(node), selected.Shape, target.Prompts);
                Tensor? found = target.Repeats ? selected.Read(Read(table, rows)).clone() : null;
                if (step.IsCompared && found is null)
                    effects.Compare(write.Number, selected.Read(Read(table, rows)), entries, target.Unseen);
                Tensor after = isReplaced
                    ? selected.Rows(entries).to(table.Rows.dtype)
                    : selected.Write(table.Rows, rows, entries, inPlace);
                if (isReplaced || !inPlace)
                    table = working.Replace(
                        node, table, (scope.Contains(after) ? after : after.alias()).MoveToOuterDisposeScope());
                if (found is not null)
                    effects.Compare(write.Number, found, selected.Read(Read(table, rows)), target.Unseen);
            }
        }
        return table;

        static bool IsInOrder(List<VariantValues.SelectedPlace> places) => places.Index().All(place => place.Item.Row(0) == place.Index);

        Tensor Read(RowTable table, int[] rows) => working.Rows(rows.Select(row => (table, row)));
    }

    /// <summary>The groups of prompts that a write's method gets at once. All variants select the same positions.</summary>
    private IEnumerable<Target> Targets(NodeId node, WriteStep step, VariantValues own)
    {
        BoundSite site = step.Write.Site;
        foreach (int[] prompts in own.Batch.RowGroups(step.Write.Selected))
        {
            List<VariantValues.SelectedPlace> places = own.Places(site, node, own.Group.Point, prompts, beforeWrites: false);
            if (places.Count > 0)
                yield return new Target(prompts, places, step.IsCompared ? Unseen(prompts) : null, step.IsCompared && prompts.Any(Repeats));
        }

        bool Repeats(int row) =>
            site.Repeats(own.Group.Point, own.Batch.Tokens(own.Run, row), own.Batch.Describe(own.Run, row));

        Tensor? Unseen(int[] prompts)
        {
            if (step.Unseen.All(positions => positions.IsEmpty))
                return null;
            bool[] unseen =
            [
                .. prompts.Select(row => own.Prompts[row].Class).SelectMany(c =>
                    _plan.Positions(site, own.Group.TokensOf, c, own.Group.Point).Select(step.Unseen[c].Contains)),
            ];
            long[] view = [.. Enumerable.Repeat(1L, site.Axes.Length)];
            (view[0], view[site.PositionAxis]) = (prompts.Length, -1);
            return tensor(unseen, device: store.Device).view(view);
        }
    }

    /// <summary>
    /// The rows that the first write finds, as a copy if they are to be written into; rows that are overwritten before they are read are 0.
    /// </summary>
    private Tensor Find(NodeId node, VariantGroup group, WrittenNode written, ImmutableArray<RowSet> sets, bool isCopied)
    {
        List<Tensor> parts = [];
        foreach (RowSet set in sets)
        {
            ImmutableArray<int> found = [.. written.Found[set.Class].ToArray()];
            Tensor part = found.IsEmpty ? Zeros(set) : store.RowsBeforeWrites(node, group, set with { Positions = found });
            if (!found.IsEmpty && found.Length < set.Positions.Length)
            {
                Tensor places = tensor(found.Select(position => (long)set.Positions.IndexOf(position)).ToArray(), device: store.Device);
                part = Zeros(set).view([set.Lanes, set.Positions.Length, .. part.shape[1..]])
                    .Put(1, places, part.reshape([set.Lanes, found.Length, .. part.shape[1..]])).flatten(0, 1);
            }
            parts.Add(part);
        }
        return parts.Count > 1 ? cat([.. parts])
            : !isCopied ? parts[0]
            : parts[0].is_contiguous() ? parts[0].clone() : parts[0].contiguous();

        Tensor Zeros(RowSet set) =>
            zeros([set.Size, .. _plan.RowShape(node)], _plan.Shapes[_plan.Name(node)].Type, store.Device);
    }

    /// <summary>Prompts whose values are written at once.</summary>
    /// <param name="Prompts">Rows of the batch.</param>
    /// <param name="Places">The selected positions, prompt by prompt.</param>
    /// <param name="Unseen">True where the value before the write was not computed; null if every one was.</param>
    /// <param name="Repeats">
    /// Whether it is compared, and two selected positions of a prompt are one token: what is there afterwards is the last one's entry
    /// alone.
    /// </param>
    private sealed record Target(int[] Prompts, List<VariantValues.SelectedPlace> Places, Tensor? Unseen, bool Repeats);
}
