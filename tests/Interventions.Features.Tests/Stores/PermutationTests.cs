using FsCheck;
using FsCheck.Fluent;

namespace Interventions.Features.Tests.Stores;

/// <summary>Orders that are drawn from a seed.</summary>
public sealed class PermutationTests
{
    [Fact]
    public void Every_number_is_there_once() => Prop.ForAll(
        Arb.From(Gen.Choose(1, 600)), Arb.From(Gen.Choose(-5, 5)),
        (count, seed) => Numbers(count, seed).Order().SequenceEqual(Enumerable.Range(0, count).Select(number => (long)number)))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void Counts_around_powers_of_two_and_large_ones_are_within_bounds()
    {
        foreach (long count in (long[])[1, 2, 3, 4, 5, 15, 16, 17, 255, 256, 257, (1L << 31) - 1, 1L << 31, 1L << 40, (1L << 40) + 1])
        {
            Permutation order = new(count, 1);
            long[] some = [.. Enumerable.Range(0, 50).Select(place => order[place % count])];
            Assert.All(some, number => Assert.InRange(number, 0, count - 1));
            Assert.Equal(Math.Min(count, 50), some.Distinct().Count());
        }
    }

    /// <summary>
    /// Over many orders, a number is at every place equally often, and its neighbour anywhere: χ² of 15 degrees of freedom is below 44 of
    /// 9,999 of 10,000 fair draws.
    /// </summary>
    [Fact]
    public void Orders_are_fair()
    {
        const int Count = 16, Orders = 8000;
        int[,] places = new int[Count, Count];
        int[] distances = new int[Count];
        for (int seed = 0; seed < Orders; seed++)
        {
            Permutation order = new(Count, seed / 8, seed % 8);
            for (int place = 0; place < Count; place++)
                places[order[place], place]++;
            distances[(order[1] - order[0] + Count) % Count]++;
        }
        double worst = Enumerable.Range(0, Count).Max(number => ChiSquared(
            [.. Enumerable.Range(0, Count).Select(place => places[number, place])], (double)Orders / Count));
        Assert.True(worst < 44, $"χ² of places is {worst}");
        double ofDistances = ChiSquared(distances[1..], (double)Orders / (Count - 1));
        Assert.True(ofDistances < 44, $"χ² of distances is {ofDistances}");
    }

    [Fact]
    public void Another_seed_or_turn_is_another_order()
    {
        Assert.Equal(Numbers(100, 1), Numbers(100, 1));
        Assert.NotEqual(Numbers(100, 1), Numbers(100, 2));
        Assert.NotEqual(Numbers(100, 1), Numbers(100, 1, turn: 1));
    }

    private static double ChiSquared(int[] counts, double expected) =>
        counts.Sum(count => (count - expected) * (count - expected) / expected);

    private static long[] Numbers(int count, long seed, long turn = 0)
    {
        Permutation order = new(count, seed, turn);
        return [.. Enumerable.Range(0, count).Select(place => order[place])];
    }
}
