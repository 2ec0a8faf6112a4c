using System.Globalization;
using Interventions.Tables;

namespace Interventions.Binding;

/// <summary>Shows where two runs of a prompt stop having equally many tokens.</summary>
internal static class RunAlignment
{
    /// <summary>How many lines the table has at most, and how many of them stand before the token at which the runs part.</summary>
    private const int MostRows = 12, Before = 2;

    /// <summary>How many pairs of tokens are compared at most.</summary>
    private const long MostWork = 4_000_000;

    /// <summary>A sentence on the first token that the other run lacks, and both runs beside each other from a little before it.</summary>
    /// <param name="one">A run.</param>
    /// <param name="other">A run of another length.</param>
    /// <param name="oneName">The first one's name.</param>
    /// <param name="otherName">The other one's name.</param>
    public static string Report(RunTokens one, RunTokens other, string oneName, string otherName)
    {
        List<(int? One, int? Other)> pairs = Align(one.Ids, other.Ids);
        int gap = pairs.FindIndex(pair => pair.One is null || pair.Other is null);
        (int? left, int? right) = pairs[gap];
        (string longer, string shorter, string text, int at) = left is int token
            ? (oneName, otherName, Text(one, token), token)
            : (otherName, oneName, Text(other, right!.Value), right!.Value);
        TextTable table = new(new("token", true), new(oneName), new("token", true), new(otherName));
        foreach ((int? i, int? j) in pairs.Skip(Math.Max(0, gap - Before)))
            table.Add(Number(i), i is null ? "" : Text(one, i.Value), Number(j), j is null ? "" : Text(other, j.Value));
        return $"Token {at} of '{longer}', {text}, has none beside it in '{shorter}':\n{table.Print(MostRows)}".TrimEnd('\n');
    }

    /// <summary>A sentence on the other prompts whose runs differ in length, if those of one do; else nothing.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="number">The one that is reported.</param>
    public static string Others(IReadOnlyList<PromptTokens> prompts, int number)
    {
        if (!Differs(prompts[number]))
            return "";
        int[] others = [.. Enumerable.Range(number + 1, prompts.Count - number - 1).Where(i => Differs(prompts[i]))];
        return others.Length == 0 ? "" : $"\nSo do those of prompts {TextTable.First(others)}.";

        static bool Differs(PromptTokens? prompt) => prompt?.Runs is { Count: > 1 } runs
            && runs.All(run => run?.Ids is { Count: > 0 }) && runs.Any(run => run.Ids.Count != runs[0].Ids.Count);
    }

    /// <summary>
    /// Tokens beside each other: as few as possible that differ or are alone, and of equally good ways one with late gaps. Where that
    /// would take too long, tokens that differ are beside each other in order.
    /// </summary>
    private static List<(int? One, int? Other)> Align(IReadOnlyList<long> one, IReadOnlyList<long> other)
    {
        int shorter = Math.Min(one.Count, other.Count), same = 0, end = 0;
        while (same < shorter && one[same] == other[same])
            same++;
        while (end < shorter - same && one[one.Count - end - 1] == other[other.Count - end - 1])
            end++;
        (int rows, int columns) = (one.Count - same - end, other.Count - same - end);
        List<(int? One, int? Other)> between = (long)rows * columns <= MostWork
            ? Cheapest([.. one.Skip(same).Take(rows)], [.. other.Skip(same).Take(columns)])
            : [.. Enumerable.Range(0, Math.Max(rows, columns)).Select(i => ((int?)(i < rows ? i : null), (int?)(i < columns ? i : null)))];
        return
        [
            .. Enumerable.Range(0, same).Select(i => ((int?)i, (int?)i)),
            .. between.Select(pair => (pair.One + same, pair.Other + same)),
            .. Enumerable.Range(0, end).Select(i => ((int?)(one.Count - end + i), (int?)(other.Count - end + i))),
        ];
    }

    private static List<(int? One, int? Other)> Cheapest(long[] one, long[] other)
    {
        int[,] cost = new int[one.Length + 1, other.Length + 1];
        for (int i = 0; i <= one.Length; i++)
            for (int j = 0; j <= other.Length; j++)
                cost[i, j] = i == 0 || j == 0 ? i + j
                    : Math.Min(cost[i - 1, j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1), Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
        List<(int? One, int? Other)> pairs = [];
        for (int i = one.Length, j = other.Length; i > 0 || j > 0;)
        {
            if (i > 0 && cost[i, j] == cost[i - 1, j] + 1)
                pairs.Add((--i, null));
            else if (j > 0 && cost[i, j] == cost[i, j - 1] + 1)
                pairs.Add((null, --j));
            else
                pairs.Add((--i, --j));
        }
        pairs.Reverse();
        return pairs;
    }

    private static string Text(RunTokens run, int token) => run.Texts is { } texts
        ? TextTable.Quote(texts[token])
        : FormattableString.Invariant($"#{run.Ids[token]}");

    private static string Number(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";
}
