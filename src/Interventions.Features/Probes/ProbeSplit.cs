using System.Collections.Immutable;

namespace Interventions.Features;

/// <summary>Which rows probes are fitted to, and which they are measured on.</summary>
/// <param name="Train">The numbers of the former, ascending.</param>
/// <param name="Test">The numbers of the latter, ascending.</param>
public sealed record ProbeSplit(ImmutableArray<int> Train, ImmutableArray<int> Test)
{
    /// <summary>
    /// A split by entity or word: all rows of one are on the same side, so that a probe cannot know a test row by its entity.
    /// </summary>
    /// <param name="groups">The entity of each row.</param>
    /// <param name="testShare">The share of the entities that is left for measuring; at least one, and not all. Default: 0.2.</param>
    /// <param name="seed">Equal seeds give equal splits.</param>
    /// <exception cref="ArgumentException">There are less than two entities, or the share is not between 0 and 1.</exception>
    public static ProbeSplit ByGroup<T>(IReadOnlyList<T> groups, double testShare = 0.2, int seed = 0)
        where T : notnull
    {
        ArgumentNullException.ThrowIfNull(groups);
        T[] all = [.. groups.Distinct()];
        if (all.Length < 2 || testShare is not (> 0 and < 1))
            throw new ArgumentException(
                $"{all.Length} different groups of {groups.Count} rows cannot be split with {testShare} of them on one side: two at least "
                + "are needed, and a share between 0 and 1.", nameof(groups));
        new Random(seed).Shuffle(all);
        HashSet<T> test = [.. all.Take(Math.Clamp((int)Math.Round(testShare * all.Length), 1, all.Length - 1))];
        int[] rows = [.. Enumerable.Range(0, groups.Count)];
        return new ProbeSplit([.. rows.Where(row => !test.Contains(groups[row]))], [.. rows.Where(row => test.Contains(groups[row]))]);
    }

    /// <summary>A split row by row.</summary>
    /// <param name="rows">How many rows there are.</param>
    /// <param name="testShare">The share of the rows that is left for measuring. Default: 0.2.</param>
    /// <param name="seed">Equal seeds give equal splits.</param>
    /// <exception cref="ArgumentException">There are less than two rows, or the share is not between 0 and 1.</exception>
    public static ProbeSplit ByRow(int rows, double testShare = 0.2, int seed = 0) =>
        ByGroup([.. Enumerable.Range(0, rows)], testShare, seed);
}
