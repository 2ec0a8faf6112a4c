namespace Interventions.Models.Chats;

/// <summary>
/// A text whose characters know where they come from: a number for each character of a chat's messages, none for those of the template.
/// Filters and methods of templates cut and join such texts, so that what was marked in a message is found in the formatted chat.
/// </summary>
internal sealed class TracedText
{
    /// <summary>The origin of a character that no message has.</summary>
    public const int Template = -1;

    public static readonly TracedText Empty = new("", null);

    /// <summary>By character; absent where all come from the template.</summary>
    private readonly int[]? _origins;

    private TracedText(string text, int[]? origins)
    {
        Text = text;
        _origins = origins;
    }

    public string Text { get; }

    /// <summary>The number of code points, which is what templates count.</summary>
    public int Length => Text.Length - Text.Count(char.IsLowSurrogate);

    /// <summary>A text of a message.</summary>
    /// <param name="text">The text.</param>
    /// <param name="first">The number of its first character.</param>
    public static TracedText Of(string text, int first) => new(text, [.. Enumerable.Range(first, text.Length)]);

    public static implicit operator TracedText(string text) => new(text, null);

    /// <summary>The number of the message's character that stands at a place, or <see cref="Template"/>.</summary>
    public int Origin(int index) => _origins?[index] ?? Template;

    /// <summary>A part, by UTF-16 units.</summary>
    public TracedText Part(int start, int end) =>
        start >= end ? Empty : start == 0 && end == Text.Length ? this : new(Text[start..end], _origins?[start..end]);

    /// <summary>Texts one after the other.</summary>
    public static TracedText Join(IReadOnlyList<TracedText> parts)
    {
        if (parts.Count == 1)
            return parts[0];
        string text = string.Concat(parts.Select(part => part.Text));
        if (parts.All(part => part._origins is null))
            return new(text, null);
        int[] origins = new int[text.Length];
        int at = 0;
        foreach (TracedText part in parts)
        {
            Span<int> place = origins.AsSpan(at, part.Text.Length);
            if (part._origins is null)
                place.Fill(Template);
            else
                part._origins.CopyTo(place);
            at += place.Length;
        }
        return new(text, origins);
    }

    /// <summary>The same text with other letters, one for one.</summary>
    public TracedText Recased(string text) => new(text, text.Length == Text.Length ? _origins : null);

    /// <summary>The code points, each as a text.</summary>
    public IEnumerable<TracedText> CodePoints()
    {
        for (int start = 0, end; start < Text.Length; start = end)
        {
            end = start + (start + 1 < Text.Length && char.IsSurrogatePair(Text[start], Text[start + 1]) ? 2 : 1);
            yield return Part(start, end);
        }
    }

    public override string ToString() => Text;
}
