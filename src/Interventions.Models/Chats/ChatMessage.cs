namespace Interventions.Models;

/// <summary>
/// A message of a chat. A pair of texts is one too, so that a chat is written <c>[("system", "Be brief."), ("user", "Hello")]</c>.
/// </summary>
/// <param name="Role">Who speaks, as the model's template names it: <c>system</c>, <c>user</c>, <c>assistant</c>.</param>
/// <param name="Content">What is said.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>
    /// What templates read of a message besides, by name: <c>tool_calls</c>, <c>reasoning_content</c>. Values are texts, numbers, truth
    /// values, lists and maps of these, <see langword="null"/>, or a <see cref="System.Text.Json.JsonElement"/>.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Fields { get; init; } = new Dictionary<string, object?>();

    /// <summary>A message of a pair of texts: who speaks, and what is said.</summary>
    public static implicit operator ChatMessage((string Role, string Content) message) => new(message.Role, message.Content);
}

/// <summary>How a formatted chat ends.</summary>
public enum ChatEnd
{
    /// <summary>With the beginning of the assistant's next message: <c>add_generation_prompt</c> in transformers.</summary>
    Reply,

    /// <summary>Within the last message, behind its content, so that the model goes on there: <c>continue_final_message</c>.</summary>
    Continue,

    /// <summary>Behind the last message.</summary>
    Closed,
}

/// <summary>How a chat is formatted.</summary>
public sealed record ChatOptions
{
    /// <summary>
    /// How the text ends. Default: <see cref="ChatEnd.Continue"/> where the last message is the assistant's, otherwise
    /// <see cref="ChatEnd.Reply"/>.
    /// </summary>
    public ChatEnd? End { get; init; }

    /// <summary>
    /// Further names that the template reads, such as <c>tools</c> or <c>enable_thinking</c>, with values as those of
    /// <see cref="ChatMessage.Fields"/>.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Variables { get; init; } = new Dictionary<string, object?>();

    /// <summary>What a template takes for today: some write the date into the prompt. Default: the present.</summary>
    public DateTime? Now { get; init; }

    /// <summary>
    /// Whether a message may have the text of a special token, such as <c>&lt;|im_end|&gt;</c>. The tokenizer makes that token of it, so
    /// that the message could end the turn. Default: it is refused.
    /// </summary>
    public bool AllowSpecialTokens { get; init; }
}
