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
    public string Text => _text ??= ToText();

    public int this[int index] => glyphs.Span[index].CodePoint;

    /// <exception cref="ArgumentException">The string holds a surrogate without its partner, so it is not text.</exception>
    public static AlignedText From(string text) => From(text, new Glyph[text.Length]);

    /// <summary>A string, in an array that is as long at least, and that the caller keeps until the text is not used any more.</summary>
    /// <exception cref="ArgumentException">The string holds a surrogate without its partner, so it is not text.</exception>
    public static AlignedText From(string text, Glyph[] glyphs)
    {
        int count = 0;
        for (int i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out Rune rune))
                throw new ArgumentException($"The text has half of a surrogate pair, U+{(int)text[i]:X4}, at index {i}.", nameof(text));
            int end = i + rune.Utf16SequenceLength;
            glyphs[count++] = new Glyph(rune.Value, i, end);
            i = end;
        }
        return new AlignedText(glyphs.AsMemory(0, count), atStart: true);
    }

    public AlignedText Slice(int start, int end) =>
        start == 0 && end == Length ? this : new AlignedText(glyphs[start..end], atStart && start == 0);

    /// <summary>Other code points for the same part of the original text.</summary>
    public AlignedText With(Glyph[] rewritten) => new(rewritten, atStart);

    /// <summary>The text without some code points.</summary>
    public AlignedText Without(Func<int, bool> dropped) => With([.. Glyphs.ToArray().Where(glyph => !dropped(glyph.CodePoint))]);

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
            foreach (Rune rune in content.EnumerateRunes())
                result.Add(last with { CodePoint = rune.Value });
            done = end;
        }
        result.AddRange(Glyphs[done..]);
        return With([.. result]);
    }

    /// <summary>Rewrites the text. Places follow the reference implementation, see <see cref="Change.Added"/>.</summary>
    public AlignedText Rewrite(List<Change> changes)
    {
        ReadOnlySpan<Glyph> old = Glyphs;
        Glyph[] result = new Glyph[changes.Count];
        int at = 0;
        for (int i = 0; i < result.Length; i++)
        {
            (int codePoint, int added) = changes[i];
            result[i] = (added <= 0 ? old[at] : at > 0 ? old[at - 1] : default) with { CodePoint = codePoint };
            if (added <= 0)
                at += 1 - added;
        }
        return With(result);
    }

    /// <summary>Writes the code points as UTF-16, two units each at most, and says how many units there are.</summary>
    public int CopyTo(Span<char> units)
    {
        int count = 0;
        foreach (Glyph glyph in Glyphs)
        {
            if (glyph.CodePoint <= char.MaxValue)
                units[count++] = (char)glyph.CodePoint;
            else
                count += new Rune(glyph.CodePoint).EncodeToUtf16(units[count..]);
        }
        return count;
    }

    private string ToText()
    {
        if (Length <= 128)
        {
            Span<char> units = stackalloc char[256];
            return new string(units[..CopyTo(units)]);
        }
        char[] rented = new char[2 * Length];
        return new string(rented, 0, CopyTo(rented));
    }
}

/// <summary>A code point of a rewritten text.</summary>
/// <param name="CodePoint">The code point.</param>
/// <param name="Added">
/// How many characters the text becomes longer with it: 0 stands for the next character, 1 is one more for the last character, -n stands
/// for the next character and the n behind it.
/// </param>
internal readonly record struct Change(int CodePoint, int Added);
