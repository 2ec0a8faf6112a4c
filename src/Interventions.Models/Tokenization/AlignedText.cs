using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>A code point, and the part of the original text (in UTF-16 units) that it stands for.</summary>
internal readonly record struct Glyph(int CodePoint, int Start, int End);

/// <summary>A half-open range of code points in an <see cref="AlignedText"/>.</summary>
internal readonly record struct TextRange(int Start, int End);

/// <summary>
/// A text, or a piece of one, as code points with their places in the original text. All steps before the token model work on this type:
/// characters beyond U+FFFF need no special case, and offsets survive every rewriting.
/// </summary>
internal sealed class AlignedText(ReadOnlyMemory<Glyph> glyphs, bool atStart)
{
    private string? _text;

    public ReadOnlySpan<Glyph> Glyphs => glyphs.Span;

    public int Length => glyphs.Length;

    /// <summary>Whether the original text begins with this piece.</summary>
    public bool AtStart => atStart;

    /// <summary>The code points as a string.</summary>
    public string Text => _text ??= ToText(Glyphs);

    public int this[int index] => glyphs.Span[index].CodePoint;

    /// <exception cref="ArgumentException">The string holds a surrogate without its partner, so it is not text.</exception>
    public static AlignedText From(string text)
    {
        List<Glyph> glyphs = new(text.Length);
        for (int i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out Rune rune))
                throw new ArgumentException($"The text has half of a surrogate pair, U+{(int)text[i]:X4}, at index {i}.", nameof(text));
            int end = i + rune.Utf16SequenceLength;
            glyphs.Add(new Glyph(rune.Value, i, end));
            i = end;
        }
        return new AlignedText(glyphs.ToArray(), atStart: true);
    }

    public AlignedText Slice(int start, int end) =>
        start == 0 && end == Length ? this : new AlignedText(glyphs[start..end], atStart && start == 0);

    /// <summary>Other code points for the same part of the original text.</summary>
    public AlignedText With(Glyph[] rewritten) => new(rewritten, atStart);

    /// <summary>Puts a prefix in front of a text that is not empty. The prefix stands for the same part as the first code point.</summary>
    public AlignedText Prepend(string prefix)
    {
        if (Length == 0)
            return this;
        Glyph first = Glyphs[0];
        return With([.. prefix.EnumerateRunes().Select(rune => first with { CodePoint = rune.Value }), .. Glyphs]);
    }

    /// <summary>Replaces every match. The new code points stand for the same part as the match's last code point.</summary>
    public AlignedText Replace(IReadOnlyList<TextRange> matches, string content)
    {
        if (matches.Count == 0)
            return this;
        List<Glyph> result = new(Length);
        int done = 0;
        foreach ((int start, int end) in matches)
        {
            result.AddRange(Glyphs[done..start]);
            Glyph last = Glyphs[end - 1];
            result.AddRange(content.EnumerateRunes().Select(rune => last with { CodePoint = rune.Value }));
            done = end;
        }
        result.AddRange(Glyphs[done..]);
        return With([.. result]);
    }

    private static string ToText(ReadOnlySpan<Glyph> glyphs)
    {
        StringBuilder builder = new(glyphs.Length);
        foreach (Glyph glyph in glyphs)
        {
            if (glyph.CodePoint <= char.MaxValue)
                builder.Append((char)glyph.CodePoint);
            else
                builder.Append(char.ConvertFromUtf32(glyph.CodePoint));
        }
        return builder.ToString();
    }
}

/// <summary>A set of words, each with a number, that finds the words at a place of a text.</summary>
internal sealed class CodePointTrie
{
    private readonly Node _root = new();

    /// <summary>Adds a word with its number (at least 0); the number of a word that is there already is replaced.</summary>
    public void Add(string word, int value)
    {
        Node node = _root;
        foreach (Rune rune in word.EnumerateRunes())
        {
            node.Next ??= [];
            if (!node.Next.TryGetValue(rune.Value, out Node? next))
                node.Next[rune.Value] = next = new Node();
            node = next;
        }
        node.Value = value;
    }

    /// <summary>Appends the end and the number of every word that begins at <paramref name="start"/>, shortest first.</summary>
    public void FindAt(AlignedText text, int start, List<(int End, int Value)> found)
    {
        Node? node = _root;
        for (int i = start; i < text.Length && node.Next is not null && node.Next.TryGetValue(text[i], out node); i++)
            if (node.Value >= 0)
                found.Add((i + 1, node.Value));
    }

    private sealed class Node
    {
        public Dictionary<int, Node>? Next;
        public int Value = -1;
    }
}
