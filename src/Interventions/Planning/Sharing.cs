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
    /// <summary>The rows that are a family's own: before its writes to a node, and after them.</summary>
    public static OwnRows Own(PlanContext plan)
    {
        int classes = plan.Classes.Length;
        OwnRows own = new(new RowMap(plan.Families.Length, plan.NodeCount, classes), new RowMap(plan.Families.Length, plan.NodeCount, classes), [], []);
        foreach (VariantGroup family in plan.Families)
            // A variant is what it is a variant of up to its first write.
            for (int node = family.IsUnchanged ? 0 : Math.Min(plan.FirstDifferentiated, family.Writes.Keys.Select(plan.Index).DefaultIfEmpty(plan.NodeCount).Min()); node < plan.NodeCount; node++)
                for (int c = 0; c < classes; c++)
                    AddRows(plan, own, family, node, c);
        return own;
    }

    private static void AddRows(PlanContext plan, OwnRows own, VariantGroup family, int node, int c)
    {
        PositionSet rows = Before(plan, own, family, node, c);
        own.Before[family.Index, node, c] = rows;
        if (family.Writes.TryGetValue(plan.Name(node), out var writes))
        {
            List<PositionSet> versions = [rows];
            for (int i = 0; i < writes.Length; i++)
                versions.Add(rows = AfterWrite(plan, own, family, node, c, i, writes[i], rows));
            own.Versions[(family.Index, node, c)] = [.. versions];
        }
        own.After[family.Index, node, c] = rows;
    }

    private static PositionSet Before(PlanContext plan, OwnRows own, VariantGroup family, int node, int c)
    {
        PromptClass prompts = plan.Classes[c];
        if (family.Parent is null)
            return prompts.All;
        if (node == 0)
            return family.IsUnchanged ? prompts.Differences[family.TokensOf] : PositionSet.Empty;
        if (node == 1)
            return PositionSet.Empty;
        // A gradient belongs to one run, so its runs do not share what it flows through.
        if (plan.IsUnshared(family, node))
            return prompts.All;
        PositionSet rows = PositionSet.Empty;
        foreach (NodeInput input in family.DefinitionOf(plan.Nodes[node - 2]).Inputs)
            rows |= own.After[family.Index, plan.Index(input.Node), c].Forward(input.Reach, prompts.Length);
        return !rows.IsEmpty && family.IsWhole(plan.Nodes[node - 2]) ? prompts.All : rows;
    }

    private static PositionSet AfterWrite(PlanContext plan, OwnRows own, VariantGroup family, int node, int c, int index, BoundWrite write, PositionSet rows)
    {
        IReadOnlyList<int> selected = plan.Positions(write.Site, family.TokensOf, c, family.Point);
        if (!write.IsCopy || write.Reads[0] is not BoundRead.From { Site: null } from || plan.IsUnshared(family, node))
            return rows | PositionSet.Of(selected);

        // A copy of what is there already changes nothing: that row stays the parent's.
        VariantGroup donor = plan.RunOf(family, from.Run.At(family.Point)), parent = plan.Families[family.Parent!.Value];
        IReadOnlyList<int> sources = plan.Positions(write.Site, donor.TokensOf, c, family.Point);
        bool isSame = plan.SelectsSameKeys(write.Site, family.TokensOf, donor.TokensOf, c, family.Point);
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
        own.Copies[(family.Index, node, c, index)] = copies;
        return rows;
    }
}

/// <summary>Rows that are not the parent's.</summary>
/// <param name="Before">Before a family's writes to a node.</param>
/// <param name="After">After them.</param>
/// <param name="Versions">Where a family writes a node: before the first write, after it, after the second, …</param>
/// <param name="Copies">Where a write, counted in the family's to the node, puts what the parent has.</param>
internal sealed record OwnRows(
    RowMap Before, RowMap After, Dictionary<(int VariantGroup, int Node, int Class), PositionSet[]> Versions, Dictionary<(int VariantGroup, int Node, int Class, int Write), PositionSet> Copies);
