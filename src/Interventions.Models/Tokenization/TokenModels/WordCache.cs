using System.Collections.Concurrent;

namespace Interventions.Models.Tokenization;

/// <summary>What the model made of short words it has seen. It only ever fills up: text repeats its words early.</summary>
internal sealed class WordCache
{
    private const int MaxWords = 20_000, MaxWordLength = 64;

    private readonly ConcurrentDictionary<string, ModelToken[]> _words = new(StringComparer.Ordinal);
    private int _count;

    public ModelToken[] Get(AlignedText word, Func<AlignedText, ModelToken[]> compute)
    {
        if (word.Length > MaxWordLength) return compute(word);
        if (_words.TryGetValue(word.Text, out var known)) return known;
        var tokens = compute(word);
        if (Volatile.Read(ref _count) < MaxWords && _words.TryAdd(word.Text, tokens)) Interlocked.Increment(ref _count);
        return tokens;
    }
}
