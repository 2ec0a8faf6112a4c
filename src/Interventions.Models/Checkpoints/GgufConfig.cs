using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Runtime;

namespace Interventions.Models.Checkpoints;

/// <summary>
/// The keys of a GGUF file under the names of a <c>config.json</c>, so that a family reads both alike. Keys that could change the model's
/// numbers and that the family does not read are refused.
/// </summary>
internal sealed class GgufConfig : IConfig
{
    // These describe the file and its training, or belong to the tokenizer, which refuses keys by itself.
    private static readonly string[] s_descriptions = ["general.", "quantize.", "tokenizer."];

    private readonly GgufHeader _header;
    private readonly GgufLayout _layout;
    private readonly string _prefix;

    private GgufConfig(GgufHeader header, GgufLayout layout, string prefix)
    {
        _header = header;
        _layout = layout;
        _prefix = prefix;
    }

    /// <summary>The family and the configuration of the model in a file.</summary>
    /// <exception cref="CheckpointException">
    /// The family is not supported, or a key is missing, malformed, unknown or asks for something unsupported.
    /// </exception>
    public static (DecoderFamily Family, DecoderConfig Decoder) Read(GgufHeader header)
    {
        DecoderFamily[] known = [.. DecoderFamily.All.Where(family => family.Gguf is not null)];
        DecoderFamily family = known.FirstOrDefault(family => family.Gguf!.Architecture == header.Architecture)
            ?? throw new CheckpointException(header.Path,
                $"holds a model of architecture {GgufHeader.Quoted(header.Architecture)}; read from GGUF files are " +
                $"{string.Join(", ", known.Select(family => family.Gguf!.Architecture))}. Others may load from the Hugging Face layout.");
        GgufConfig config = new(header, family.Gguf!, "");
        config.CheckKind();
        config.CheckKeys();
        DecoderConfig decoder = family.Read(config);
        foreach ((string key, Func<DecoderConfig, long> value) in family.Gguf!.Implied)
        {
            (string full, long implied) = (config.Full(key), value(decoder));
            if (header.Values.GetValueOrDefault(full) is { } stored && !stored.Equals(implied))
                throw config.WrongKey(full, $"is {Shown(stored)}, and a {family.ModelType} of these sizes has {implied}");
        }
        return (family, decoder);
    }

    /// <inheritdoc/>
    public IEnumerable<string> Names => _layout.Keys.Select(key => key.Property)
        .Where(property => property.StartsWith(_prefix, StringComparison.Ordinal) && Has(property[_prefix.Length..]));

    /// <inheritdoc/>
    public bool Has(string name) => Find(name) is not null;

    /// <inheritdoc/>
    public int Integer(string name, int? otherwise = null) => Find(name) switch
    {
        null => otherwise ?? throw Wrong(name, "is missing"),
        long value and >= 1 and <= int.MaxValue => (int)value,
        object value => throw Wrong(name, $"must be an integer from 1 to {int.MaxValue}, and is {Shown(value)}"),
    };

    /// <inheritdoc/>
    public double Number(string name, double? otherwise = null) => Find(name) switch
    {
        null => otherwise ?? throw Wrong(name, "is missing"),
        double value and > 0 and < double.PositiveInfinity => value,
        object value => throw Wrong(name, $"must be a positive number, and is {Shown(value)}"),
    };

    /// <inheritdoc/>
    public bool Flag(string name, bool otherwise) => Find(name) switch
    {
        null => otherwise,
        bool value => value,
        object value => throw Wrong(name, $"must be true or false, and is {Shown(value)}"),
    };

    /// <inheritdoc/>
    public string Text(string name, string? otherwise = null) => Find(name) switch
    {
        null => otherwise ?? throw Wrong(name, "is missing"),
        string value => value,
        object value => throw Wrong(name, $"must be text, and is {Shown(value)}"),
    };

    /// <inheritdoc/>
    public bool Says(string name) => Has(name);

    /// <inheritdoc/>
    public IReadOnlyList<string>? Texts(string name) => Find(name) switch
    {
        null => null,
        string[] values => values,
        object value => throw Wrong(name, $"must be a list of texts, and is {Shown(value)}"),
    };

    /// <inheritdoc/>
    public IReadOnlyList<double>? Numbers(string name) => Find(name) switch
    {
        null => null,
        double[] values => values,
        object value => throw Wrong(name, $"must be a list of numbers, and is {Shown(value)}"),
    };

    /// <inheritdoc/>
    public IConfig? Section(string name)
    {
        GgufConfig section = new(_header, _layout, $"{_prefix}{name}.");
        return _layout.Keys.Any(key => key.Property.StartsWith(section._prefix, StringComparison.Ordinal) && Stored(key) is not null)
            ? section
            : null;
    }

    /// <inheritdoc/>
    public Exception Wrong(string name, string reason) =>
        WrongKey(Key(_prefix + name) is { } key ? Full(key.Key) : _prefix + name, reason);

    private CheckpointException WrongKey(string key, string reason) =>
        new(_header.Path, $"cannot be used: '{key}' {reason}. Convert the model again, or load it in the Hugging Face layout.");

    private void CheckKind()
    {
        if (_header.Values.GetValueOrDefault("general.type") is { } type && type is not "model")
            throw WrongKey("general.type", $"is {Shown(type)}; whole models are read ('model')");
        if (_header.Values.GetValueOrDefault("general.quantization_version") is { } version && version is not 2L)
            throw WrongKey("general.quantization_version", $"is {Shown(version)}; version 2 is read");
        if (_header.Values.GetValueOrDefault("split.count") is { } count && count is not 1L)
        {
            throw new CheckpointException(_header.Path,
                $"is one of the {Shown(count)} files that hold the model ('split.count'). Merge them: llama-gguf-split --merge.");
        }
    }

    private void CheckKeys()
    {
        foreach (GgufKey key in _layout.Keys)
            if (key.Required && Stored(key) is null)
                throw WrongKey(Full(key.Key), "is missing");
        HashSet<string> known = [.. _layout.Keys.Select(key => Full(key.Key)), .. _layout.Implied.Select(implied => Full(implied.Key))];
        string[] strange = [.. _header.Values.Keys.Where(key => !known.Contains(key) && !key.StartsWith("split.", StringComparison.Ordinal)
            && !s_descriptions.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal))).Order(StringComparer.Ordinal)];
        if (strange.Length == 0)
            return;
        throw new CheckpointException(_header.Path,
            $"has {strange.Length} keys that may change the model and are not read: " +
            $"{string.Join(", ", strange.Take(5).Select(GgufHeader.Quoted))}{(strange.Length > 5 ? ", …" : "")}. " +
            "The model may load in the Hugging Face layout.");
    }

    private object? Find(string name) =>
        (Key(_prefix + name) is { } key ? Stored(key) : null)
        ?? _layout.Facts.FirstOrDefault(fact => fact.Property == _prefix + name).Value?.Invoke(_header);

    private GgufKey? Key(string property) => _layout.Keys.FirstOrDefault(key => key.Property == property);

    private object? Stored(GgufKey key) => _header.Values.GetValueOrDefault(Full(key.Key));

    private string Full(string key) => $"{_layout.Architecture}.{key}";

    private static string Shown(object value) => value switch
    {
        string text => GgufHeader.Quoted(text),
        Array array => $"an array of {array.Length} values",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
