using System.Collections.Immutable;
using Interventions.Binding;

namespace Interventions.Planning;

/// <summary>
/// Which runs are computed before which: all runs go through the graph together, node by node, unless a write reads another run behind its own node. Then the prompt set's runs come first, and
/// every other run as soon as those are there that it reads so.
/// </summary>
internal static class Stages
{
    /// <summary>By family, its stage, from 0 on without gaps.</summary>
    public static ImmutableArray<int> Of(PlanContext plan, Slices slices)
    {
        int[] stages = new int[plan.Families.Length];
        ILookup<int, (int Node, WrittenNode Written)> writes = slices.Writes.ToLookup(pair => pair.Key.VariantGroup, pair => (pair.Key.Node, pair.Value));
        int stage = 0;
        bool isOne = true;
        // Runs read earlier ones only: they are numbered so, the changed run last.
        foreach (var run in plan.Families.Where(family => !family.IsUnchanged).GroupBy(family => family.Run ?? int.MaxValue).OrderBy(run => run.Key))
        {
            int[] behind = [.. run.SelectMany(family => writes[family.Index].SelectMany(write => write.Written.Steps.SelectMany(step =>
                Donors(plan, family, step.Write).Where(donor => donor.Node > write.Node).Select(donor => stages[donor.VariantGroup.Index]))))];
            isOne &= behind.Length == 0;
            stage = Math.Max(Math.Max(stage, 1), behind.DefaultIfEmpty(0).Max() + 1);
            foreach (VariantGroup family in run)
                stages[family.Index] = stage;
        }
        return isOne ? [.. new int[stages.Length]] : [.. stages];
    }

    /// <summary>The values of other runs, not at the own site, that a write reads.</summary>
    private static IEnumerable<(VariantGroup VariantGroup, int Node)> Donors(PlanContext plan, VariantGroup family, BoundWrite write)
    {
        foreach (BoundRead read in write.Reads)
        {
            if (read is BoundRead.From { Site: { } site } from)
                yield return (plan.RunOf(family, from.Run.At(family.Point)), plan.Index(site.Names(family.Point).Single()));
            else if (read is BoundRead.Logits { Run: int run } logits)
                yield return (plan.Families[run], plan.Index(logits.At.Names(family.Point).Single()));
        }
    }
}
