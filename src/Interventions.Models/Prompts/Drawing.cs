using Interventions.Tables;

namespace Interventions.Models.Prompts;

/// <summary>Draws at random, the same for the same seed.</summary>
internal static class Drawing
{
    /// <summary>Draws values that differ from each other.</summary>
    /// <param name="what">What is drawn from, for messages.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="draw">Draws a value.</param>
    /// <param name="key">What two values must not share.</param>
    /// <param name="taken">The keys of values that are not drawn.</param>
    /// <exception cref="ArgumentException">There are not so many.</exception>
    public static IReadOnlyList<T> Distinct<T>(
        string what, int count, int seed, Func<Random, T> draw, Func<T, string> key, IEnumerable<string> taken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Random random = new(seed);
        HashSet<string> known = [.. taken];
        int before = known.Count;
        List<T> values = [];
        // Were there one value more, with the chance of each of those that were drawn, so many misses would be less likely than e^-100.
        for (int misses = 0; values.Count < count && misses < 1000 + (100 * known.Count); misses++)
            if (draw(random) is var value && known.Add(key(value)))
            {
                values.Add(value);
                misses = -1;
            }
        string others = before == 0 ? "" : $" that are not among the {before} excluded ones";
        return values.Count == count ? values : throw new ArgumentException(
            $"{what} gives {TextTable.Count(values.Count, "different prompt")}{others}, and {count} are asked for: ask for fewer, or give "
            + "it more words.");
    }

    /// <summary>One of a list.</summary>
    public static T Pick<T>(this Random random, IReadOnlyList<T> list) => list[random.Next(list.Count)];

    /// <summary>Different ones of a list, in random order.</summary>
    public static T[] Pick<T>(this Random random, IEnumerable<T> list, int count)
    {
        T[] all = [.. list];
        for (int i = 0; i < count; i++)
        {
            int other = random.Next(i, all.Length);
            (all[i], all[other]) = (all[other], all[i]);
        }
        return all[..count];
    }
}
