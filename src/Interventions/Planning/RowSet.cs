using System.Collections.Immutable;

namespace Interventions.Planning;

/// <summary>
/// Rows of a table that lie together: the same positions of the prompts of one class, for some variants of some groups; in the order variant, prompt, position.
/// </summary>
/// <param name="Class">The prompts.</param>
/// <param name="Prompts">How many prompts.</param>
/// <param name="Positions">The positions, ascending.</param>
/// <param name="Groups">The groups, and which variant of the set is their first.</param>
/// <param name="Variants">How many variants.</param>
/// <param name="Offset">The first row.</param>
internal sealed record RowSet(int Class, int Prompts, ImmutableArray<int> Positions, ImmutableArray<(VariantGroup Group, int First, int Count)> Groups, int Variants, int Offset)
{
    /// <summary>Whether two tables have the same rows in the same order.</summary>
    public static bool AreSame(ImmutableArray<RowSet> left, ImmutableArray<RowSet> right) => left == right || (left.Length == right.Length && left.Zip(right).All(pair =>
        pair.First.Class == pair.Second.Class && pair.First.Offset == pair.Second.Offset && pair.First.Positions.AsSpan().SequenceEqual(pair.Second.Positions.AsSpan())
        && pair.First.Groups.AsSpan().SequenceEqual(pair.Second.Groups.AsSpan())));

    public int Lanes => Variants * Prompts;

    public int Size => Lanes * Positions.Length;

    /// <summary>The row of a variant (counted in the set), a prompt (counted in its class) and a position (counted in <see cref="Positions"/>).</summary>
    public int Row(int variant, int prompt, int position) => Offset + (((variant * Prompts) + prompt) * Positions.Length) + position;

    /// <summary>The rows of one group among those that become sets.</summary>
    /// <param name="Group">The group.</param>
    /// <param name="Variants">How many of its variants.</param>
    /// <param name="Class">The prompts.</param>
    /// <param name="Positions">The positions.</param>
    internal readonly record struct OfGroup(VariantGroup Group, int Variants, int Class, PositionSet Positions);
}
