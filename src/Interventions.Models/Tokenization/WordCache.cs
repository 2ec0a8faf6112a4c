using System.Collections.Concurrent;

namespace Interventions.Models.Tokenization;

/// <summary>The tokens of short words that were met before. It keeps the first 20,000: a text repeats its words early.</summary>
/// <param name="compute">The tokens of a word that is not kept.</param>
internal sealed class WordCache(Func<AlignedText, ModelToken[]> compute)
{
    /// <summary>The most code points that a word has which is kept.</summary>
    public const int MaxLength = 64;

    private const int MaxWords = 20_000;

    private readonly ConcurrentDictionary<string, ModelToken[]> _words = new(StringComparer.Ordinal);
    private int _count;

    public ModelToken[] Get(AlignedText word)
    {
        if (word.Length > MaxLength)
            return compute(word);
        Span<char> units = stackalloc char[2 * MaxLength];
        if (_words.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(units[..word.CopyTo(units)], out ModelToken[]? known))
            return known;
        ModelToken[] tokens = compute(word);
        if (Volatile.Read(ref _count) < MaxWords && _words.TryAdd(word.Text, tokens))
            Interlocked.Increment(ref _count);
        return tokens;
    }
}
