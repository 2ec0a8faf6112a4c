using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Sites;

namespace Interventions.Planning;

/// <summary>
/// The second step, share: where a variant differs from what it is a variant of. It begins to exist at its first write, or at its first token that is another; everything else is its
/// parent's, by reference.
/// </summary>
internal static class Sharing
{
    /// <summary>The rows that are a group's own: before its writes to a node, and after them.</summary>
    public static OwnRows Own(Expansion plan)
    {
        int classes = plan.Classes.Length;
        OwnRows own = new(new RowMap(plan.Groups.Length, plan.NodeCount, classes), new RowMap(plan.Groups.Length, plan.NodeCount, classes), [], []);
        foreach (VariantGroup group in plan.Groups)
            // A variant is what it is a variant of up to its first write.
            foreach (NodeId node in plan.NodeIds.AsSpan()[FirstOwn(plan, group)..])
                for (int c = 0; c < classes; c++)
                    AddRows(plan, own, group, node, c);
        return own;
    }

    private static int FirstOwn(Expansion plan, VariantGroup group) => group.IsUnchanged ? 0
        : Math.Min(Math.Min(plan.FirstDifferentiated.Index, plan.NodeCount), group.Writes.Keys.Select(name => plan.Id(name).Index).DefaultIfEmpty(plan.NodeCount).Min());

    private static void AddRows(Expansion plan, OwnRows own, VariantGroup group, NodeId node, int c)
    {
        PositionSet rows = Before(plan, own, group, node, c);
        own.Before[group, node, c] = rows;
        if (group.Writes.TryGetValue(plan.Name(node), out var writes))
        {
            List<PositionSet> versions = [rows];
            for (int i = 0; i < writes.Length; i++)
                versions.Add(rows = AfterWrite(plan, own, group, node, c, i, writes[i], rows));
            own.Versions[(group.Index, node, c)] = [.. versions];
        }
        own.After[group, node, c] = rows;
    }

    private static PositionSet Before(Expansion plan, OwnRows own, VariantGroup group, NodeId node, int c)
    {
        PromptClass prompts = plan.Classes[c];
        if (group.Parent is null)
            return prompts.All;
        if (node == NodeId.Tokens)
            return group.IsUnchanged ? prompts.Differences[group.TokensOf] : PositionSet.Empty;
        if (node == NodeId.Positions)
            return PositionSet.Empty;
        // A gradient belongs to one run, so its runs do not share what it flows through.
        if (plan.IsUnshared(group, node))
            return prompts.All;
        PositionSet rows = PositionSet.Empty;
        foreach (NodeInput input in group.DefinitionOf(plan.Node(node)).Inputs)
            rows |= own.After[group, plan.Id(input.Node), c].Forward(input.Reach, prompts.Length);
        return !rows.IsEmpty && group.IsWhole(plan.Node(node)) ? prompts.All : rows;
    }

    private static PositionSet AfterWrite(Expansion plan, OwnRows own, VariantGroup group, NodeId node, int c, int index, BoundWrite write, PositionSet rows)
    {
        IReadOnlyList<int> selected = plan.Positions(write.Site, group.TokensOf, c, group.Point);
        if (!write.IsCopy || write.Reads[0] is not BoundRead.From { Site: null } from || plan.IsUnshared(group, node))
            return rows | PositionSet.Of(selected);

        // A copy of what is there already changes nothing: that row stays the parent's.
        VariantGroup donor = plan.RunOf(group, from.Run.At(group.Point)), parent = plan.Groups[group.Parent!.Value];
        IReadOnlyList<int> sources = plan.Positions(write.Site, donor.TokensOf, c, group.Point);
        bool isSame = plan.SelectsSameKeys(write.Site, group.TokensOf, donor.TokensOf, c, group.Point);
        PositionSet before = rows, copies = PositionSet.Empty;
        for (int i = 0; i < selected.Count; i++)
        {
            int position = selected[i];
            bool isShared = isSame && sources[i] == position
                && plan.Owner(own.After, donor, node, c, position).Index == plan.Owner(own.After, parent, node, c, position).Index;
            if (!isShared)
                rows = rows.With(position);
            // A strict run looks what a copy changes where something else was before.
            else if (write.Site.IsWholeAtAPosition && !(plan.FindsAll(write) && before.Contains(position)))
                rows = rows.Without(position);
            if (isShared && !rows.Contains(position))
                copies = copies.With(position);
        }
        own.Copies[(group.Index, node, c, index)] = copies;
        return rows;
    }
}

/// <summary>Rows that are not the parent's.</summary>
/// <param name="Before">Before a group's writes to a node.</param>
/// <param name="After">After them.</param>
/// <param name="Versions">Where a group writes a node: before the first write, after it, after the second, …</param>
/// <param name="Copies">Where a write, counted in the group's to the node, puts what the parent has.</param>
internal sealed record OwnRows(
    RowMap Before, RowMap After, Dictionary<(int Group, NodeId Node, int Class), PositionSet[]> Versions, Dictionary<(int Group, NodeId Node, int Class, int Write), PositionSet> Copies);
