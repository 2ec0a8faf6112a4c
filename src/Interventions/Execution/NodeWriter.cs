using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Carries out the writes of all groups to one node.</summary>
internal sealed class NodeWriter(Expansion plan, Slices slices, RowStore store, Func<RowStore, RowGather> gather, Func<VariantGroup, int, MethodCalls> arguments, Func<VariantGroup, int> count, EffectLog effects, bool inPlace, Device device)
{
    /// <summary>The rows after their writes; null if nobody reads any.</summary>
    public RowTable? Write(NodeId node, IReadOnlyList<VariantGroup> groups)
    {
        RowStore working = new(plan);
        foreach (VariantGroup group in groups)
            Write(node, group, slices.Writes[(group.Index, node)], working);
        ImmutableArray<RowSet> sets = Batching.Sets(plan, groups.SelectMany(group =>
            Enumerable.Range(0, plan.Classes.Length).Select(c => new RowSet.OfGroup(group, count(group), c, slices.After[group, node, c]))));
        return sets.IsEmpty ? null : new RowTable(gather(working).Rows(node, sets), sets);
    }

    private void Write(NodeId node, VariantGroup group, WrittenNode written, RowStore working)
    {
        ImmutableArray<RowSet> sets = Sets(group, written.Working);
        if (sets.IsEmpty)
            return;
        RowTable table = new(Find(node, group, written, sets), sets);
        working.Add(node, table, _ => false);
        foreach (WriteStep step in written.Steps)
            for (int variant = 0; variant < count(group); variant++)
                Write(node, step, arguments(group, variant), working);
    }

    /// <summary>A copy of the rows that the first write finds; rows that are overwritten before anybody reads them are 0.</summary>
    private Tensor Find(NodeId node, VariantGroup group, WrittenNode written, ImmutableArray<RowSet> sets)
    {
        RowGather rows = gather(store);
        List<Tensor> parts = [];
        foreach (RowSet set in sets)
        {
            ImmutableArray<int> found = [.. written.Found[set.Class].ToArray()];
            Tensor part = found.IsEmpty ? Zeros(set) : rows.Rows(node, group, set.Variants, set.Class, set.Prompts, found, beforeWrites: true);
            if (!found.IsEmpty && found.Length < set.Positions.Length)
            {
                Tensor places = tensor(found.Select(position => (long)set.Positions.IndexOf(position)).ToArray(), device: device);
                part = Zeros(set).view([set.Lanes, set.Positions.Length, .. part.shape[1..]])
                    .Put(1, places, part.reshape([set.Lanes, found.Length, .. part.shape[1..]])).flatten(0, 1);
            }
            parts.Add(part);
        }
        return parts.Count > 1 ? cat([.. parts]) : parts[0].is_contiguous() ? parts[0].clone() : parts[0].contiguous();

        Tensor Zeros(RowSet set)
        {
            return zeros([set.Size, .. plan.RowShape(node)], plan.Shapes[plan.Name(node)].Type, device);
        }
    }

    private void Write(NodeId node, WriteStep step, MethodCalls other, RowStore working)
    {
        VariantValues run = (VariantValues)other.Own;
        VariantValues own = run with { Store = working, Gather = gather(working) };
        BoundWrite write = step.Write;
        string name = plan.Name(node);
        foreach (int[] rows in own.Batch.RowGroups(write.Selected))
        {
            using DisposeScope scope = NewDisposeScope();
            List<(RowTable Table, int Row)> places = own.Places(working, write.Site, name, other.Point, rows, beforeWrites: false);
            if (places.Count == 0)
                continue;
            RowTable table = places[0].Table;
            if (plan.Answers?.Node != node)
                SelectedRows.CheckAxes(write.Site, table.Rows.shape);
            SelectedRows selected = new(write.Site, other.Point, own.Batch, own.Run, rows, places.Count / rows.Length, table.Rows.shape.AsSpan(1));
            Tensor entries = (other with { Own = own }).Entries(write, name, selected.Shape, rows);
            if (step.IsCompared)
                effects.Compare(write.Number, selected.Read(own.Gather.Rows(places)), entries, own.Among(step.Unseen, write.Site, other.Point, rows));
            Tensor after = selected.Write(table.Rows, [.. places.Select(place => place.Row)], entries, inPlace);
            if (!inPlace)
                working.Replace(node, table, after.MoveToOuterDisposeScope());
        }
    }

    private ImmutableArray<RowSet> Sets(VariantGroup group, ImmutableArray<PositionSet> positions) => Batching.Sets(
        plan, Enumerable.Range(0, plan.Classes.Length).Select(c => new RowSet.OfGroup(group, count(group), c, positions[c])));
}
