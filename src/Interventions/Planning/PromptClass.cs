using System.Collections.Immutable;
using Interventions.Binding;

namespace Interventions.Planning;

/// <summary>Prompts of a chunk that a plan need not tell apart: equally long, with names at the same positions, and runs that differ at the same ones.</summary>
/// <param name="Length">Their length in tokens.</param>
/// <param name="Rows">Which of the chunk's prompts, in order.</param>
/// <param name="Differences">For each run of the prompt set, where its tokens are not those of the first.</param>
internal sealed record PromptClass(int Length, ImmutableArray<int> Rows, ImmutableArray<PositionSet> Differences)
{
    public PositionSet All => PositionSet.Range(0, Length);

    /// <summary>A prompt that stands for all of them.</summary>
    public int Representative => Rows[0];

    public static ImmutableArray<PromptClass> Of(PromptBatch chunk, int runs) =>
    [
        .. chunk.Rows.GroupBy(row => Key(chunk, row, runs)).Select(alike => new PromptClass(
            chunk.Length(alike.First()), [.. alike], [.. Enumerable.Range(0, runs).Select(run => Different(chunk, alike.First(), run))])),
    ];

    /// <summary>What the classes of a chunk look like: chunks of one shape have one plan.</summary>
    public static string Shape(PromptBatch chunk, int runs) => string.Join('|', chunk.Rows.Select(row => Key(chunk, row, runs)));

    private static string Key(PromptBatch chunk, int row, int runs) => string.Join(
        ';', Enumerable.Range(0, runs).Select(run => $"{string.Join(',', chunk.Tokens(run, row).Positions)}:{Different(chunk, row, run)}").Append($"{chunk.Length(row)}"));

    private static PositionSet Different(PromptBatch chunk, int row, int run)
    {
        IReadOnlyList<long> ids = chunk.Tokens(run, row).Ids, first = chunk.Tokens(0, row).Ids;
        return PositionSet.Of(Enumerable.Range(0, ids.Count).Where(position => ids[position] != first[position]));
    }
}
