using System.Collections.Immutable;

namespace Interventions.Planning;

/// <summary>
/// Rows of a table that lie together: the same positions of the prompts of one class, for some members of some families; in the order member, prompt, position.
/// </summary>
/// <param name="Class">The prompts.</param>
/// <param name="Prompts">How many prompts.</param>
/// <param name="Positions">The positions, ascending.</param>
/// <param name="Families">The families, and which member of the group is their first.</param>
/// <param name="Members">How many members.</param>
/// <param name="Offset">The first row.</param>
internal sealed record RowSet(int Class, int Prompts, ImmutableArray<int> Positions, ImmutableArray<(VariantGroup VariantGroup, int First, int Count)> Families, int Members, int Offset)
{
    /// <summary>Whether two tables have the same rows in the same order.</summary>
    public static bool AreSame(ImmutableArray<RowSet> left, ImmutableArray<RowSet> right) => left == right || (left.Length == right.Length && left.Zip(right).All(pair =>
        pair.First.Class == pair.Second.Class && pair.First.Offset == pair.Second.Offset && pair.First.Positions.AsSpan().SequenceEqual(pair.Second.Positions.AsSpan())
        && pair.First.Families.AsSpan().SequenceEqual(pair.Second.Families.AsSpan())));

    public int Lanes => Members * Prompts;

    public int Size => Lanes * Positions.Length;

    /// <summary>The row of a member (counted in the group), a prompt (counted in its class) and a position (counted in <see cref="Positions"/>).</summary>
    public int Row(int member, int prompt, int position) => Offset + (((member * Prompts) + prompt) * Positions.Length) + position;
}

/// <summary>What one family contributes to a batch of rows.</summary>
/// <param name="VariantGroup">The family.</param>
/// <param name="Members">How many of its members, all of them in this pass.</param>
/// <param name="Class">The prompts.</param>
/// <param name="Positions">The positions.</param>
internal readonly record struct RowSpan(VariantGroup VariantGroup, int Members, int Class, PositionSet Positions);

/// <summary>The fifth step, batch: rows of all variants at a node become one table, so that they are computed together.</summary>
internal static class Batching
{
    /// <summary>Groups of the spans that have the same positions in the same prompts, in one table.</summary>
    public static ImmutableArray<RowSet> Groups(PlanContext plan, IEnumerable<RowSpan> spans)
    {
        var groups = ImmutableArray.CreateBuilder<RowSet>();
        int offset = 0;
        foreach (var alike in spans.Where(span => !span.Positions.IsEmpty).GroupBy(span => (span.Class, span.Positions)))
        {
            var families = ImmutableArray.CreateBuilder<(VariantGroup, int, int)>();
            int members = 0;
            foreach (RowSpan span in alike)
            {
                families.Add((span.VariantGroup, members, span.Members));
                members += span.Members;
            }
            RowSet group = new(
                alike.Key.Class, plan.Classes[alike.Key.Class].Rows.Length, [.. alike.Key.Positions.ToArray()], families.ToImmutable(), members, offset);
            groups.Add(group);
            offset += group.Size;
        }
        return groups.ToImmutable();
    }
}
