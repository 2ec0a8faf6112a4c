using System.Collections.Immutable;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tables;

namespace Interventions;

/// <summary>The effect of a declared write, over all prompts and points of the sweep.</summary>
/// <remarks>
/// A value that nothing reads is not computed, so that <c>Selected ≥ Written ≥ Compared ≥ Changed</c>. A naive run writes and compares
/// every selected value. A write finds the values that the writes before it left.
/// </remarks>
/// <param name="Write">The method, property or attribute; <c>Property.Method</c> for a write of an included intervention.</param>
/// <param name="Site">The site path.</param>
/// <param name="Run">The derived run that it writes; <see langword="null"/> is the changed run.</param>
/// <param name="Selected">The number of values that it selects.</param>
/// <param name="Written">The number of those that were written. The others are read by nothing; 0 if the write is never read.</param>
/// <param name="Compared">
/// The number of those that were compared with the value before the write. A value that is overwritten unread is computed in a strict run
/// only. A copy of a value that the run has already counts as compared.
/// </param>
/// <param name="Changed">
/// The number of those that the write changed. Where two selected positions are one token, both have the last one's value.
/// </param>
/// <param name="Largest">The largest absolute difference; 0 where nothing changed.</param>
public sealed record WriteEffect(
    string Write, string Site, string? Run, long Selected, long Written, long Compared, long Changed, double Largest)
{
    /// <summary>
    /// The number of written values that something reads. A strict run also writes values that only a later write finds, to compare them.
    /// </summary>
    internal long Read { get; init; }

    /// <summary>
    /// The number of selected values that the write is expected to change. Not counted are all values of a freeze, and the values of a copy
    /// from another run at the leading tokens that both runs share.
    /// </summary>
    internal long Due { get; init; }

    /// <summary>
    /// The numbers of prompts whose runs have the same tokens up to all positions that the write selects, so that it copies values which
    /// are there already; ascending.
    /// </summary>
    internal ImmutableArray<int> Alike { get; init; } = [];

    /// <summary>Of a write to a derived run, the points of the sweep at which nothing that is kept depends on it.</summary>
    internal UnreadPoints Points { get; init; } = UnreadPoints.None;

    /// <summary>Compares what a user sees: every value but the four above.</summary>
    public bool Equals(WriteEffect? other) => other is not null
        && (Write, Site, Run, Selected, Written) == (other.Write, other.Site, other.Run, other.Selected, other.Written)
        && (Compared, Changed) == (other.Compared, other.Changed) && Largest.Equals(other.Largest);

    /// <summary>A table of one line, at most 80 columns.</summary>
    public override string ToString() => KeptTable.OfEffects([this]);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Write, Site, Run, Selected, Written, Compared, Changed, Largest);

    /// <summary>The effects of the same writes on the prompts of two batches.</summary>
    internal static ImmutableArray<WriteEffect> Sum(ImmutableArray<WriteEffect> left, ImmutableArray<WriteEffect> right) =>
    [
        .. left.Zip(right, (one, other) => one with
        {
            Selected = one.Selected + other.Selected,
            Written = one.Written + other.Written,
            Compared = one.Compared + other.Compared,
            Changed = one.Changed + other.Changed,
            Largest = Math.Max(one.Largest, other.Largest),
            Read = one.Read + other.Read,
            Due = one.Due + other.Due,
            Alike = [.. one.Alike.Concat(other.Alike).Order()],
            Points = one.Points.And(other.Points),
        }),
    ];

    /// <summary>A sentence for each write without effect, on all prompts or on some.</summary>
    /// <param name="effects">The effects of a declaration's writes.</param>
    /// <param name="declaration">Its name.</param>
    /// <param name="isSwept">Whether it has a sweep.</param>
    /// <param name="prompts">How many prompts the result has.</param>
    internal static IEnumerable<string> Warnings(ImmutableArray<WriteEffect> effects, string declaration, bool isSwept, int prompts) =>
        effects.Select(effect => effect.Warning(declaration, isSwept))
            .Concat(effects.Select(effect => effect.PromptWarning(declaration, prompts))).OfType<string>();

    /// <summary>A sentence if the write had no effect though one was expected.</summary>
    /// <param name="declaration">The declaration's name.</param>
    /// <param name="isSwept">Whether the declaration has a sweep.</param>
    private string? Warning(string declaration, bool isSwept)
    {
        string what = $"{declaration}.{Write}", where = Where;
        string over = isSwept ? "on any prompt and point of the sweep" : "on any prompt";
        return Due == 0 ? null
            : Read == 0 ? $"{what} is never read: nothing that is kept depends on {where} {over}."
            : Changed == 0 && Compared == Written ? $"{what} changed nothing: {where} has the same values without it {over}."
            : null;
    }

    /// <summary>A sentence if the runs of some prompts are no pair for the write.</summary>
    /// <param name="declaration">The declaration's name.</param>
    /// <param name="prompts">How many prompts the result has.</param>
    private string? PromptWarning(string declaration, int prompts) =>
        Alike.IsEmpty ? null
        : $"{declaration}.{Write} copies what is there already in {Alike.Length} of {TextTable.Count(prompts, "prompt")} "
            + $"({TextTable.First(Alike)}): their runs have the same tokens up to the positions that {Where} selects.";

    /// <summary>A sentence if the write is read at some points of a sweep only.</summary>
    /// <param name="declaration">The declaration's name.</param>
    /// <param name="points">How many points the sweep has.</param>
    /// <param name="describe">Says which points are meant.</param>
    internal string? PointWarning(string declaration, int points, Func<ImmutableArray<int>, string> describe) =>
        Points.Unread.IsEmpty || Read == 0 || Due == 0
            ? null
            : $"{declaration}.{Write} reaches nothing that is kept at {Points.Unread.Length} of {points} points of the sweep "
                + $"({describe(Points.Unread)}): what reads its run is not downstream of {Where} there, so nothing changes.";

    /// <summary>The site; the run of a path patch is its own, and has no name that anybody wrote.</summary>
    private string Where => $"'{Site}'{(Run is null || IsOfPathPatch ? "" : $" in run '{Run}'")}";

    private bool IsOfPathPatch => Write == PathPatching.Name || Write.EndsWith("." + PathPatching.Name, StringComparison.Ordinal);
}

/// <summary>
/// Where a write to a derived run is not read: a path patch whose receivers are computed before its senders. Points are numbered in the
/// sweep's order, ascending.
/// </summary>
/// <param name="Unread">The points at which nothing reads what it writes.</param>
/// <param name="Undue">The points at which it need not change anything, so that nothing follows from them.</param>
internal sealed record UnreadPoints(ImmutableArray<int> Unread, ImmutableArray<int> Undue)
{
    /// <summary>Read everywhere.</summary>
    public static UnreadPoints None { get; } = new([], []);

    /// <summary>Those of two batches together: a point that either of them reads is read.</summary>
    public UnreadPoints And(UnreadPoints other)
    {
        ImmutableArray<int> undue = [.. Undue.Intersect(other.Undue)];
        IEnumerable<int> unread = Unread.Concat(Undue).Intersect(other.Unread.Concat(other.Undue));
        return new UnreadPoints([.. unread.Except(undue).Order()], undue);
    }
}
