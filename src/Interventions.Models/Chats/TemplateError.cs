namespace Interventions.Models.Chats;

/// <summary>What is wrong with a template, or what it refuses. The line is found on the way out.</summary>
internal sealed class TemplateError(string reason, int line = 0) : Exception(reason)
{
    /// <summary>The template's line, from 1; 0 while it is not known.</summary>
    public int Line { get; set; } = line;

    /// <summary>Whether the template itself refuses the messages, with <c>raise_exception</c>.</summary>
    public bool IsRefusal { get; init; }

    /// <summary>Whether the template may be right, and asks for something that is not implemented.</summary>
    public bool IsUnsupported { get; init; }

    public static TemplateError Unsupported(string what, int line = 0) => new($"{what} is not supported", line) { IsUnsupported = true };
}
