using Interventions.Models.Chats;
using Interventions.Models.Tokenization;

namespace Interventions.Models;

/// <content>Chats, formatted by the template that came with the tokenizer.</content>
public sealed partial class HuggingFaceTokenizer
{
    private readonly IReadOnlyDictionary<string, string> _chatTokens;
    private ChatTemplates _chats;

    /// <summary>
    /// The chat template that is used, as text, or <see langword="null"/>: <c>chat_template.jinja</c>, or <c>chat_template</c> in
    /// <c>tokenizer_config.json</c> or a GGUF file.
    /// </summary>
    public string? ChatTemplate => ChatTemplates.GetValueOrDefault(Tokenization.ChatTemplates.Default);

    /// <summary>All chat templates that came with the tokenizer, by name; most have one, <c>default</c>.</summary>
    public IReadOnlyDictionary<string, string> ChatTemplates => _chats.Sources;

    /// <summary>This tokenizer with a chat template of one's own, or another one of <see cref="ChatTemplates"/>.</summary>
    /// <param name="template">
    /// The template, in the part of Jinja that models' templates use: <c>if</c>, <c>for</c>, <c>set</c>, <c>macro</c>, <c>filter</c>,
    /// expressions with the usual filters, tests and methods, and transformers' treatment of white space.
    /// </param>
    /// <exception cref="InvalidDataException">It is malformed; the message has the line and the reason.</exception>
    /// <exception cref="NotSupportedException">It uses a tag that is not supported.</exception>
    public HuggingFaceTokenizer WithChatTemplate(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        HuggingFaceTokenizer copy = (HuggingFaceTokenizer)MemberwiseClone();
        copy._chats = new(null, new Dictionary<string, string> { [Tokenization.ChatTemplates.Default] = template });
        copy._chats.For(hasTools: false);
        return copy;
    }

    /// <summary>Formats a chat as the model expects it, special tokens written out.</summary>
    /// <param name="messages">The messages: <c>[("system", "Be brief."), ("user", "Hello")]</c>.</param>
    /// <param name="options">How the text ends, and what else the template reads.</param>
    /// <exception cref="ArgumentException">
    /// The template refuses the messages, or a message has a special token's text, or is to be continued and is not in the text.
    /// </exception>
    /// <exception cref="InvalidOperationException">The tokenizer has no chat template.</exception>
    /// <exception cref="InvalidDataException">The template is malformed or fails; the message has the line and the reason.</exception>
    /// <exception cref="NotSupportedException">The template uses something that is not supported; the message names it.</exception>
    public string FormatChat(IEnumerable<ChatMessage> messages, ChatOptions? options = null) => Formatted(messages, options).Text.Text;

    /// <summary>
    /// The tokens of a chat: those of <see cref="FormatChat"/>. No special tokens are added, since the template writes those that the model
    /// expects, the first one too.
    /// </summary>
    /// <inheritdoc cref="FormatChat"/>
    public EncodedText EncodeChat(IEnumerable<ChatMessage> messages, ChatOptions? options = null) =>
        Encode(FormatChat(messages, options), addSpecialTokens: false);

    /// <summary>A chat in its format, which knows where the messages stand in it.</summary>
    internal FormattedChat Formatted(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatOptions();
        ChatTemplate template = _chats.For(hasTools: options.Variables.GetValueOrDefault("tools") is not null);
        FormattedChat chat = template.Format([.. messages], _chatTokens, options);
        if (!options.AllowSpecialTokens)
            RefuseSpecialTokens(chat);
        return chat;
    }

    private void RefuseSpecialTokens(FormattedChat chat)
    {
        EncodedText encoded = Encode(chat.Text.Text, addSpecialTokens: false);
        HashSet<int> special = [.. SpecialTokens.Values];
        foreach ((int id, Range range) in encoded.Ids.Zip(encoded.Offsets).Where(token => special.Contains(token.First)))
        {
            string token = _tokens[id];
            // The unknown token stands for text, too.
            if (id == UnknownId && !encoded.Text[range].Contains(token, StringComparison.Ordinal))
                continue;
            // Some tokens take the white space beside them.
            foreach (int place in Enumerable.Range(range.Start.Value, range.End.Value - range.Start.Value))
                if (chat.Text.Origin(place) is not TracedText.Template and var origin && !char.IsWhiteSpace(encoded.Text[place]))
                    throw new ArgumentException(
                        $"{chat.Name(chat.MessageOf(origin))} has the text '{token}', which the tokenizer reads as that special token, as "
                        + $"in transformers. Write it otherwise, or say {nameof(ChatOptions.AllowSpecialTokens)} if the token is meant.");
        }
    }
}
