using System.Text.Json;
using Interventions.Files;
using Interventions.Models.Families;
using Interventions.Runtime;

namespace Interventions.Models.Checkpoints;

/// <summary>A JSON file that is one object, such as a <c>config.json</c>, or an object within it.</summary>
internal sealed class ConfigFile : IConfig
{
    private readonly JsonElement _root;
    private readonly string _prefix;

    private ConfigFile(string path, JsonElement root, string prefix)
    {
        Path = path;
        _root = root;
        _prefix = prefix;
    }

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>All properties, in order.</summary>
    public IEnumerable<JsonProperty> Properties => _root.EnumerateObject();

    /// <inheritdoc/>
    public IEnumerable<string> Names => Properties.Where(property => Has(property.Name)).Select(property => _prefix + property.Name);

    /// <summary>Reads a file.</summary>
    /// <exception cref="CheckpointException">It is missing, or not a JSON object.</exception>
    public static ConfigFile Read(string path)
    {
        if (!File.Exists(path))
            throw new CheckpointException(path, "does not exist.");
        try
        {
            using JsonDocument document = FileText.ParseJson(File.ReadAllBytes(path));
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ConfigFile(path, document.RootElement.Clone(), "")
                : throw new CheckpointException(path, "is not a JSON object.");
        }
        catch (JsonException error)
        {
            throw new CheckpointException(path, $"is not JSON: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public bool Has(string name) => Find(name) is not null;

    /// <inheritdoc/>
    public int Integer(string name, int? otherwise = null)
    {
        if (Find(name) is not { } value)
            return otherwise ?? throw Wrong(name, "is missing");
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= 1
            ? number
            : throw Wrong(name, $"must be an integer of at least 1, and is {FileText.Shown(value.GetRawText())}");
    }

    /// <inheritdoc/>
    public double Number(string name, double? otherwise = null)
    {
        if (Find(name) is not { } value)
            return otherwise ?? throw Wrong(name, "is missing");
        return value.ValueKind == JsonValueKind.Number && value.GetDouble() is var number && double.IsFinite(number)
            ? number
            : throw Wrong(name, $"must be a number, and is {FileText.Shown(value.GetRawText())}");
    }

    /// <inheritdoc/>
    public bool Flag(string name, bool otherwise) => Find(name) is not { } value ? otherwise : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, $"must be true or false, and is {FileText.Shown(value.GetRawText())}"),
    };

    /// <inheritdoc/>
    public string Text(string name, string? otherwise = null)
    {
        if (Find(name) is not { } value)
            return otherwise ?? throw Wrong(name, "is missing");
        return value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw Wrong(name, $"must be text, and is {FileText.Shown(value.GetRawText())}");
    }

    /// <inheritdoc/>
    public bool Says(string name) => _root.TryGetProperty(name, out _);

    /// <inheritdoc/>
    public IReadOnlyList<string>? Texts(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => item.GetString()!)]
            : throw Wrong(name, $"must be a list of texts, and is {FileText.Shown(value.GetRawText())}");

    /// <inheritdoc/>
    public IReadOnlyList<double>? Numbers(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number)
            ? [.. value.EnumerateArray().Select(item => item.GetDouble())]
            : throw Wrong(name, $"must be a list of numbers, and is {value.GetRawText()}");

    /// <summary>A nested object, or <see langword="null"/> if it is absent.</summary>
    public ConfigFile? Section(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new ConfigFile(Path, value, $"{_prefix}{name}.")
        : throw Wrong(name, $"must be an object, and is {FileText.Shown(value.GetRawText())}");

    IConfig? IConfig.Section(string name) => Section(name);

    Exception IConfig.Wrong(string name, string reason) => Wrong(name, reason);

    /// <summary>The exception that says what is wrong with a property.</summary>
    public CheckpointException Wrong(string name, string reason) => new(Path, $"cannot be used: '{_prefix}{name}' {reason}.");

    private JsonElement? Find(string name) =>
        _root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
