using System.Collections.Immutable;
using Interventions.Graphs;

namespace Interventions.Planning;

/// <summary>Some members of the families, run through the graph together.</summary>
/// <param name="Members">By family, which of its members; empty for families that this pass does not compute.</param>
/// <param name="Nodes">What is computed, in order.</param>
internal sealed record PlanPass(ImmutableArray<ImmutableArray<int>> Members, ImmutableArray<PlanStep> Nodes);

/// <summary>One node in a pass.</summary>
/// <param name="Node">The node.</param>
/// <param name="Batches">What is computed together.</param>
/// <param name="Written">The families that write there.</param>
/// <param name="Freed">Nodes that nobody reads after this one.</param>
internal sealed record PlanStep(int Node, ImmutableArray<PlanBatch> Batches, ImmutableArray<Family> Written, ImmutableArray<int> Freed);

/// <summary>Rows with one definition: one table.</summary>
/// <param name="Definition">The definition; null for tokens and positions.</param>
/// <param name="Groups">The rows.</param>
internal sealed record PlanBatch(Definition? Definition, ImmutableArray<RowGroup> Groups);

/// <summary>The last step, schedule: in which passes, and when a node's rows are freed.</summary>
internal static class Scheduling
{
    public static ImmutableArray<PlanPass> Passes(PlanContext plan, Slices slices) =>
        [Pass(plan, slices, [.. plan.Families.Select(family => Enumerable.Range(0, family.Members).ToImmutableArray())])];

    private static PlanPass Pass(PlanContext plan, Slices slices, ImmutableArray<ImmutableArray<int>> members)
    {
        int[] lastUse = LastUses(plan, slices);
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        for (int node = 0; node < plan.NodeCount; node++)
        {
            Family[] families = [.. plan.Families.Where(family => !members[family.Index].IsEmpty)];
            ImmutableArray<PlanBatch> batches = [.. Batches(plan, slices, node, [.. families.Where(family => slices.Before.Any(family.Index, node))], members)];
            ImmutableArray<Family> written = [.. families.Where(family => slices.Writes.ContainsKey((family.Index, node)))];
            ImmutableArray<int> freed = [.. Enumerable.Range(0, plan.NodeCount).Where(other => lastUse[other] == node)];
            if (!batches.IsEmpty || !written.IsEmpty || !freed.IsEmpty)
                steps.Add(new PlanStep(node, batches, written, freed));
        }
        return new PlanPass(members, steps.ToImmutable());
    }

    private static IEnumerable<PlanBatch> Batches(PlanContext plan, Slices slices, int node, Family[] families, ImmutableArray<ImmutableArray<int>> members)
    {
        ModelNode? model = node < 2 ? null : plan.Nodes[node - 2];
        foreach (var alike in families.GroupBy(family => model is null ? null : family.DefinitionOf(model), ReferenceEqualityComparer.Instance))
        {
            Definition? definition = (Definition?)alike.Key;
            // What has an axis of keys is as long as its prompts, so prompts of different lengths cannot lie in one table.
            bool byLength = model is not null && definition!.Inputs.Select(input => input.Node).Append(model.Name).Any(name => plan.Shapes[name].IsPair);
            IEnumerable<RowSpan> spans = alike.SelectMany(family => Enumerable.Range(0, plan.Classes.Length)
                .Select(c => new RowSpan(family, members[family.Index].Length, c, slices.Before[family.Index, node, c])));
            foreach (var length in spans.GroupBy(span => byLength ? plan.Classes[span.Class].Length : 0))
                if (Batching.Groups(plan, length) is { IsEmpty: false } groups)
                    yield return new PlanBatch(definition, groups);
        }
    }

    /// <summary>By node, the last node whose computation or whose kept values read it; itself if nobody does.</summary>
    private static int[] LastUses(PlanContext plan, Slices slices)
    {
        int[] last = [.. Enumerable.Range(0, plan.NodeCount)];
        foreach (Family family in plan.Families)
        {
            for (int node = 2; node < plan.NodeCount; node++)
            {
                if (slices.Before.Any(family.Index, node))
                {
                    Definition definition = family.DefinitionOf(plan.Nodes[node - 2]);
                    foreach (string input in definition.Piecewise is { } pieces ? pieces.Own.Concat(pieces.History.Select(read => read.Node)) : definition.Inputs.Select(read => read.Node))
                        Use(plan.Index(input), node);
                }
                if (slices.Writes.TryGetValue((family.Index, node), out WrittenNode? written))
                    foreach (WriteStep step in written.Steps)
                        foreach (BoundSite donor in step.Write.Reads.OtherSites())
                            Use(plan.Index(donor.Names(family.Point).Single()), node);
            }
        }
        foreach (KeptItem item in KeptItem.Of(plan))
            foreach (int read in item.Reads)
                Use(read, item.Node);
        foreach (string node in Families.Differentiated(plan.Intervention, plan.Points))
            last[plan.Index(node)] = int.MaxValue;
        return last;

        void Use(int node, int at) => last[node] = Math.Max(last[node], at);
    }
}
