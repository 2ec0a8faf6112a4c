using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>
/// The keys of a GGUF file, without the architecture in front, so that a family reads them as those of a <c>config.json</c>. Keys that
/// could change the model's numbers and that the family does not read are refused.
/// </summary>
internal sealed class GgufConfig : IConfig
{
    // These describe the file and its training, or belong to the tokenizer, which refuses keys by itself.
    private static readonly string[] s_descriptions = ["general.", "quantize.", "tokenizer."];

    private readonly GgufFile _file;
    private readonly GgufLayout _layout;

    private GgufConfig(GgufFile file, GgufLayout layout)
    {
        _file = file;
        _layout = layout;
    }

    /// <summary>The family and the configuration of the model in a file.</summary>
    /// <exception cref="CheckpointException">
    /// The family is not supported, or a key is missing, malformed, unknown or asks for something unsupported.
    /// </exception>
    public static (DecoderFamily Family, DecoderConfig Decoder) Read(GgufFile file)
    {
        GgufHeader header = file.Header;
        DecoderFamily[] known = [.. DecoderFamily.All.Where(family => family.Gguf is not null)];
        DecoderFamily family = known.FirstOrDefault(
            family => family.Gguf!.Architecture == header.Architecture && family.Gguf.Fits(header))
            ?? throw new CheckpointException(file.Path,
                $"holds a model of architecture {GgufHeader.Quoted(header.Architecture)}; read from GGUF files are " +
                $"{string.Join(", ", known.Select(family => family.Gguf!.Architecture).Distinct())}. " +
                "Others may load from the Hugging Face layout.");
        GgufConfig config = new(file, family.Gguf!);
        config.CheckKind();
        config.CheckKeys();
        // Files say where there is a window.
        DecoderConfig usual = family.Usual with { Window = null, GlobalLayers = default };
        DecoderConfig decoder = family.Gguf!.Keys.Aggregate(usual, (read, key) => key.Read(config, read));
        foreach ((string key, Func<DecoderConfig, long> value) in family.Gguf.Implied)
        {
            long implied = value(decoder);
            if (config.Find(key) is { } stored && !stored.Equals(implied))
                throw config.Wrong(key, $"is {Shown(stored)}, and a {family.ModelType} of these sizes has {implied}");
        }
        return (family, decoder);
    }

    /// <summary>How many tensors the file has.</summary>
    public int TensorCount => _file.Names.Count;

    /// <summary>How many tokens there are: those of the tokenizer, or else rows of the embedding.</summary>
    public int? Tokens => (_file.Header.Values.GetValueOrDefault("tokenizer.ggml.tokens") as string[])?.Length
        ?? (_file.Header.Tensors.TryGetValue("token_embd.weight", out GgufTensor? embedding)
            ? (int)Math.Min(int.MaxValue, embedding.Shape[0]) : null);

    /// <summary>Whether the file has a tensor of that name.</summary>
    public bool HasTensor(string name) => _file.Header.Tensors.ContainsKey(name);

    /// <summary>How many values a tensor has.</summary>
    public long Count(string tensor) => _file.Header.Tensors[tensor].Count;

    /// <summary>The values of a small tensor.</summary>
    public float[] Values(string tensor)
    {
        using Tensor values = _file.Read(tensor);
        return values.data<float>().ToArray();
    }

    /// <inheritdoc/>
    public IEnumerable<string> Names => _layout.Keys.SelectMany(key => key.Names).Distinct().Where(Has);

    /// <inheritdoc/>
    public bool Has(string name) => Find(name) is not null;

    /// <inheritdoc/>
    public bool Says(string name) => Has(name);

    /// <summary>Whether a number is there and is 0, which stands for none.</summary>
    public bool IsZero(string name) => Find(name) is 0L;

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
    /// <remarks>Keys of GGUF files do not nest.</remarks>
    public IConfig? Section(string name) => null;

    /// <inheritdoc/>
    public Exception Wrong(string name, string reason) => WrongKey(Full(name), reason);

    /// <summary>The exception that says what is wrong with a tensor.</summary>
    public Exception WrongTensor(string name, string reason) => WrongKey(name, reason);

    private CheckpointException WrongKey(string key, string reason) =>
        new(_file.Path, $"cannot be used: '{key}' {reason}. Convert the model again, or load it in the Hugging Face layout.");

    private void CheckKind()
    {
        IReadOnlyDictionary<string, object> values = _file.Header.Values;
        if (values.GetValueOrDefault("general.type") is { } type && type is not "model")
            throw WrongKey("general.type", $"is {Shown(type)}; whole models are read ('model')");
        if (values.GetValueOrDefault("general.quantization_version") is { } version && version is not 2L)
            throw WrongKey("general.quantization_version", $"is {Shown(version)}; version 2 is read");
        if (values.GetValueOrDefault("split.count") is { } count && count is not 1L)
        {
            throw new CheckpointException(_file.Path,
                $"is one of the {Shown(count)} files that hold the model ('split.count'). Merge them: llama-gguf-split --merge.");
        }
    }

    private void CheckKeys()
    {
        IEnumerable<string> read = _layout.Keys.SelectMany(key => key.Names).Concat(_layout.Implied.Select(implied => implied.Key));
        HashSet<string> known = [.. read.Concat(_layout.WithoutEffect).Select(Full)];
        string[] strange = [.. _file.Header.Values.Keys.Where(key => !known.Contains(key)
            && !key.StartsWith("split.", StringComparison.Ordinal)
            && !s_descriptions.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal))).Order(StringComparer.Ordinal)];
        if (strange.Length == 0)
            return;
        throw new CheckpointException(_file.Path,
            $"has {strange.Length} keys that may change the model and are not read: " +
            $"{string.Join(", ", strange.Take(5).Select(GgufHeader.Quoted))}{(strange.Length > 5 ? ", …" : "")}. " +
            "The model may load in the Hugging Face layout.");
    }

    private object? Find(string name) => _file.Header.Values.GetValueOrDefault(Full(name));

    private string Full(string key) => $"{_layout.Architecture}.{key}";

    private static string Shown(object value) => value switch
    {
        string text => GgufHeader.Quoted(text),
        Array array => $"an array of {array.Length} values",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
