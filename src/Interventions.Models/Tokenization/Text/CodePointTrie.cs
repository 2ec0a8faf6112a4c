using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>A set of words with values, asked which of them a text has at a place.</summary>
internal sealed class CodePointTrie
{
    private sealed class Node
    {
        public Dictionary<int, Node>? Next;
        public int Value = -1;
    }

    private readonly Node _root = new();

    /// <summary>Adds a word, or gives it another value (at least 0).</summary>
    public void Add(string word, int value)
    {
        var node = _root;
        foreach (var rune in word.EnumerateRunes())
        {
            node.Next ??= [];
            if (!node.Next.TryGetValue(rune.Value, out var next)) node.Next[rune.Value] = next = new Node();
            node = next;
        }
        node.Value = value;
    }

    /// <summary>Appends the end and the value of every word that begins at <paramref name="start"/>, shortest first.</summary>
    public void FindAt(AlignedText text, int start, List<(int End, int Value)> found)
    {
        var node = _root;
        for (int i = start; i < text.Length && node.Next is not null && node.Next.TryGetValue(text[i], out node); i++)
            if (node.Value >= 0) found.Add((i + 1, node.Value));
    }
}
