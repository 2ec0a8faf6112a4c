using System.Globalization;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Configs;

/// <summary>
/// A <c>config.json</c> with typed, checked access, in the words of the run time's <c>ConfigFile</c>. A member that is <c>null</c> counts as absent; of
/// members of one name the last one counts.
/// </summary>
internal sealed class ConfigObject
{
    private readonly JsonValue _root;

    /// <summary>A configuration.</summary>
    /// <exception cref="ConfigException">The value is no object.</exception>
    public ConfigObject(JsonValue root)
    {
        _root = root.Kind == JsonKind.Object ? root : throw new ConfigException("a configuration is an object", root.Span, isSyntax: false);
    }

    /// <summary>Whether the member is there.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>An integer of at least one.</summary>
    public int Integer(string name, int? otherwise = null)
    {
        if (Find(name) is not { Value: var value })
            return otherwise ?? throw Wrong(name, "is missing");
        return value.Kind == JsonKind.Number && int.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
            && number >= 1
            ? number
            : throw Wrong(name, $"must be an integer of at least 1, and is {Written(value)}");
    }

    /// <summary>A truth value.</summary>
    public bool Flag(string name, bool otherwise) =>
        Find(name) is not { Value: var value } ? otherwise :
        value.Kind == JsonKind.Flag ? value.Text == "true" :
        throw Wrong(name, $"must be true or false, and is {Written(value)}");

    /// <summary>Text.</summary>
    public string Text(string name)
    {
        if (Find(name) is not { Value: var value })
            throw Wrong(name, "is missing");
        return value.Kind == JsonKind.Text ? value.Text : throw Wrong(name, $"must be text, and is {Written(value)}");
    }

    /// <summary>What is wrong with a member: at its value, or where the object opens when it is absent.</summary>
    public ConfigException Wrong(string name, string reason) =>
        new($"'{name}' {reason}", Find(name)?.Value.Span ?? new TextSpan(_root.Span.Start, 1), isSyntax: false);

    private JsonMember? Find(string name)
    {
        JsonMember? member = _root.Members.LastOrDefault(member => member.Name == name);
        return member is { Value.Kind: JsonKind.Null } ? null : member;
    }

    private static string Written(JsonValue value) => value.Kind switch
    {
        JsonKind.Object => "an object",
        JsonKind.Array => "an array",
        JsonKind.Text => $"\"{value.Text}\"",
        _ => value.Text,
    };
}
