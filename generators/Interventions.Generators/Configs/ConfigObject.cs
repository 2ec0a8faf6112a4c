using System.Globalization;
using Interventions.Models.Families;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Configs;

/// <summary>
/// A JSON object of a <c>config.json</c>; its messages are those of the library's <c>ConfigFile</c>. Of equal names the last counts.
/// </summary>
internal sealed class ConfigObject : IConfig
{
    private readonly JsonValue _root;
    private readonly string _prefix;

    private ConfigObject(JsonValue root, string prefix)
    {
        _root = root;
        _prefix = prefix;
    }

    /// <summary>A whole configuration.</summary>
    /// <exception cref="ConfigException">The value is no object.</exception>
    public static ConfigObject Of(JsonValue root) =>
        root.Kind == JsonKind.Object
            ? new ConfigObject(root, "")
            : throw new ConfigException("a configuration is an object", root.Span, isSyntax: false);

    /// <inheritdoc/>
    public IEnumerable<string> Names =>
        _root.Members.Select(member => member.Name).Distinct().Where(Has).Select(name => _prefix + name);

    /// <inheritdoc/>
    public bool Has(string name) => Find(name) is not null;

    /// <inheritdoc/>
    public int Integer(string name, int? otherwise = null)
    {
        if (Find(name) is not { } value)
            return otherwise ?? throw Wrong(name, "is missing");
        int.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number);
        return value.Kind == JsonKind.Number && number >= 1
            ? number
            : throw Wrong(name, $"must be an integer of at least 1, and is {Written(value)}");
    }

    /// <inheritdoc/>
    public double Number(string name, double? otherwise = null)
    {
        if (Find(name) is not { } value)
            return otherwise ?? throw Wrong(name, "is missing");
        bool isNumber = double.TryParse(value.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number);
        return value.Kind == JsonKind.Number && isNumber
            ? number
            : throw Wrong(name, $"must be a number, and is {Written(value)}");
    }

    /// <inheritdoc/>
    public bool Flag(string name, bool otherwise) =>
        Find(name) is not { } value ? otherwise :
        value.Kind == JsonKind.Flag ? value.Text == "true" :
        throw Wrong(name, $"must be true or false, and is {Written(value)}");

    /// <inheritdoc/>
    public string Text(string name, string? otherwise = null)
    {
        if (Find(name) is not { } value)
            return otherwise ?? throw Wrong(name, "is missing");
        return value.Kind == JsonKind.Text ? value.Text : throw Wrong(name, $"must be text, and is {Written(value)}");
    }

    /// <inheritdoc/>
    public bool Says(string name) => _root.Members.Any(member => member.Name == name);

    /// <inheritdoc/>
    public IReadOnlyList<string>? Texts(string name) =>
        Find(name) is not { } value ? null :
        value.Kind == JsonKind.Array && value.Members.All(item => item.Value.Kind == JsonKind.Text)
            ? value.Members.Select(item => item.Value.Text).ToList() :
        throw Wrong(name, $"must be a list of texts, and is {Written(value)}");

    /// <inheritdoc/>
    public IReadOnlyList<double>? Numbers(string name) =>
        Find(name) is not { } value ? null :
        value.Kind == JsonKind.Array && value.Members.All(item => item.Value.Kind == JsonKind.Number)
            ? value.Members.Select(item => double.Parse(item.Value.Text, NumberStyles.Float, CultureInfo.InvariantCulture)).ToList() :
        throw Wrong(name, $"must be a list of numbers, and is {Written(value)}");

    /// <inheritdoc/>
    public IConfig? Section(string name) =>
        Find(name) is not { } value ? null :
        value.Kind == JsonKind.Object ? new ConfigObject(value, $"{_prefix}{name}.") :
        throw Wrong(name, $"must be an object, and is {Written(value)}");

    /// <summary>The mistake of a property. It stands at the value, or where the object opens when the property is absent.</summary>
    public Exception Wrong(string name, string reason) =>
        new ConfigException($"'{_prefix}{name}' {reason}", Find(name)?.Span ?? new TextSpan(_root.Span.Start, 1), isSyntax: false);

    private JsonValue? Find(string name)
    {
        JsonMember? member = _root.Members.LastOrDefault(member => member.Name == name);
        return member is null or { Value.Kind: JsonKind.Null } ? null : member.Value;
    }

    private static string Written(JsonValue value) => value.Kind switch
    {
        JsonKind.Object => "an object",
        JsonKind.Array => "an array",
        JsonKind.Text => $"\"{value.Text}\"",
        _ => value.Text,
    };
}

/// <summary>A mistake in a configuration file. <see cref="ConfigParser"/> catches it.</summary>
internal sealed class ConfigException(string message, TextSpan span, bool isSyntax) : Exception(message)
{
    /// <summary>The wrong characters of the file.</summary>
    public TextSpan Span { get; } = span;

    /// <summary>Whether the file is not JSON at all.</summary>
    public bool IsSyntax { get; } = isSyntax;
}
