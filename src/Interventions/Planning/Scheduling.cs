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
/// <param name="Chain">
/// Nodes that nobody else reads and that are computed on the way, in order, some rows at a time: a feed-forward block's neurons never exist for all variants at once.
/// </param>
internal sealed record PlanBatch(Definition? Definition, ImmutableArray<RowGroup> Groups, ImmutableArray<(ModelNode Node, Definition Definition)> Chain);

/// <summary>The last step, schedule: in which passes, and when a node's rows are freed.</summary>
internal static class Scheduling
{
    public static ImmutableArray<PlanPass> Passes(PlanContext plan, Slices slices) =>
        [Pass(plan, slices, [.. plan.Families.Select(family => Enumerable.Range(0, family.Members).ToImmutableArray())])];

    private static PlanPass Pass(PlanContext plan, Slices slices, ImmutableArray<ImmutableArray<int>> members)
    {
        Family[] families = [.. plan.Families.Where(family => !members[family.Index].IsEmpty)];
        PlanBatch[][] batches = [.. Enumerable.Range(0, plan.NodeCount).Select(node =>
            Batches(plan, slices, node, [.. families.Where(family => slices.Before.Any(family.Index, node))], members).ToArray())];
        Readers readers = Readers.Of(plan, slices, families);
        int[] computedAt = [.. Enumerable.Range(0, plan.NodeCount)];
        for (int node = 2; node < plan.NodeCount; node++)
        {
            if (readers.OnlyReader(node) is not int reader || batches[node] is not [PlanBatch one] || batches[reader] is not [PlanBatch next] || !CanFollow(plan, one, next, node))
                continue;
            batches[reader] = [next with { Chain = [.. one.Chain, (plan.Nodes[node - 2], one.Definition!)] }];
            batches[node] = [];
            for (int earlier = 0; earlier <= node; earlier++)
                if (computedAt[earlier] == node)
                    computedAt[earlier] = reader;
        }

        ILookup<int, int> freed = Enumerable.Range(0, plan.NodeCount).ToLookup(node => readers.LastUse(node, computedAt));
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        for (int node = 0; node < plan.NodeCount; node++)
        {
            ImmutableArray<Family> written = [.. families.Where(family => slices.Writes.ContainsKey((family.Index, node)))];
            if (batches[node].Length > 0 || !written.IsEmpty || freed[node].Any())
                steps.Add(new PlanStep(node, [.. batches[node]], written, [.. freed[node]]));
        }
        return new PlanPass(members, steps.ToImmutable());
    }

    /// <summary>Whether a node's only reader can compute it on the way: the same rows, each alone.</summary>
    private static bool CanFollow(PlanContext plan, PlanBatch node, PlanBatch reader, int index) =>
        !node.Definition!.LooksBeyond && !reader.Definition!.LooksBeyond && !plan.Shapes[plan.Name(index)].IsPair && reader.Chain.IsEmpty && RowGroup.AreSame(node.Groups, reader.Groups);

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
                    yield return new PlanBatch(definition, groups, []);
        }
    }
}
