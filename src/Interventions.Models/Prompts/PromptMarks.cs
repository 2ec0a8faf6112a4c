using Interventions.Models.Prompts;
using Interventions.Tables;

namespace Interventions.Models;

/// <summary>Marks positions in texts that come without marks, such as those of a data set.</summary>
public static class PromptMarks
{
    /// <summary>Marks parts of a text that stand in it once: <c>At("The Eiffel Tower is in", ("subject", "Eiffel Tower"))</c>.</summary>
    /// <param name="text">The text; its brackets are text.</param>
    /// <param name="marks">Positions, and the part of the text whose last token each of them is.</param>
    /// <returns>The text with marks, as prompts take it: <c>"The [subject|Eiffel Tower] is in"</c>.</returns>
    /// <exception cref="ArgumentException">A part is not in the text, or stands in it several times, or two of them overlap.</exception>
    public static string At(string text, params IEnumerable<(string Position, string Part)> marks)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(marks);
        return At(text, marks.Select(mark => (mark.Position, Find(text, mark.Position, mark.Part))));
    }

    /// <summary>Marks parts of a text by their characters: <c>At("The Eiffel Tower is in", ("subject", 4..16))</c>.</summary>
    /// <param name="text">The text; its brackets are text.</param>
    /// <param name="marks">Positions, and the characters (UTF-16 units) whose last token each of them is.</param>
    /// <returns>The text with marks, as prompts take it.</returns>
    /// <exception cref="ArgumentException">A range is empty or lies outside the text, or two of them overlap.</exception>
    public static string At(string text, params IEnumerable<(string Position, Range Characters)> marks)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(marks);
        Mark[] ordered = [.. marks.Select(mark => Checked(text, mark.Position, mark.Characters)).OrderBy(mark => mark.Start)];
        for (int i = 1; i < ordered.Length; i++)
            if (ordered[i].Start < ordered[i - 1].End)
                throw new ArgumentException(
                    $"Positions '{ordered[i - 1].Name}' and '{ordered[i].Name}' overlap in {TextTable.Quote(text)}; mark parts that do "
                    + "not.");
        return new MarkedText(text, ordered, "the text").Written();
    }

    /// <summary>A text without marks, written so that its brackets are text.</summary>
    public static string None(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return MarkedText.Plain(text);
    }

    private static Range Find(string text, string position, string part)
    {
        ArgumentException.ThrowIfNullOrEmpty(part);
        int first = text.IndexOf(part, StringComparison.Ordinal);
        if (first < 0)
            throw new ArgumentException(
                $"{TextTable.Quote(part)}, which is to be position '{position}', is not in {TextTable.Quote(text)}.");
        int next = text.IndexOf(part, first + 1, StringComparison.Ordinal);
        return next < 0 ? first..(first + part.Length) : throw new ArgumentException(
            $"{TextTable.Quote(part)}, which is to be position '{position}', stands at characters {first} and {next} of "
            + $"{TextTable.Quote(text)}: "
            + "give more of the text before it, or the characters.");
    }

    private static Mark Checked(string text, string position, Range characters)
    {
        int start = characters.Start.GetOffset(text.Length), end = characters.End.GetOffset(text.Length);
        return start >= 0 && start < end && end <= text.Length ? new Mark(position, start, end) : throw new ArgumentException(
            $"Position '{position}' is to be characters {characters} of {TextTable.Quote(text)}, which has {text.Length}: give a part of "
            + "it.");
    }
}
