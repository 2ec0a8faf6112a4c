using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Configs;

/// <summary>A JSON value, and where it stands in the file.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Text without quotes and escapes; of anything else, what is written.</param>
/// <param name="Span">Where it stands.</param>
/// <param name="Members">An object's members, in order; of anything else, none.</param>
internal sealed record JsonValue(JsonKind Kind, string Text, TextSpan Span, IReadOnlyList<JsonMember> Members);

/// <summary>A member of a JSON object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="NameSpan">Where the name stands, quotes included.</param>
/// <param name="Value">Its value.</param>
internal sealed record JsonMember(string Name, TextSpan NameSpan, JsonValue Value);

/// <summary>What a JSON value is.</summary>
internal enum JsonKind
{
    /// <summary>An object.</summary>
    Object,

    /// <summary>An array.</summary>
    Array,

    /// <summary>Text.</summary>
    Text,

    /// <summary>A number.</summary>
    Number,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary><c>null</c>.</summary>
    Null,
}
