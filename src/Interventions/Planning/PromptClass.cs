using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>Prompts of a batch that have one shape, so that the same positions of all of them are computed.</summary>
/// <param name="Length">Their length in tokens.</param>
/// <param name="Rows">Their numbers in the batch, ascending.</param>
/// <param name="Differences">For each run of the prompt set, the positions at which its tokens are not those of the first run.</param>
internal sealed record PromptClass(int Length, ImmutableArray<int> Rows, EquatableArray<PositionSet> Differences)
{
    /// <summary>All positions.</summary>
    public PositionSet All => PositionSet.Range(0, Length);

    /// <summary>A prompt that stands for all of them.</summary>
    public int Representative => Rows[0];

    /// <summary>The classes of a batch.</summary>
    public static ImmutableArray<PromptClass> Of(PromptBatch batch, int runs) =>
    [
        .. batch.Rows.GroupBy(row => PromptShape.Of(batch, row, runs))
            .Select(alike => new PromptClass(alike.Key.Length, [.. alike], alike.Key.Differences)),
    ];
}

/// <summary>All that a plan depends on in a prompt.</summary>
/// <param name="Length">Its length in tokens.</param>
/// <param name="Named">For each run, its named positions.</param>
/// <param name="Differences">For each run, the positions at which its tokens are not those of the first run.</param>
internal sealed record PromptShape(int Length, EquatableArray<EquatableArray<int>> Named, EquatableArray<PositionSet> Differences)
{
    /// <summary>The shape of a prompt of a batch.</summary>
    public static PromptShape Of(PromptBatch batch, int row, int runs) => new(
        batch.Length(row),
        new(Enumerable.Range(0, runs).Select(run => new EquatableArray<int>(batch.Tokens(run, row).Positions))),
        new(Enumerable.Range(0, runs).Select(run => Different(batch, row, run))));

    private static PositionSet Different(PromptBatch batch, int row, int run)
    {
        IReadOnlyList<long> ids = batch.Tokens(run, row).Ids, first = batch.Tokens(0, row).Ids;
        return PositionSet.Of(Enumerable.Range(0, ids.Count).Where(position => ids[position] != first[position]));
    }
}

/// <summary>The shapes of a batch's prompts, in order. Batches of one shape have one plan.</summary>
internal sealed record BatchShape(EquatableArray<PromptShape> Prompts)
{
    /// <summary>The shape of a batch.</summary>
    public static BatchShape Of(PromptBatch batch, int runs) =>
        new(new EquatableArray<PromptShape>(batch.Rows.Select(row => PromptShape.Of(batch, row, runs))));
}
