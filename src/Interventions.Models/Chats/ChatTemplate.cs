namespace Interventions.Models.Chats;

/// <summary>A chat template: text in the part of Jinja that models' templates use. It runs nothing, and its work is bounded.</summary>
internal sealed class ChatTemplate
{
    private readonly string _name;
    private readonly IReadOnlyList<Statement> _statements;

    /// <param name="name">Where the template is from, for messages.</param>
    /// <param name="source">Its text.</param>
    /// <exception cref="InvalidDataException">It is malformed; the message has the line.</exception>
    /// <exception cref="NotSupportedException">It uses a tag that is not supported.</exception>
    public ChatTemplate(string name, string source)
    {
        _name = name;
        try
        {
            _statements = StatementParser.Read(source);
        }
        catch (TemplateError error)
        {
            throw Public(error);
        }
    }

    /// <summary>Formats a chat.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="specialTokens">The texts of special tokens by name, such as <c>bos_token</c>.</param>
    /// <param name="options">How.</param>
    /// <exception cref="ArgumentException">
    /// The template refuses the messages, or a value is of no kind that templates know, or the last message is not in the text although it
    /// is to be continued.
    /// </exception>
    /// <exception cref="InvalidDataException">The template fails, or does not end; the message has the line.</exception>
    /// <exception cref="NotSupportedException">It uses a filter or a test that is not supported.</exception>
    public FormattedChat Format(
        IReadOnlyList<ChatMessage> messages, IReadOnlyDictionary<string, string> specialTokens, ChatOptions options)
    {
        if (messages.Count == 0)
            throw new ArgumentException("A chat has at least one message.");
        ChatEnd end = options.End ?? (messages[^1]?.Role == "assistant" ? ChatEnd.Continue : ChatEnd.Reply);
        TemplateRun run = new(options.Now ?? DateTime.Now);
        TemplateScope scope = new(run, outer: null);
        int[] starts = new int[messages.Count];
        try
        {
            scope["messages"] = ChatValues.Of(messages, starts);
            scope["add_generation_prompt"] = end == ChatEnd.Reply;
            scope["tools"] = scope["documents"] = null;
            foreach ((string name, string token) in specialTokens)
                scope[name] = (TracedText)token;
            foreach ((string name, object? value) in options.Variables)
                scope[name] = name is not ("messages" or "add_generation_prompt")
                    ? ChatValues.Of(value, $"variable '{name}'")
                    : throw new ArgumentException(
                        $"'{name}' is no variable: messages are given as such, and {nameof(ChatOptions.End)} says how the text ends.");
            TracedText text = run.Capture(() => Statement.RunAll(_statements, scope.Inner()));
            FormattedChat chat = new(text, starts, messages);
            return end == ChatEnd.Continue ? chat.Continued() : chat;
        }
        catch (TemplateError error)
        {
            throw Public(error);
        }
    }

    private Exception Public(TemplateError error)
    {
        string where = error.Line == 0 ? _name : $"{_name}, line {error.Line}";
        return error switch
        {
            { IsRefusal: true } => new ArgumentException($"{where}, refuses the messages: {error.Message}", error),
            { IsUnsupported: true } => new NotSupportedException($"{where}: {error.Message}.", error),
            _ => new InvalidDataException($"{where}: {error.Message}.", error),
        };
    }
}
