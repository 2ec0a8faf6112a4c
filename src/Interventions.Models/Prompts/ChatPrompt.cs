using Interventions.Models.Chats;
using Interventions.Models.Prompts;
using Interventions.Tables;

namespace Interventions.Models;

/// <summary>Chats as the texts of prompts.</summary>
public static class ChatPrompt
{
    /// <summary>
    /// A chat as a run's text, in the format of the tokenizer's model: <c>new() { Clean = ChatPrompt.Of(tokenizer, [("user",
    /// "When[IO| Mary] and …")]), … }</c>. What is marked in a message is marked in the text; brackets of the template are text.
    /// </summary>
    /// <param name="tokenizer">The model's tokenizer, with a chat template.</param>
    /// <param name="messages">
    /// The messages. <c>[name|text]</c> marks a position in them, and <c>[[</c> is a plain bracket. Where the last one is the assistant's,
    /// the text ends behind its content, so that <c>end</c> is its last token.
    /// </param>
    /// <param name="options">How the text ends, and what else the template reads.</param>
    /// <returns>
    /// The text for <c>Create</c>. It begins with <c>[|]</c>, which says that the special tokens are in the text, and none are added.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// As <see cref="HuggingFaceTokenizer.FormatChat"/>; or a mark is broken, or the template does not write a marked text as it is, once.
    /// </exception>
    /// <inheritdoc cref="HuggingFaceTokenizer.FormatChat"/>
    public static string Of(HuggingFaceTokenizer tokenizer, IEnumerable<ChatMessage> messages, ChatOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(messages);
        ChatMessage[] marked = [.. messages];
        MarkedText[] contents =
        [
            .. marked.Select((message, i) =>
                MarkedText.Read(vocabulary: null, message?.Content, $"Message {i} ({message?.Role}) of the chat")),
        ];
        if (contents.FirstOrDefault(content => content.HasSpecialTokens) is { } formatted)
            throw new ArgumentException($"{formatted.Where} begins with [|], as a formatted chat does; give the message alone.");
        FormattedChat chat = tokenizer.Formatted(
            marked.Zip(contents, (message, content) => message with { Content = content.Text }), options);
        IEnumerable<Mark> marks = contents.SelectMany((content, i) => content.Marks.Select(mark => Placed(chat, i, content, mark)));
        return new MarkedText(chat.Text.Text, [.. marks.OrderBy(mark => mark.Start)], "the chat") { HasSpecialTokens = true }.Written();
    }

    private static Mark Placed(FormattedChat chat, int message, MarkedText content, Mark mark) =>
        chat.Place(message, mark.Start, mark.End) is (int start, int end)
            ? mark with { Start = start, End = end }
            : throw new ArgumentException(
                $"{chat.Name(message)} marks {TextTable.Quote(content.Text[mark.Start..mark.End])} as position '{mark.Name}', and the "
                + "model's template does not write that text as it is, once: mark a part that it keeps.");
}
