using System.Collections.Immutable;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>What is computed for batches of one shape: by pass and node the rows, the writes to them, and when they are freed.</summary>
/// <param name="Expansion">The variants, the prompts, and the values that are kept.</param>
/// <param name="Own">The rows in which variants differ from their parents.</param>
/// <param name="Slices">Those of them that are computed.</param>
/// <param name="Passes">The order in which they are computed.</param>
/// <param name="Writes">How many values each write selects and changes, by the write's number.</param>
internal sealed record ExecutionPlan(
    Expansion Expansion, OwnRows Own, Slices Slices, ImmutableArray<PlanPass> Passes, ImmutableArray<WriteCount> Writes)
{
    /// <summary>How many nodes are computed, over all passes.</summary>
    public int StepCount => Passes.Sum(pass => pass.Nodes.Length);

    /// <summary>How many bytes of rows are alive at once at most, by estimate.</summary>
    public long PeakBytes => Passes.Max(pass => pass.PeakBytes);

    /// <summary>Expand, share, slice, and schedule, which batches the rows of each pass.</summary>
    public static ExecutionPlan Create(PlanRequest request)
    {
        Expansion expansion = Expansion.Of(request);
        OwnRows own = Sharing.Of(expansion);
        Slices slices = Slicing.Of(expansion, own);
        return new ExecutionPlan(expansion, own, slices, Scheduling.Of(expansion, slices), Count(expansion, own, slices));
    }

    private static ImmutableArray<WriteCount> Count(Expansion expansion, OwnRows own, Slices slices)
    {
        ImmutableArray<WriteCount> counts = WriteCounting.Of(expansion, own, slices);
        if (!expansion.Request.IsStrict)
            return counts;
        // A strict run writes values that only a later write finds. What is read is what an ordinary run would write.
        Expansion ordinary = Expansion.Of(expansion.Request with { IsStrict = false });
        OwnRows ordinaryOwn = Sharing.Of(ordinary);
        ImmutableArray<WriteCount> read = WriteCounting.Of(ordinary, ordinaryOwn, Slicing.Of(ordinary, ordinaryOwn));
        return [.. counts.Zip(read, (strict, other) => strict with { Read = other.Written })];
    }
}
