using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>
/// A text, or a piece of one, as code points that remember where they came from. Everything between the raw text and the model works
/// on these: what holds of a character then holds beyond U+FFFF too, and offsets survive every rewriting.
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
        var glyphs = new List<Glyph>(text.Length);
        for (int i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
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

    /// <summary>Puts <paramref name="prefix"/> in front; it stands for what the first code point stands for.</summary>
    public AlignedText Prepend(string prefix)
    {
        if (Length == 0) return this;
        var first = Glyphs[0];
        return With([.. prefix.EnumerateRunes().Select(rune => first with { CodePoint = rune.Value }), .. Glyphs]);
    }

    /// <summary>Replaces every match; each replacing code point stands for what the match's last one stood for.</summary>
    public AlignedText Replace(IReadOnlyList<TextRange> matches, string content)
    {
        if (matches.Count == 0) return this;
        var result = new List<Glyph>(Length);
        int done = 0;
        foreach (var (start, end) in matches)
        {
            result.AddRange(Glyphs[done..start]);
            var last = Glyphs[end - 1];
            result.AddRange(content.EnumerateRunes().Select(rune => last with { CodePoint = rune.Value }));
            done = end;
        }
        result.AddRange(Glyphs[done..]);
        return With([.. result]);
    }

    private static string ToText(ReadOnlySpan<Glyph> glyphs)
    {
        var builder = new StringBuilder(glyphs.Length);
        foreach (var glyph in glyphs)
        {
            if (glyph.CodePoint <= char.MaxValue) builder.Append((char)glyph.CodePoint);
            else builder.Append(char.ConvertFromUtf32(glyph.CodePoint));
        }
        return builder.ToString();
    }
}
