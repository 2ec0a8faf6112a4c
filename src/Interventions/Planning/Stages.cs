using System.Collections.Immutable;
using Interventions.Binding;

namespace Interventions.Planning;

/// <summary>
/// Which runs are computed before which: all runs go through the graph together, node by node, unless a write reads another run behind its own node. Then the prompt set's runs come first, and
/// every other run as soon as those are there that it reads so.
/// </summary>
internal static class Stages
{
    /// <summary>By group, its stage, from 0 on without gaps.</summary>
    public static ImmutableArray<int> Of(Expansion plan, Slices slices)
    {
        int[] stages = new int[plan.Groups.Length];
        ILookup<int, (NodeId Node, WrittenNode Written)> writes = slices.Writes.ToLookup(pair => pair.Key.Group, pair => (pair.Key.Node, pair.Value));
        int stage = 0;
        bool isOne = true;
        // Runs read earlier ones only: they are numbered so, the changed run last.
        foreach (var run in plan.Groups.Where(group => !group.IsUnchanged).GroupBy(group => group.Run ?? int.MaxValue).OrderBy(run => run.Key))
        {
            int[] behind = [.. run.SelectMany(group => writes[group.Index].SelectMany(write => write.Written.Steps.SelectMany(step =>
                Donors(plan, group, step.Write).Where(donor => donor.Node > write.Node).Select(donor => stages[donor.Group.Index]))))];
            isOne &= behind.Length == 0;
            stage = Math.Max(Math.Max(stage, 1), behind.DefaultIfEmpty(0).Max() + 1);
            foreach (VariantGroup group in run)
                stages[group.Index] = stage;
        }
        return isOne ? [.. new int[stages.Length]] : [.. stages];
    }

    /// <summary>The values of other runs, not at the own site, that a write reads.</summary>
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
