namespace Interventions.Models.Chats;

/// <summary>A chat as the template wrote it.</summary>
/// <param name="Text">The text, whose characters know where in the messages they come from.</param>
/// <param name="Starts">The number of the first character of each message's content.</param>
/// <param name="Messages">The messages.</param>
internal sealed record FormattedChat(TracedText Text, IReadOnlyList<int> Starts, IReadOnlyList<ChatMessage> Messages)
{
    /// <summary>The same text, ended behind the last message's content.</summary>
    /// <exception cref="ArgumentException">The content is empty, or the template does not write it as it is.</exception>
    public FormattedChat Continued()
    {
        string content = Messages[^1].Content;
        (int first, int end) = (content.Length - content.TrimStart().Length, content.TrimEnd().Length);
        if (end <= first)
            throw new ArgumentException(
                $"{Name(Messages.Count - 1)} is empty, and is to be continued: leave it out, and the text ends with its beginning "
                + "(ChatEnd.Reply).");
        (int _, int place) = Place(Messages.Count - 1, first, end) ?? throw new ArgumentException(
            $"{Name(Messages.Count - 1)} is to be continued, and the model's template does not write its content as it is.");
        // White space at the content's end stays where the template leaves it.
        int stop = Starts[^1] + content.Length;
        while (place < Text.Text.Length && Text.Origin(place) is var origin && origin >= Starts[^1] && origin < stop)
            place++;
        return this with { Text = Text.Part(0, place) };
    }

    /// <summary>
    /// Where a part of a message's content stands in the text. White space at its ends may be missing there; otherwise it must be written
    /// as it is, and once.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="start">The part's first character in the content.</param>
    /// <param name="end">The one behind its last.</param>
    public (int Start, int End)? Place(int message, int start, int end)
    {
        (int first, int last) = (Starts[message] + start, Starts[message] + end);
        int[] places = [.. Enumerable.Range(0, Text.Text.Length).Where(i => Text.Origin(i) >= first && Text.Origin(i) < last)];
        if (places.Length == 0)
            return null;
        string written = Text.Text[places[0]..(places[^1] + 1)], content = Messages[message].Content[start..end];
        int from = Text.Origin(places[0]) - first;
        bool isWhole = from + written.Length <= content.Length && string.CompareOrdinal(content, from, written, 0, written.Length) == 0
            && string.IsNullOrWhiteSpace(content[..from]) && string.IsNullOrWhiteSpace(content[(from + written.Length)..])
            && places.Index().All(pair => Text.Origin(pair.Item) == first + from + pair.Index);
        return isWhole ? (places[0], places[^1] + 1) : null;
    }

    /// <summary>The message that a number belongs to.</summary>
    public int MessageOf(int origin)
    {
        int message = Starts.Count - 1;
        while (Starts[message] > origin)
            message--;
        return message;
    }

    /// <summary>A message's name in a sentence.</summary>
    public string Name(int message) => $"The chat's message {message} ({Messages[message].Role})";
}
