using System.Collections.Immutable;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>Some variants of the groups, run through the graph together.</summary>
/// <param name="Variants">By group, which of its variants; empty for groups that this pass does not compute.</param>
/// <param name="Nodes">What is computed, in order.</param>
/// <param name="IsRetained">Whether later passes read its rows: then those that they read stay.</param>
/// <param name="PeakBytes">How many bytes of rows are alive at most, by estimate.</param>
internal sealed record PlanPass(ImmutableArray<ImmutableArray<int>> Variants, ImmutableArray<PlanStep> Nodes, bool IsRetained, long PeakBytes);

/// <summary>One node in a pass.</summary>
/// <param name="Node">The node.</param>
/// <param name="Tables">What is computed together.</param>
/// <param name="Written">The groups that write there.</param>
/// <param name="Freed">Nodes that nobody reads after this one.</param>
internal sealed record PlanStep(NodeId Node, ImmutableArray<PlanTable> Tables, ImmutableArray<VariantGroup> Written, ImmutableArray<NodeId> Freed);

/// <summary>Rows with one definition: one table.</summary>
/// <param name="Definition">The definition; null for tokens and positions.</param>
/// <param name="Sets">The rows.</param>
/// <param name="Chain">
/// Nodes that nobody else reads and that are computed on the way, in order, some rows at a time: a feed-forward block's neurons never exist for all variants at once.
/// </param>
internal sealed record PlanTable(Definition? Definition, ImmutableArray<RowSet> Sets, ImmutableArray<(ModelNode Node, Definition Definition)> Chain);

/// <summary>The last step, schedule: in which passes, and when a node's rows are freed.</summary>
internal static class Scheduling
{
    /// <summary>
    /// Tables up to this size find memory that was used before. Larger ones come from the system page by page and go back to it, which costs more than products of more rows gain.
    /// </summary>
    private const long HandyBytes = 28 << 20;

    /// <summary>How often a function that looks beyond its own position holds what it returns, and a number for every head and key: inputs in the order of its products, scores, patterns.</summary>
    private const int PieceCopies = 5, WholeCopies = 3;

    /// <summary>Products of so many rows are as fast as those of more.</summary>
    private const long HandyRows = 2048;

    /// <summary>
    /// One pass for everything, if that fits. Else a pass for the prompt set's runs, whose rows the variants share, and then passes for as many points of the sweep as fit. Runs that read others
    /// behind their own node have passes after those.
    /// </summary>
    public static ImmutableArray<PlanPass> Passes(Expansion plan, Slices slices, long budget)
    {
        ImmutableArray<int> stages = Stages.Of(plan, slices);
        int last = stages.Max();
        if (last > 1)
            return Staged(plan, slices, stages);
        // Points of one group go together: they have the same rows.
        int[] points = [.. plan.Groups.Where(group => group.Run is null).SelectMany(group => group.Points)];
        PlanPass whole = Pass(plan, slices, Variants(plan, group => group.IsUnchanged, points));
        int parts = (int)Math.Min(points.Length, Math.Max(KeepsAll(plan) ? 1 : HandyParts(plan, whole), (whole.PeakBytes + budget - 1) / budget));
        if (parts <= 1 && last == 0)
            return [whole];
        parts = Math.Max(1, parts);
        PlanPass unchanged = Pass(plan, slices, Variants(plan, group => group.IsUnchanged, []), isRetained: true);
        long retained = unchanged.Nodes.Length == 0 ? 0 : RetainedBytes(plan, slices, unchanged);
        for (; ; parts = Math.Min(points.Length, parts + ((parts + 1) / 2)))
        {
            PlanPass[] passes = [.. points.Chunk((points.Length + parts - 1) / parts).Select(part => Pass(plan, slices, Variants(plan, _ => false, part)))];
            passes = [.. passes.Select(pass => pass with { PeakBytes = pass.PeakBytes + retained })];
            if (parts == points.Length || passes.All(pass => pass.PeakBytes <= budget))
                return [unchanged, .. passes];
        }
    }

    /// <summary>A pass a stage, for all points of the sweep.</summary>
    private static ImmutableArray<PlanPass> Staged(Expansion plan, Slices slices, ImmutableArray<int> stages)
    {
        var passes = ImmutableArray.CreateBuilder<PlanPass>();
        int last = stages.Max();
        long retained = 0;
        for (int stage = 0; stage <= last; stage++)
        {
            PlanPass pass = Pass(
                plan, slices, [.. plan.Groups.Select(group => stages[group.Index] == stage ? [.. Enumerable.Range(0, group.Count)] : ImmutableArray<int>.Empty)], isRetained: stage < last);
            passes.Add(pass with { PeakBytes = pass.PeakBytes + retained });
            retained += pass.IsRetained ? RetainedBytes(plan, slices, pass) : 0;
        }
        return passes.ToImmutable();
    }

    /// <summary>By group the variants that are among some points; an unchanged run is its own only variant.</summary>
    private static ImmutableArray<ImmutableArray<int>> Variants(Expansion plan, Func<VariantGroup, bool> isWhole, IEnumerable<int> points)
    {
        HashSet<int> some = [.. points];
        return [.. plan.Groups.Select(group => (isWhole(group) ? [0] : Enumerable.Range(0, group.Points.Length).Where(variant => some.Contains(group.Points[variant]))).ToImmutableArray())];
    }

    private static int HandyParts(Expansion plan, PlanPass pass) => pass.Nodes.Max(step => step.Tables.Select(batch =>
    {
        long rows = batch.Sets.Sum(set => (long)set.Size), bytes = rows * plan.RowBytes(step.Node);
        return (int)Math.Min((bytes + HandyBytes - 1) / HandyBytes, rows / HandyRows);
    }).DefaultIfEmpty(1).Max());

    private static bool KeepsAll(Expansion plan) => !plan.Intervention.Gradients.IsEmpty || !plan.Intervention.Parameters.IsEmpty;

    private static long RetainedBytes(Expansion plan, Slices slices, PlanPass unchanged)
    {
        HashSet<NodeId> freed = [.. unchanged.Nodes.SelectMany(step => step.Freed)];
        return unchanged.Nodes.Where(step => !freed.Contains(step.Node)).Sum(step => step.Tables.Sum(batch => Bytes(plan, step.Node, batch)));
    }

    /// <summary>The bytes of a table.</summary>
    private static long Bytes(Expansion plan, NodeId node, PlanTable batch) =>
        batch.Sets.Sum(set => (long)set.Size) * plan.RowBytes(node);

    private static long PeakBytes(Expansion plan, Slices slices, ImmutableArray<ImmutableArray<int>> variants, IReadOnlyList<PlanStep> steps)
    {
        bool keepsAll = KeepsAll(plan);
        long live = 0, peak = 0;
        Dictionary<NodeId, long> tables = [];
        Dictionary<NodeId, PlanStep> made = steps.ToDictionary(step => step.Node);
        foreach (PlanStep step in steps)
        {
            foreach (PlanTable batch in step.Tables)
            {
                live += Bytes(plan, step.Node, batch);
                peak = Math.Max(peak, live + Beside(plan, made, step.Node, batch));
            }
            // What is written is worked on in a table of each group's, and then put together.
            long written = step.Written.Sum(group => Enumerable.Range(0, plan.Classes.Length).Sum(c =>
                (long)slices.After[group, step.Node, c].Count * plan.Classes[c].Rows.Length * variants[group.Index].Length)) * plan.RowBytes(step.Node);
            peak = Math.Max(peak, live + (2 * written));
            live += written;
            tables[step.Node] = step.Tables.Sum(batch => Bytes(plan, step.Node, batch)) + written;
            if (!keepsAll)
                foreach (NodeId node in step.Freed)
                    if (tables.Remove(node, out long bytes))
                        live -= bytes;
        }
        return keepsAll ? 2 * peak : peak;
    }

    /// <summary>What is there beside a table while it is computed: inputs that are put into its order, and values on the way.</summary>
    private static long Beside(Expansion plan, Dictionary<NodeId, PlanStep> made, NodeId node, PlanTable batch)
    {
        if (batch.Definition is not { } definition)
            return 0;
        long rows = batch.Sets.Sum(set => (long)set.Size), bytes = rows * plan.RowBytes(node);
        if (!definition.LooksBeyond)
        {
            long[] links = [.. batch.Chain.Select(link => plan.RowBytes(plan.Id(link.Node.Name)))];
            NodeId[] inputs = [.. batch.Chain.Select(link => link.Definition).Append(definition).SelectMany(link => link.Inputs).Select(input => input.Node)
                .Except(batch.Chain.Select(link => link.Node.Name)).Select(plan.Id)];
            long block = Math.Min(rows, Math.Max(64, Batching.BlockBytes / Math.Max(1, links.DefaultIfEmpty(0).Max())));
            return inputs.Sum(input => IsInOrder(input) ? 0 : rows * plan.RowBytes(input)) + (block * links.Sum()) + bytes;
        }
        long whole = batch.Sets.Sum(set => (long)set.Lanes * plan.Classes[set.Class].Length);
        long read = definition.Inputs.Sum(input => IsInOrder(plan.Id(input.Node)) ? 0 : (input.Reach.Kind == ReachKind.Pointwise ? rows : whole) * plan.RowBytes(plan.Id(input.Node)));
        return definition.Piecewise is null
            ? read + (WholeCopies * whole * plan.RowBytes(node))
            : read + bytes + (long)(PieceCopies * Math.Min(batch.Sets.Max(set => (long)set.Size) * plan.RowBytes(node), Batching.BlockBytes) * (1 + ((double)plan.Longest / plan.RowShape(node).LastOrDefault(1))));

        bool IsInOrder(NodeId input) => made.TryGetValue(input, out PlanStep? step) && step.Written.IsEmpty && step.Tables is [PlanTable one] && RowSet.AreSame(one.Sets, batch.Sets);
    }

    private static PlanPass Pass(Expansion plan, Slices slices, ImmutableArray<ImmutableArray<int>> variants, bool isRetained = false)
    {
        VariantGroup[] groups = [.. plan.Groups.Where(group => !variants[group.Index].IsEmpty)];
        PlanTable[][] batches = [.. plan.NodeIds.Select(node =>
            Tables(plan, slices, node, [.. groups.Where(group => slices.Before.Any(group, node))], variants).ToArray())];
        Readers readers = Readers.Of(plan, slices, groups);
        // Rows that a later pass reads stay, and are nobody's intermediate value.
        bool IsReadLater(NodeId node) => isRetained && groups.Any(group => slices.ReadByVariants.Contains((group.Index, node)));
        NodeId[] computedAt = [.. plan.NodeIds];
        foreach (NodeId node in plan.NodeIds.Where(node => !node.IsInput))
        {
            if (readers.OnlyReader(node) is not NodeId reader || IsReadLater(node) || batches[node.Index] is not [PlanTable one] || batches[reader.Index] is not [PlanTable next] || !CanFollow(plan, one, next, node))
                continue;
            batches[reader.Index] = [next with { Chain = [.. one.Chain, (plan.Node(node), one.Definition!)] }];
            batches[node.Index] = [];
            for (int earlier = 0; earlier <= node.Index; earlier++)
                if (computedAt[earlier] == node)
                    computedAt[earlier] = reader;
        }

        ILookup<NodeId, NodeId> freed = plan.NodeIds.Where(node => !IsReadLater(node)).ToLookup(node => readers.LastUse(node, computedAt));
        HashSet<NodeId> kept = [.. KeptItem.Of(plan, groups).Select(item => item.After)];
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        foreach (NodeId node in plan.NodeIds)
        {
            ImmutableArray<VariantGroup> written = [.. groups.Where(group => slices.Writes.ContainsKey((group.Index, node)))];
            if (batches[node.Index].Length > 0 || !written.IsEmpty || freed[node].Any() || kept.Contains(node))
                steps.Add(new PlanStep(node, [.. batches[node.Index]], written, [.. freed[node]]));
        }
        return new PlanPass(variants, steps.ToImmutable(), isRetained, PeakBytes(plan, slices, variants, steps));
    }

    /// <summary>Whether a node's only reader can compute it on the way: the same rows, each alone.</summary>
    private static bool CanFollow(Expansion plan, PlanTable node, PlanTable reader, NodeId id) =>
        !node.Definition!.LooksBeyond && !reader.Definition!.LooksBeyond && !plan.Shapes[plan.Name(id)].IsPair && reader.Chain.IsEmpty && RowSet.AreSame(node.Sets, reader.Sets);

    private static IEnumerable<PlanTable> Tables(Expansion plan, Slices slices, NodeId node, VariantGroup[] groups, ImmutableArray<ImmutableArray<int>> variants)
    {
        if (groups.Length == 0)
            yield break;
        ModelNode? model = node.IsInput ? null : plan.Node(node);
        foreach (var alike in groups.GroupBy(group => model is null ? null : group.DefinitionOf(model), ReferenceEqualityComparer.Instance))
        {
            Definition? definition = (Definition?)alike.Key;
            // What has an axis of keys is as long as its prompts, so prompts of different lengths cannot lie in one table.
            bool byLength = model is not null && definition!.Inputs.Select(input => input.Node).Append(model.Name).Any(name => plan.Shapes[name].IsPair);
            IEnumerable<RowSet.OfGroup> spans = alike.SelectMany(group => Enumerable.Range(0, plan.Classes.Length)
                .Select(c => new RowSet.OfGroup(group, variants[group.Index].Length, c, slices.Before[group, node, c])));
            foreach (var length in spans.GroupBy(span => byLength ? plan.Classes[span.Class].Length : 0))
                if (Batching.Sets(plan, length) is { IsEmpty: false } sets)
                    yield return new PlanTable(definition, sets, []);
        }
    }
}
