using System.Collections.Immutable;
using Interventions.Runtime;

namespace Interventions.Results;

/// <summary>What a declared write did, and what tells whether it should have done something.</summary>
/// <param name="Effect">What it did.</param>
/// <param name="Read">How many of the selected values something reads.</param>
/// <param name="Due">How many of them it should change.</param>
internal sealed record WriteTally(WriteEffect Effect, long Read, long Due)
{
    /// <summary>The same writes on the prompts of two batches.</summary>
    public static ImmutableArray<WriteTally> Sum(ImmutableArray<WriteTally> left, ImmutableArray<WriteTally> right) => [.. left.Zip(right, (one, other) => new WriteTally(
        one.Effect with
        {
            Selected = one.Effect.Selected + other.Effect.Selected,
            Written = one.Effect.Written + other.Effect.Written,
            Compared = one.Effect.Compared + other.Effect.Compared,
            Changed = one.Effect.Changed + other.Effect.Changed,
            Largest = Math.Max(one.Effect.Largest, other.Effect.Largest),
        },
        one.Read + other.Read,
        one.Due + other.Due))];

    /// <summary>What is wrong, if it had no effect though it should have had one.</summary>
    /// <param name="declaration">The declaration's name.</param>
    /// <param name="isSwept">Whether that has a sweep.</param>
    public string? Warning(string declaration, bool isSwept)
    {
        string what = $"{declaration}.{Effect.Write}", where = $"'{Effect.Site}'{(Effect.Run is null ? "" : $" in run '{Effect.Run}'")}";
        string over = isSwept ? "on any prompt and point of the sweep" : "on any prompt";
        return Due == 0 ? null
            : Read == 0 ? $"{what} is never read: nothing that is kept depends on {where} {over}."
            : Effect.Changed == 0 && Effect.Compared == Effect.Written ? $"{what} changed nothing: {where} has the same values without it {over}."
            : null;
    }
}
