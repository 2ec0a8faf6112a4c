using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Sites;

namespace Interventions.Planning;

/// <summary>
/// The second step of planning, share: the rows in which a group differs from its parent. A group begins to differ at its first write, or
/// at its first token that is another; it takes all other rows from its parent, without a copy.
/// </summary>
internal sealed class Sharing
{
    private readonly Expansion _plan;
    private readonly RowMap.Builder _before, _after;
    private readonly Dictionary<(int Group, NodeId Node, int Class), ImmutableArray<RowsAtWrite>> _writes = [];

    private Sharing(Expansion plan)
    {
        _plan = plan;
        _before = new RowMap.Builder(plan);
        _after = new RowMap.Builder(plan);
    }

    /// <summary>The rows that are each group's own.</summary>
    public static OwnRows Of(Expansion plan)
    {
        Sharing sharing = new(plan);
        foreach (VariantGroup group in plan.Groups)
            foreach (NodeId node in plan.Nodes.All.AsSpan()[sharing.FirstOwn(group)..])
                for (int c = 0; c < plan.Classes.Length; c++)
                    sharing.Add(group, node, c);
        return new OwnRows(sharing._before.Rows, sharing._after.Rows, sharing._writes);
    }

    /// <summary>The place of the first node at which a group may differ from its parent.</summary>
    private int FirstOwn(VariantGroup group)
    {
        int first = _plan.Nodes.All.Length;
        if (group.IsUnchanged)
            return 0;
        foreach (string node in group.Writes.Keys)
            first = Math.Min(first, _plan.Id(node).Index);
        return Math.Min(first, _plan.FirstDifferentiated.Index);
    }

    private void Add(VariantGroup group, NodeId node, int c)
    {
        PositionSet rows = Before(group, node, c);
        _before[group, node, c] = rows;
        if (group.Writes.TryGetValue(_plan.Name(node), out ImmutableArray<BoundWrite> writes))
        {
            var atWrites = ImmutableArray.CreateBuilder<RowsAtWrite>(writes.Length);
            foreach (BoundWrite write in writes)
            {
                (PositionSet after, PositionSet copies) = AfterWrite(group, node, c, write, rows);
                atWrites.Add(new RowsAtWrite(rows, copies));
                rows = after;
            }
            _writes[(group.Index, node, c)] = atWrites.MoveToImmutable();
        }
        _after[group, node, c] = rows;
    }

    /// <summary>The rows that a group's definition of a node makes its own.</summary>
    private PositionSet Before(VariantGroup group, NodeId node, int c)
    {
        PromptClass prompts = _plan.Classes[c];
        if (group.Parent is null)
            return prompts.All;
        if (node == NodeId.Tokens)
            return group.IsUnchanged ? prompts.Differences[group.TokensOf] : PositionSet.Empty;
        if (node == NodeId.Positions)
            return PositionSet.Empty;
        if (_plan.IsUnshared(group, node))
            return prompts.All;
        PositionSet rows = PositionSet.Empty;
        ModelNode model = _plan.Node(node);
        foreach (NodeInput input in group.DefinitionOf(model).Inputs)
            rows |= _after[group, _plan.Id(input.Node), c].Forward(input.Reach, prompts.Length);
        return !rows.IsEmpty && group.Whole.Contains(model.Name) ? prompts.All : rows;
    }

    /// <summary>The rows that are a group's own after a write, and those at which the write puts the parent's value.</summary>
    private (PositionSet Rows, PositionSet Copies) AfterWrite(VariantGroup group, NodeId node, int c, BoundWrite write, PositionSet before)
    {
        IReadOnlyList<int> selected = _plan.Positions(write.Site, group.TokensOf, c, group.Point);
        if (!write.IsCopy || write.Reads[0] is not BoundRead.From { Site: null } from || _plan.IsUnshared(group, node))
            return (before | PositionSet.Of(selected), PositionSet.Empty);

        VariantGroup donor = _plan.RunOf(group, from.Run.At(group.Point)), parent = _plan.Groups[group.Parent!.Value];
        IReadOnlyList<int> sources = _plan.Positions(write.Site, donor.TokensOf, c, group.Point);
        bool hasSameKeys = _plan.SelectsSameKeys(write.Site, group.TokensOf, donor.TokensOf, c, group.Point);
        PositionSet rows = before, copies = PositionSet.Empty;
        for (int i = 0; i < selected.Count; i++)
        {
            int position = selected[i];
            bool isShared = hasSameKeys && sources[i] == position && OwnerOf(donor, position) == OwnerOf(parent, position);
            if (!isShared)
                rows = rows.With(position);
            // Such a copy changes nothing: the row stays the parent's. A strict run measures the effect if the row was the group's own.
            else if (write.Site.IsWholeAtAPosition && !(_plan.FindsAll(write) && before.Contains(position)))
                rows = rows.Without(position);
            if (isShared && !rows.Contains(position))
                copies = copies.With(position);
        }
        return (rows, copies);

        int OwnerOf(VariantGroup of, int position) => _plan.Owner(_after.Rows, of, node, c, position).Index;
    }
}

/// <summary>The rows in which groups differ from their parents.</summary>
/// <param name="Before">Before the group's writes to the node.</param>
/// <param name="After">After them; the same if there are none.</param>
/// <param name="AtWrites">Between them, where a group writes a node: one entry for each write, in order.</param>
internal sealed record OwnRows(
    RowMap Before, RowMap After, IReadOnlyDictionary<(int Group, NodeId Node, int Class), ImmutableArray<RowsAtWrite>> AtWrites);

/// <summary>A group's own rows at one of its writes.</summary>
/// <param name="Before">The positions that differ from the parent just before the write.</param>
/// <param name="Copies">The positions at which the write puts the parent's value, so that the group takes the parent's row.</param>
internal readonly record struct RowsAtWrite(PositionSet Before, PositionSet Copies);
