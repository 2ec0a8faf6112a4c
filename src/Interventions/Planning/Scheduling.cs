using System.Collections.Immutable;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>Some members of the families, run through the graph together.</summary>
/// <param name="Members">By family, which of its members; empty for families that this pass does not compute.</param>
/// <param name="Nodes">What is computed, in order.</param>
/// <param name="IsRetained">Whether later passes read its rows: then those that they read stay.</param>
/// <param name="PeakBytes">How many bytes of rows are alive at most, by estimate.</param>
internal sealed record PlanPass(ImmutableArray<ImmutableArray<int>> Members, ImmutableArray<PlanStep> Nodes, bool IsRetained, long PeakBytes);

/// <summary>One node in a pass.</summary>
/// <param name="Node">The node.</param>
/// <param name="Batches">What is computed together.</param>
/// <param name="Written">The families that write there.</param>
/// <param name="Freed">Nodes that nobody reads after this one.</param>
internal sealed record PlanStep(int Node, ImmutableArray<PlanBatch> Batches, ImmutableArray<VariantGroup> Written, ImmutableArray<int> Freed);

/// <summary>Rows with one definition: one table.</summary>
/// <param name="Definition">The definition; null for tokens and positions.</param>
/// <param name="Groups">The rows.</param>
/// <param name="Chain">
/// Nodes that nobody else reads and that are computed on the way, in order, some rows at a time: a feed-forward block's neurons never exist for all variants at once.
/// </param>
internal sealed record PlanBatch(Definition? Definition, ImmutableArray<RowSet> Groups, ImmutableArray<(ModelNode Node, Definition Definition)> Chain);

/// <summary>The last step, schedule: in which passes, and when a node's rows are freed.</summary>
internal static class Scheduling
{
    /// <summary>How much of a value is worked on at once: more would leave the processor's cache, less would make products small.</summary>
    public const long BlockBytes = 12 << 20;

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
    public static ImmutableArray<PlanPass> Passes(PlanContext plan, Slices slices, long budget)
    {
        ImmutableArray<int> stages = Stages.Of(plan, slices);
        int last = stages.Max();
        if (last > 1)
            return Staged(plan, slices, stages);
        // Points of one family go together: they have the same rows.
        int[] points = [.. plan.Families.Where(family => family.Run is null).SelectMany(family => family.Points)];
        PlanPass whole = Pass(plan, slices, Members(plan, family => family.IsUnchanged, points));
        int parts = (int)Math.Min(points.Length, Math.Max(KeepsAll(plan) ? 1 : HandyParts(plan, whole), (whole.PeakBytes + budget - 1) / budget));
        if (parts <= 1 && last == 0)
            return [whole];
        parts = Math.Max(1, parts);
        PlanPass unchanged = Pass(plan, slices, Members(plan, family => family.IsUnchanged, []), isRetained: true);
        long retained = unchanged.Nodes.Length == 0 ? 0 : RetainedBytes(plan, slices, unchanged);
        for (; ; parts = Math.Min(points.Length, parts + ((parts + 1) / 2)))
        {
            PlanPass[] passes = [.. points.Chunk((points.Length + parts - 1) / parts).Select(part => Pass(plan, slices, Members(plan, _ => false, part)))];
            passes = [.. passes.Select(pass => pass with { PeakBytes = pass.PeakBytes + retained })];
            if (parts == points.Length || passes.All(pass => pass.PeakBytes <= budget))
                return [unchanged, .. passes];
        }
    }

    /// <summary>A pass a stage, for all points of the sweep.</summary>
    private static ImmutableArray<PlanPass> Staged(PlanContext plan, Slices slices, ImmutableArray<int> stages)
    {
        var passes = ImmutableArray.CreateBuilder<PlanPass>();
        int last = stages.Max();
        long retained = 0;
        for (int stage = 0; stage <= last; stage++)
        {
            PlanPass pass = Pass(
                plan, slices, [.. plan.Families.Select(family => stages[family.Index] == stage ? [.. Enumerable.Range(0, family.Members)] : ImmutableArray<int>.Empty)], isRetained: stage < last);
            passes.Add(pass with { PeakBytes = pass.PeakBytes + retained });
            retained += pass.IsRetained ? RetainedBytes(plan, slices, pass) : 0;
        }
        return passes.ToImmutable();
    }

    /// <summary>By family the members that are among some points; an unchanged run is its own only member.</summary>
    private static ImmutableArray<ImmutableArray<int>> Members(PlanContext plan, Func<VariantGroup, bool> isWhole, IEnumerable<int> points)
    {
        HashSet<int> some = [.. points];
        return [.. plan.Families.Select(family => (isWhole(family) ? [0] : Enumerable.Range(0, family.Points.Length).Where(member => some.Contains(family.Points[member]))).ToImmutableArray())];
    }

    private static int HandyParts(PlanContext plan, PlanPass pass) => pass.Nodes.Max(step => step.Batches.Select(batch =>
    {
        long rows = batch.Groups.Sum(group => (long)group.Size), bytes = rows * plan.RowBytes(step.Node);
        return (int)Math.Min((bytes + HandyBytes - 1) / HandyBytes, rows / HandyRows);
    }).DefaultIfEmpty(1).Max());

    private static bool KeepsAll(PlanContext plan) => !plan.Intervention.Gradients.IsEmpty || !plan.Intervention.Parameters.IsEmpty;

    private static long RetainedBytes(PlanContext plan, Slices slices, PlanPass unchanged)
    {
        HashSet<int> freed = [.. unchanged.Nodes.SelectMany(step => step.Freed)];
        return unchanged.Nodes.Where(step => !freed.Contains(step.Node)).Sum(step => step.Batches.Sum(batch => Bytes(plan, step.Node, batch)));
    }

    /// <summary>The bytes of a table.</summary>
    private static long Bytes(PlanContext plan, int node, PlanBatch batch) =>
        batch.Groups.Sum(group => (long)group.Size) * plan.RowBytes(node);

    private static long PeakBytes(PlanContext plan, Slices slices, ImmutableArray<ImmutableArray<int>> members, IReadOnlyList<PlanStep> steps)
    {
        bool keepsAll = KeepsAll(plan);
        long live = 0, peak = 0;
        Dictionary<int, long> tables = [];
        Dictionary<int, PlanStep> made = steps.ToDictionary(step => step.Node);
        foreach (PlanStep step in steps)
        {
            foreach (PlanBatch batch in step.Batches)
            {
                live += Bytes(plan, step.Node, batch);
                peak = Math.Max(peak, live + Beside(plan, made, step.Node, batch));
            }
            // What is written is worked on in a table of each family's, and then put together.
            long written = step.Written.Sum(family => Enumerable.Range(0, plan.Classes.Length).Sum(c =>
                (long)slices.After[family.Index, step.Node, c].Count * plan.Classes[c].Rows.Length * members[family.Index].Length)) * plan.RowBytes(step.Node);
            peak = Math.Max(peak, live + (2 * written));
            live += written;
            tables[step.Node] = step.Batches.Sum(batch => Bytes(plan, step.Node, batch)) + written;
            if (!keepsAll)
                foreach (int node in step.Freed)
                    if (tables.Remove(node, out long bytes))
                        live -= bytes;
        }
        return keepsAll ? 2 * peak : peak;
    }

    /// <summary>What is there beside a table while it is computed: inputs that are put into its order, and values on the way.</summary>
    private static long Beside(PlanContext plan, Dictionary<int, PlanStep> made, int node, PlanBatch batch)
    {
        if (batch.Definition is not { } definition)
            return 0;
        long rows = batch.Groups.Sum(group => (long)group.Size), bytes = rows * plan.RowBytes(node);
        if (!definition.LooksBeyond)
        {
            long[] links = [.. batch.Chain.Select(link => plan.RowBytes(plan.Index(link.Node.Name)))];
            int[] inputs = [.. batch.Chain.Select(link => link.Definition).Append(definition).SelectMany(link => link.Inputs).Select(input => input.Node)
                .Except(batch.Chain.Select(link => link.Node.Name)).Select(plan.Index)];
            long block = Math.Min(rows, Math.Max(64, BlockBytes / Math.Max(1, links.DefaultIfEmpty(0).Max())));
            return inputs.Sum(input => IsInOrder(input) ? 0 : rows * plan.RowBytes(input)) + (block * links.Sum()) + bytes;
        }
        long whole = batch.Groups.Sum(group => (long)group.Lanes * plan.Classes[group.Class].Length);
        long read = definition.Inputs.Sum(input => IsInOrder(plan.Index(input.Node)) ? 0 : (input.Reach.Kind == ReachKind.Pointwise ? rows : whole) * plan.RowBytes(plan.Index(input.Node)));
        return definition.Piecewise is null
            ? read + (WholeCopies * whole * plan.RowBytes(node))
            : read + bytes + (long)(PieceCopies * Math.Min(batch.Groups.Max(group => (long)group.Size) * plan.RowBytes(node), BlockBytes) * (1 + ((double)plan.Longest / plan.RowShape(node).LastOrDefault(1))));

        bool IsInOrder(int input) => made.TryGetValue(input, out PlanStep? step) && step.Written.IsEmpty && step.Batches is [PlanBatch one] && RowSet.AreSame(one.Groups, batch.Groups);
    }

    private static PlanPass Pass(PlanContext plan, Slices slices, ImmutableArray<ImmutableArray<int>> members, bool isRetained = false)
    {
        VariantGroup[] families = [.. plan.Families.Where(family => !members[family.Index].IsEmpty)];
        PlanBatch[][] batches = [.. Enumerable.Range(0, plan.NodeCount).Select(node =>
            Batches(plan, slices, node, [.. families.Where(family => slices.Before.Any(family.Index, node))], members).ToArray())];
        Readers readers = Readers.Of(plan, slices, families);
        // Rows that a later pass reads stay, and are nobody's intermediate value.
        bool IsReadLater(int node) => isRetained && families.Any(family => slices.ReadByVariants.Contains((family.Index, node)));
        int[] computedAt = [.. Enumerable.Range(0, plan.NodeCount)];
        for (int node = 2; node < plan.NodeCount; node++)
        {
            if (readers.OnlyReader(node) is not int reader || IsReadLater(node) || batches[node] is not [PlanBatch one] || batches[reader] is not [PlanBatch next] || !CanFollow(plan, one, next, node))
                continue;
            batches[reader] = [next with { Chain = [.. one.Chain, (plan.Nodes[node - 2], one.Definition!)] }];
            batches[node] = [];
            for (int earlier = 0; earlier <= node; earlier++)
                if (computedAt[earlier] == node)
                    computedAt[earlier] = reader;
        }

        ILookup<int, int> freed = Enumerable.Range(0, plan.NodeCount).Where(node => !IsReadLater(node)).ToLookup(node => readers.LastUse(node, computedAt));
        HashSet<int> kept = [.. KeptItem.Of(plan, families).Select(item => item.Node)];
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        for (int node = 0; node < plan.NodeCount; node++)
        {
            ImmutableArray<VariantGroup> written = [.. families.Where(family => slices.Writes.ContainsKey((family.Index, node)))];
            if (batches[node].Length > 0 || !written.IsEmpty || freed[node].Any() || kept.Contains(node))
                steps.Add(new PlanStep(node, [.. batches[node]], written, [.. freed[node]]));
        }
        return new PlanPass(members, steps.ToImmutable(), isRetained, PeakBytes(plan, slices, members, steps));
    }

    /// <summary>Whether a node's only reader can compute it on the way: the same rows, each alone.</summary>
    private static bool CanFollow(PlanContext plan, PlanBatch node, PlanBatch reader, int index) =>
        !node.Definition!.LooksBeyond && !reader.Definition!.LooksBeyond && !plan.Shapes[plan.Name(index)].IsPair && reader.Chain.IsEmpty && RowSet.AreSame(node.Groups, reader.Groups);

    private static IEnumerable<PlanBatch> Batches(PlanContext plan, Slices slices, int node, VariantGroup[] families, ImmutableArray<ImmutableArray<int>> members)
    {
        if (families.Length == 0)
            yield break;
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
