using System.Globalization;
using Interventions.Tables;

namespace Interventions.Models.Prompts;

/// <summary>What values are drawn from.</summary>
/// <param name="What">Its name, for messages.</param>
/// <param name="Possible">How many different values there are at most.</param>
/// <param name="Draw">Draws a value.</param>
/// <param name="Key">What two values must not share.</param>
/// <param name="Bytes">How much memory a value takes, about.</param>
internal sealed record DrawingSource<T>(
    string What, double Possible, Func<Random, T> Draw, Func<T, string> Key, Func<T, long> Bytes);

/// <summary>Draws at random, the same for the same seed.</summary>
internal static class Drawing
{
    /// <summary>What a value takes beside its numbers: objects, and its entries in lists.</summary>
    private const long Overhead = 400;

    /// <summary>Draws values that differ from each other.</summary>
    /// <param name="source">What is drawn from.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="taken">The keys of values that are not drawn.</param>
    /// <exception cref="ArgumentException">There are not so many, or this machine has no memory for them.</exception>
    public static IReadOnlyList<T> Distinct<T>(DrawingSource<T> source, int count, int seed, IEnumerable<string> taken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        (string what, double possible, Func<Random, T> draw, Func<T, string> key, Func<T, long> bytes) = source;
        if (count > possible)
            throw new ArgumentException(
                $"{what} gives at most {TextTable.Count((long)possible, "different prompt")}, and {count} are asked for: ask for fewer, "
                + "or give it more words.");
        Random random = new(seed);
        HashSet<string> known = [.. taken];
        int before = known.Count;
        List<T> values = [];
        CheckMemory();
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

        // Prompts are about as long as each other.
        void CheckMemory()
        {
            T one = draw(new Random(seed));
            long each = bytes(one) + (2 * key(one).Length) + Overhead, there = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            if (count > there / each)
                throw new ArgumentException(
                    $"{count} prompts of {what} take about {Gibibytes(count * (double)each)}, and this machine has {Gibibytes(there)} of "
                    + $"memory: ask for fewer than {there / each}.");
        }

        static string Gibibytes(double bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 30):0.0} GiB");
    }

    /// <summary>In how many ways some of a number of things can be drawn, in order, none of them twice.</summary>
    public static double Orders(int things, int drawn) =>
        Enumerable.Range(0, drawn).Aggregate(1.0, (product, i) => product * Math.Max(0, things - i));

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
