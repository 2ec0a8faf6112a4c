using System.Collections.Immutable;

namespace Interventions.Results;

/// <summary>
/// Prompts whose runs have the same tokens up to all positions that a write selects, so that it reads the values that are there.
/// </summary>
/// <param name="Write">The write's name.</param>
/// <param name="Site">Its site path.</param>
/// <param name="Run">The derived run that it writes; null is the changed run.</param>
/// <param name="Prompts">The prompts' numbers in the set, ascending.</param>
internal sealed record AlikePrompts(string Write, string Site, string? Run, ImmutableArray<int> Prompts)
{
    private const int Listed = 5;

    /// <summary>Those of all writes that are among some prompts.</summary>
    public static ImmutableArray<AlikePrompts> Among(ImmutableArray<AlikePrompts> all, ImmutableArray<int> prompts) =>
    [
        .. all.Select(alike => alike with { Prompts = [.. alike.Prompts.Where(prompts.Contains)] })
            .Where(alike => !alike.Prompts.IsEmpty),
    ];

    /// <summary>Those of several batches, by write.</summary>
    public static ImmutableArray<AlikePrompts> Join(IEnumerable<AlikePrompts> batches) =>
    [
        .. batches.GroupBy(alike => (alike.Write, alike.Site, alike.Run))
            .Select(same => same.First() with { Prompts = [.. same.SelectMany(alike => alike.Prompts).Distinct().Order()] }),
    ];

    /// <summary>What is wrong with these prompts.</summary>
    /// <param name="declaration">The declaration's name.</param>
    /// <param name="count">How many prompts the result has.</param>
    public string Warning(string declaration, int count)
    {
        string where = $"'{Site}'{(Run is null ? "" : $" in run '{Run}'")}";
        string numbers = string.Join(", ", Prompts.Take(Listed)) + (Prompts.Length > Listed ? $" and {Prompts.Length - Listed} more" : "");
        return $"{declaration}.{Write} copies what is there already in {Prompts.Length} of {count} prompt{(count == 1 ? "" : "s")} " +
            $"({numbers}): their runs have the same tokens up to the positions that {where} selects.";
    }
}
