using System.Numerics;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>A set of token positions. Immutable; equal by content.</summary>
internal readonly struct PositionSet : IEquatable<PositionSet>
{
    private readonly ulong[]? _words;

    private PositionSet(ulong[] words) => _words = words;

    public static PositionSet Empty => default;

    private ReadOnlySpan<ulong> Words => _words;

    public bool IsEmpty => !Words.ContainsAnyExcept(0UL);

    public int Count
    {
        get
        {
            int count = 0;
            foreach (ulong word in Words)
                count += BitOperations.PopCount(word);
            return count;
        }
    }

    /// <summary>The smallest position of a set that is not empty.</summary>
    public int First
    {
        get
        {
            int word = Words.IndexOfAnyExcept(0UL);
            return (word * 64) + BitOperations.TrailingZeroCount(Words[word]);
        }
    }

    /// <summary>The largest position of a set that is not empty.</summary>
    public int Last
    {
        get
        {
            int word = Words.LastIndexOfAnyExcept(0UL);
            return (word * 64) + 63 - BitOperations.LeadingZeroCount(Words[word]);
        }
    }

    /// <summary>The positions from <paramref name="first"/> up to <paramref name="end"/>, exclusive.</summary>
    public static PositionSet Range(int first, int end)
    {
        if (first >= end)
            return Empty;
        ulong[] words = new ulong[((end - 1) / 64) + 1];
        for (int word = first / 64; word < words.Length; word++)
        {
            int low = Math.Max(first - (word * 64), 0), high = Math.Min(end - (word * 64), 64);
            words[word] = (high == 64 ? ulong.MaxValue : (1UL << high) - 1) & (ulong.MaxValue << low);
        }
        return new PositionSet(words);
    }

    public static PositionSet Of(IEnumerable<int> positions)
    {
        int[] all = [.. positions];
        if (all.Length == 0)
            return Empty;
        ulong[] words = new ulong[(all.Max() / 64) + 1];
        foreach (int position in all)
            words[position / 64] |= 1UL << (position % 64);
        return new PositionSet(words);
    }

    public bool Contains(int position) => position / 64 < Words.Length && (Words[position / 64] >> (position % 64) & 1) != 0;

    public PositionSet With(int position) => this | Range(position, position + 1);

    public PositionSet Without(int position) => Except(Range(position, position + 1));

    public PositionSet Except(PositionSet other)
    {
        if (IsEmpty || other.IsEmpty)
            return this;
        ulong[] words = [.. Words];
        for (int i = 0; i < Math.Min(words.Length, other.Words.Length); i++)
            words[i] &= ~other.Words[i];
        return new PositionSet(words);
    }

    /// <summary>Positions of an output that depend on these of an input.</summary>
    public PositionSet Forward(Reach reach, int length) => IsEmpty ? this : reach.Kind switch
    {
        ReachKind.Pointwise => this,
        ReachKind.Causal => Range(First, length),
        ReachKind.Windowed => Of(ToArray().SelectMany(position =>
            Enumerable.Range(position, Math.Min(reach.Width, length - position)))),
        _ => Range(0, length),
    };

    /// <summary>Positions of an input on which these of an output depend.</summary>
    public PositionSet Backward(Reach reach, int length) => IsEmpty ? this : reach.Kind switch
    {
        ReachKind.Pointwise => this,
        ReachKind.Causal => Range(0, Last + 1),
        ReachKind.Windowed => Of(ToArray().SelectMany(position =>
            Enumerable.Range(Math.Max(0, position - reach.Width + 1), Math.Min(reach.Width, position + 1)))),
        _ => Range(0, length),
    };

    /// <summary>The positions, ascending.</summary>
    public int[] ToArray()
    {
        int[] positions = new int[Count];
        int at = 0;
        for (int i = 0; i < Words.Length; i++)
            for (ulong word = Words[i]; word != 0; word &= word - 1)
                positions[at++] = (i * 64) + BitOperations.TrailingZeroCount(word);
        return positions;
    }

    public bool Equals(PositionSet other) => Words.TrimEnd(0UL).SequenceEqual(other.Words.TrimEnd(0UL));

    public override bool Equals(object? obj) => obj is PositionSet other && Equals(other);

    public override int GetHashCode()
    {
        HashCode hash = new();
        foreach (ulong word in Words.TrimEnd(0UL))
            hash.Add(word);
        return hash.ToHashCode();
    }

    public override string ToString() => string.Join(",", ToArray());

    public static bool operator ==(PositionSet left, PositionSet right) => left.Equals(right);

    public static bool operator !=(PositionSet left, PositionSet right) => !left.Equals(right);

    public static PositionSet operator |(PositionSet left, PositionSet right)
    {
        if (left.IsEmpty)
            return right;
        if (right.IsEmpty)
            return left;
        (PositionSet longer, PositionSet shorter) = left.Words.Length >= right.Words.Length ? (left, right) : (right, left);
        ulong[] words = [.. longer.Words];
        for (int i = 0; i < shorter.Words.Length; i++)
            words[i] |= shorter.Words[i];
        return new PositionSet(words);
    }

    public static PositionSet operator &(PositionSet left, PositionSet right)
    {
        int count = Math.Min(left.Words.Length, right.Words.Length);
        if (count == 0)
            return Empty;
        ulong[] words = new ulong[count];
        for (int i = 0; i < count; i++)
            words[i] = left.Words[i] & right.Words[i];
        return new PositionSet(words);
    }
}
