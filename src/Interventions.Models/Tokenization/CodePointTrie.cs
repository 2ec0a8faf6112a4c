using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>A set of words, each with a number, that finds the words at a place of a text.</summary>
internal sealed class CodePointTrie
{
    private const int None = -1;

    private readonly Dictionary<long, int> _next = [];    // the node behind a node and a code point
    private readonly List<int> _values = [None];          // by node, the first of which is the root

    /// <summary>Adds a word with its number (at least 0); the number of a word that is there already is replaced.</summary>
    public void Add(string word, int value)
    {
        int node = 0;
        foreach (Rune rune in word.EnumerateRunes())
        {
            if (!_next.TryGetValue(Key(node, rune.Value), out int next))
            {
                _next[Key(node, rune.Value)] = next = _values.Count;
                _values.Add(None);
            }
            node = next;
        }
        _values[node] = value;
    }

    /// <summary>Appends the end and the number of every word that begins at <paramref name="start"/>, shortest first.</summary>
    public void FindAt(ReadOnlySpan<Glyph> text, int start, List<(int End, int Value)> found)
    {
        int node = 0;
        for (int i = start; i < text.Length && _next.TryGetValue(Key(node, text[i].CodePoint), out node); i++)
            if (_values[node] != None)
                found.Add((i + 1, _values[node]));
    }

    private static long Key(int node, int codePoint) => ((long)node << 21) | (uint)codePoint;
}
