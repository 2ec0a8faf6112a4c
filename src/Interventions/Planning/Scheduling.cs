using System.Collections.Immutable;
using Interventions.Binding;

namespace Interventions.Planning;

/// <summary>The fifth step of planning, schedule: in which passes variants are computed, and after which nodes rows are freed.</summary>
internal static class Scheduling
{
    /// <summary>
    /// One pass for all variants, if it fits into the budget. Otherwise a pass for the runs of the prompt set, whose rows the variants
    /// share, and then passes for as many points of the sweep as fit. A run that reads a node of another run behind the one that it writes
    /// is computed in a later pass than that run.
    /// </summary>
    public static ImmutableArray<PlanPass> Of(Expansion plan, Slices slices)
    {
        ImmutableArray<int> stages = Stages.Of(plan, slices);
        int last = stages.Max();
        if (last > 1)
            return Staged(plan, slices, stages);
        long budget = plan.Request.Budget;
        // Points of one group go together: they have the same rows.
        int[] points = [.. plan.Groups.Where(group => group.Run is null).SelectMany(group => group.Points)];
        PlanPass whole = Pass(plan, slices, Variants(plan, withRuns: true, points), isRetained: false);
        long handy = plan.HasGradients ? 1 : MemoryEstimate.HandyParts(plan, whole);
        int parts = (int)Math.Min(points.Length, Math.Max(handy, (whole.PeakBytes + budget - 1) / budget));
        if (parts <= 1 && last == 0)
            return [whole];
        parts = Math.Max(1, parts);
        PlanPass unchanged = Pass(plan, slices, Variants(plan, withRuns: true, []), isRetained: true);
        long retained = MemoryEstimate.Retained(plan, unchanged);
        for (; ; parts = Math.Min(points.Length, parts + ((parts + 1) / 2)))
        {
            ImmutableArray<PlanPass> passes =
            [
                .. points.Chunk((points.Length + parts - 1) / parts)
                    .Select(part => Pass(plan, slices, Variants(plan, withRuns: false, part), isRetained: false))
                    .Select(pass => pass with { PeakBytes = pass.PeakBytes + retained }),
            ];
            if (parts == points.Length || passes.All(pass => pass.PeakBytes <= budget))
                return [unchanged, .. passes];
        }
    }

    /// <summary>A pass a stage, each for all points of the sweep.</summary>
    private static ImmutableArray<PlanPass> Staged(Expansion plan, Slices slices, ImmutableArray<int> stages)
    {
        var passes = ImmutableArray.CreateBuilder<PlanPass>();
        int last = stages.Max();
        long retained = 0;
        for (int stage = 0; stage <= last; stage++)
        {
            ImmutableArray<ImmutableArray<int>> variants =
            [
                .. plan.Groups.Select(group =>
                    stages[group.Index] == stage ? [.. Enumerable.Range(0, group.Count)] : ImmutableArray<int>.Empty),
            ];
            PlanPass pass = Pass(plan, slices, variants, isRetained: stage < last);
            passes.Add(pass with { PeakBytes = pass.PeakBytes + retained });
            retained += pass.IsRetained ? MemoryEstimate.Retained(plan, pass) : 0;
        }
        return passes.ToImmutable();
    }

    /// <summary>By group, its variants at some points; a run of the prompt set has one variant, or none.</summary>
    private static ImmutableArray<ImmutableArray<int>> Variants(Expansion plan, bool withRuns, int[] points)
    {
        HashSet<int> some = [.. points];
        return
        [
            .. plan.Groups.Select(group => group.IsUnchanged
                ? withRuns ? [0] : ImmutableArray<int>.Empty
                : [.. Enumerable.Range(0, group.Count).Where(variant => some.Contains(group.Points[variant]))]),
        ];
    }

    private static PlanPass Pass(Expansion plan, Slices slices, ImmutableArray<ImmutableArray<int>> variants, bool isRetained)
    {
        PassTables tables = Batching.Of(plan, slices, variants, isRetained);
        HashSet<NodeId> kept = [.. plan.Kept.Where(item => !variants[item.Group.Index].IsEmpty).Select(item => item.After)];
        ILookup<NodeId, VariantGroup> written = tables.Groups
            .SelectMany(group => slices.WritesOf(plan, group).Select(write => (write.Node, Group: group)))
            .ToLookup(pair => pair.Node, pair => pair.Group);
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        foreach (NodeId node in plan.Nodes.All)
        {
            PlanStep step = new(node, tables.Tables[node.Index], [.. written[node]], [.. tables.Freed[node]]);
            if (step.Tables.Length > 0 || step.Written.Length > 0 || step.Freed.Length > 0 || kept.Contains(node))
                steps.Add(step);
        }
        return new PlanPass(variants, steps.ToImmutable(), isRetained, MemoryEstimate.Peak(plan, slices, variants, steps));
    }
}

/// <summary>Some variants, which are computed together from the first node to the last.</summary>
/// <param name="Variants">By group, the variants that are computed; none for a group that the pass leaves out.</param>
/// <param name="Nodes">The nodes that are computed, in order.</param>
/// <param name="IsRetained">Whether later passes read rows of this one: the rows that they read are kept.</param>
/// <param name="PeakBytes">How many bytes of rows are alive at once at most, by estimate.</param>
internal sealed record PlanPass(
    ImmutableArray<ImmutableArray<int>> Variants, ImmutableArray<PlanStep> Nodes, bool IsRetained, long PeakBytes);

/// <summary>One node in a pass.</summary>
/// <param name="Node">The node.</param>
/// <param name="Tables">The tables that are computed.</param>
/// <param name="Written">The groups that write the node.</param>
/// <param name="Freed">The nodes whose rows are not read any more afterwards.</param>
internal sealed record PlanStep(
    NodeId Node, ImmutableArray<PlanTable> Tables, ImmutableArray<VariantGroup> Written, ImmutableArray<NodeId> Freed);

/// <summary>
/// Which runs are computed before which others. All runs are computed together, node by node, unless a write reads a node of another run
/// behind the one that it writes. Then the runs of the prompt set come first, and each other run after the runs that it reads in this way.
/// </summary>
internal static class Stages
{
    /// <summary>By group, its stage, from 0 on without gaps.</summary>
    public static ImmutableArray<int> Of(Expansion plan, Slices slices)
    {
        int[] stages = new int[plan.Groups.Length];
        int stage = 0;
        bool isOne = true;
        foreach (IGrouping<int, VariantGroup> run in plan.Groups.Where(group => !group.IsUnchanged)
            .GroupBy(group => group.RunOrder).OrderBy(run => run.Key))
        {
            int[] behind = [.. run.SelectMany(StagesBehind)];
            isOne &= behind.Length == 0;
            stage = Math.Max(Math.Max(stage, 1), behind.DefaultIfEmpty(0).Max() + 1);
            foreach (VariantGroup group in run)
                stages[group.Index] = stage;
        }
        return isOne ? [.. new int[stages.Length]] : [.. stages];

        IEnumerable<int> StagesBehind(VariantGroup group) => slices.WritesOf(plan, group).SelectMany(write => write.Written.Steps
            .SelectMany(step => Donors(plan, group, step.Write))
            .Where(donor => donor.Node > write.Node).Select(donor => stages[donor.Group.Index]));
    }

    /// <summary>The values of other runs, at other sites than its own, that a write reads.</summary>
    private static IEnumerable<(VariantGroup Group, NodeId Node)> Donors(Expansion plan, VariantGroup group, BoundWrite write)
    {
        foreach (BoundRead read in write.Reads)
        {
            if (read is BoundRead.From { Site: { } site } from)
                yield return (plan.RunOf(group, from.Run.At(group.Point)), plan.Id(site.Names(group.Point).Single()));
            else if (read is BoundRead.Logits { Run: int run } logits)
                yield return (plan.Groups[run], plan.Id(logits.At.Names(group.Point).Single()));
        }
    }
}
