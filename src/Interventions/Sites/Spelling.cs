using System;
using System.Collections.Generic;

namespace Interventions.Sites;

/// <summary>Which known name was probably meant.</summary>
internal static class Spelling
{
    /// <summary>The nearest candidate, if it is near enough to be a slip of the pen; the first of equally near ones.</summary>
    public static string? Nearest(string written, IEnumerable<string> candidates)
    {
        string? nearest = null;
        int least = Tolerance(written) + 1;
        foreach (string candidate in candidates)
        {
            int distance = Distance(written, candidate);
            if (distance < least)
                (nearest, least) = (candidate, distance);
        }
        return nearest;
    }

    /// <summary>How many slips are forgiven: one in a short name, a third of the letters in a longer one.</summary>
    public static int Tolerance(string written) => Math.Max(1, written.Length / 3);

    /// <summary>Insertions, deletions, replacements and swaps of neighbours; a letter's case costs nothing but breaks no tie.</summary>
    public static int Distance(string left, string right)
    {
        int[,] cost = new int[left.Length + 1, right.Length + 1];
        for (int i = 0; i <= left.Length; i++)
            cost[i, 0] = i;
        for (int j = 0; j <= right.Length; j++)
            cost[0, j] = j;
        for (int i = 1; i <= left.Length; i++)
        {
            for (int j = 1; j <= right.Length; j++)
            {
                int replace = cost[i - 1, j - 1] + (Same(left[i - 1], right[j - 1]) ? 0 : 1);
                int best = Math.Min(replace, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                    best = Math.Min(best, cost[i - 2, j - 2] + 1);
                cost[i, j] = best;
            }
        }
        return cost[left.Length, right.Length];
    }

    /// <summary>A list for a sentence: <c>a, b and c</c>.</summary>
    public static string List(IReadOnlyList<string> names)
    {
        if (names.Count < 2)
            return string.Concat(names);
        var first = new List<string>(names);
        first.RemoveAt(first.Count - 1);
        return string.Join(", ", first) + " and " + names[names.Count - 1];
    }

    private static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
}
