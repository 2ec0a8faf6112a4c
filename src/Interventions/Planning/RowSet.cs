using System.Collections.Immutable;

namespace Interventions.Planning;

/// <summary>
/// Rows of a table that lie together: the same positions of the prompts of one class, for some variants of some groups. Their order is
/// variant, prompt, position.
/// </summary>
/// <param name="Class">The prompt class.</param>
/// <param name="Prompts">How many prompts the class has.</param>
/// <param name="Positions">The positions, ascending.</param>
/// <param name="Groups">The groups: how many variants each has here, and which variant of the set is the group's first.</param>
/// <param name="Variants">How many variants the set has.</param>
/// <param name="Offset">The place of the first row in the table.</param>
internal sealed record RowSet(
    int Class,
    int Prompts,
    ImmutableArray<int> Positions,
    ImmutableArray<(VariantGroup Group, int First, int Count)> Groups,
    int Variants,
    int Offset)
{
    /// <summary>How many sequences of positions the set has: one for each variant and prompt.</summary>
    public int Lanes => Variants * Prompts;

    /// <summary>How many rows the set has.</summary>
    public int Size => Lanes * Positions.Length;

    /// <summary>Whether two tables have the same rows in the same order.</summary>
    public static bool AreSame(ImmutableArray<RowSet> left, ImmutableArray<RowSet> right) =>
        left == right || (left.Length == right.Length && left.Zip(right).All(pair => AreSame(pair.First, pair.Second)));

    /// <summary>The row of a variant (counted in the set), a prompt (counted in its class) and a position (counted in the set).</summary>
    public int Row(int variant, int prompt, int position) => Offset + (((variant * Prompts) + prompt) * Positions.Length) + position;

    private static bool AreSame(RowSet left, RowSet right) =>
        left.Class == right.Class && left.Offset == right.Offset
        && left.Positions.AsSpan().SequenceEqual(right.Positions.AsSpan())
        && left.Groups.AsSpan().SequenceEqual(right.Groups.AsSpan());

    /// <summary>The rows of one group, before they are put into a set with those of other groups.</summary>
    /// <param name="Group">The group.</param>
    /// <param name="Variants">How many of its variants.</param>
    /// <param name="Class">The prompt class.</param>
    /// <param name="Positions">The positions.</param>
    public readonly record struct OfGroup(VariantGroup Group, int Variants, int Class, PositionSet Positions);
}
