using System.Collections.Immutable;

namespace Interventions.Planning;

/// <summary>The fifth step, batch: rows of all variants at a node become one table, so that they are computed together.</summary>
internal static class Batching
{
    /// <summary>How many bytes of a value are computed at once: more would leave the processor's cache, fewer would make matrix products small.</summary>
    public const long BlockBytes = 12 << 20;

    /// <summary>Sets of the spans that have the same positions in the same prompts, in one table.</summary>
    public static ImmutableArray<RowSet> Sets(Expansion plan, IEnumerable<RowSet.OfGroup> spans)
    {
        var sets = ImmutableArray.CreateBuilder<RowSet>();
        int offset = 0;
        foreach (var alike in spans.Where(span => !span.Positions.IsEmpty).GroupBy(span => (span.Class, span.Positions)))
        {
            var groups = ImmutableArray.CreateBuilder<(VariantGroup, int, int)>();
            int variants = 0;
            foreach (RowSet.OfGroup span in alike)
            {
                groups.Add((span.Group, variants, span.Variants));
                variants += span.Variants;
            }
            RowSet set = new(
                alike.Key.Class, plan.Classes[alike.Key.Class].Rows.Length, [.. alike.Key.Positions.ToArray()], groups.ToImmutable(), variants, offset);
            sets.Add(set);
            offset += set.Size;
        }
        return sets.ToImmutable();
    }
}
