using System.Numerics;

namespace Interventions.Features;

/// <summary>
/// An order of the numbers below a count, drawn from a seed, of which every place is known by itself: so an order of billions of rows takes
/// no memory, and can be gone on with anywhere. It is a balanced Feistel network that is walked until it comes back below the count (Black
/// and Rogaway 2002, <c>Ciphers with arbitrary finite domains</c>).
/// </summary>
internal sealed class Permutation
{
    private const int Rounds = 8;

    private readonly ulong[] _keys = new ulong[Rounds];
    private readonly int _half;
    private readonly ulong _mask;

    /// <param name="count">How many numbers, at least one.</param>
    /// <param name="seed">Another seed is another order.</param>
    /// <param name="turn">The number of the order, of many of one seed.</param>
    public Permutation(long count, long seed, long turn = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Count = count;
        _half = Math.Max(1, (65 - BitOperations.LeadingZeroCount((ulong)(count - 1))) / 2);
        _mask = (1UL << _half) - 1;
        ulong state = Mixed(Mixed((ulong)seed) + (ulong)turn);
        for (int round = 0; round < Rounds; round++)
            _keys[round] = Mixed(state + (ulong)round);
    }

    /// <summary>How many numbers.</summary>
    public long Count { get; }

    /// <summary>The number at a place.</summary>
    public long this[long place]
    {
        get
        {
            ulong number = (ulong)place;
            do
                number = Changed(number);
            while (number >= (ulong)Count);
            return (long)number;
        }
    }

    private ulong Changed(ulong number)
    {
        (ulong left, ulong right) = (number >> _half, number & _mask);
        foreach (ulong key in _keys)
            (left, right) = (right, left ^ (Mixed(right + key) & _mask));
        return (left << _half) | right;
    }

    /// <summary>The last step of SplitMix64 (Steele, Lea and Flood 2014): every bit of the number changes half of the bits.</summary>
    private static ulong Mixed(ulong number)
    {
        number += 0x9E3779B97F4A7C15;
        number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9;
        number = (number ^ (number >> 27)) * 0x94D049BB133111EB;
        return number ^ (number >> 31);
    }
}
