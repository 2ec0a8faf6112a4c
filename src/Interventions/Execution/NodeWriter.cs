using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Carries out the writes of all families to one node.</summary>
internal sealed class NodeWriter(PlanContext plan, Slices slices, RowStore store, Func<RowStore, RowGather> gather, Func<VariantGroup, int, Arguments> arguments, Func<VariantGroup, int> members, EffectLog effects, bool inPlace, Device device)
{
    /// <summary>The rows after their writes; null if nobody reads any.</summary>
    public RowTable? Write(int node, IReadOnlyList<VariantGroup> families)
    {
        RowStore working = new(plan);
        foreach (VariantGroup family in families)
            Write(node, family, slices.Writes[(family.Index, node)], working);
        ImmutableArray<RowSet> groups = Batching.Groups(plan, families.SelectMany(family =>
            Enumerable.Range(0, plan.Classes.Length).Select(c => new RowSpan(family, members(family), c, slices.After[family.Index, node, c]))));
        return groups.IsEmpty ? null : new RowTable(gather(working).Rows(node, groups), groups);
    }

    private void Write(int node, VariantGroup family, WrittenNode written, RowStore working)
    {
        ImmutableArray<RowSet> groups = Groups(family, written.Working);
        if (groups.IsEmpty)
            return;
        RowTable table = new(Find(node, family, written, groups), groups);
        working.Add(node, table, _ => false);
        foreach (WriteStep step in written.Steps)
            for (int member = 0; member < members(family); member++)
                Write(node, step, arguments(family, member), working);
    }

    /// <summary>A copy of the rows that the first write finds; rows that are overwritten before anybody reads them are 0.</summary>
    private Tensor Find(int node, VariantGroup family, WrittenNode written, ImmutableArray<RowSet> groups)
    {
        RowGather rows = gather(store);
        List<Tensor> parts = [];
        foreach (RowSet group in groups)
        {
            ImmutableArray<int> found = [.. written.Found[group.Class].ToArray()];
            Tensor part = found.IsEmpty ? Zeros(group) : rows.Rows(node, family, group.Members, group.Class, group.Prompts, found, beforeWrites: true);
            if (!found.IsEmpty && found.Length < group.Positions.Length)
            {
                Tensor places = tensor(found.Select(position => (long)group.Positions.IndexOf(position)).ToArray(), device: device);
                part = Zeros(group).view([group.Lanes, group.Positions.Length, .. part.shape[1..]])
                    .Put(1, places, part.reshape([group.Lanes, found.Length, .. part.shape[1..]])).flatten(0, 1);
            }
            parts.Add(part);
        }
        return parts.Count > 1 ? cat([.. parts]) : parts[0].is_contiguous() ? parts[0].clone() : parts[0].contiguous();

        Tensor Zeros(RowSet group)
        {
            return zeros([group.Size, .. plan.RowShape(node)], plan.Shapes[plan.Name(node)].Type, device);
        }
    }

    private void Write(int node, WriteStep step, Arguments other, RowStore working)
    {
        VariantValues run = (VariantValues)other.Own;
        VariantValues own = run with { Store = working, Gather = gather(working) };
        BoundWrite write = step.Write;
        string name = plan.Name(node);
        foreach (int[] rows in own.Chunk.RowGroups(write.Selected))
        {
            using DisposeScope scope = NewDisposeScope();
            List<(RowTable Table, int Row)> places = own.Places(working, write.Site, name, other.Point, rows, beforeWrites: false);
            if (places.Count == 0)
                continue;
            RowTable table = places[0].Table;
            if (plan.Answers?.Node != node)
                SelectedRows.CheckAxes(write.Site, table.Rows.shape);
            SelectedRows selected = new(write.Site, other.Point, own.Chunk, own.Run, rows, places.Count / rows.Length, table.Rows.shape.AsSpan(1));
            Tensor entries = (other with { Own = own }).Entries(write, name, selected.Shape, rows);
            if (step.IsCompared)
                effects.Compare(write.Number, selected.Read(own.Gather.Rows(places)), entries, own.Among(step.Unseen, write.Site, other.Point, rows));
            Tensor after = selected.Write(table.Rows, [.. places.Select(place => place.Row)], entries, inPlace);
            if (!inPlace)
                working.Replace(node, table, after.MoveToOuterDisposeScope());
        }
    }

    private ImmutableArray<RowSet> Groups(VariantGroup family, ImmutableArray<PositionSet> positions) => Batching.Groups(
        plan, Enumerable.Range(0, plan.Classes.Length).Select(c => new RowSpan(family, members(family), c, positions[c])));
}
