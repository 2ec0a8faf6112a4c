using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Interventions.Features.Files;

/// <summary>What a <c>config.yaml</c> of circuit-tracer says about a set of transcoders.</summary>
/// <param name="Path">The file.</param>
/// <param name="Reads">The hook whose values are encoded, if it is said.</param>
/// <param name="Writes">The hook whose values are decoded, if it is said.</param>
internal sealed record TranscoderConfig(string Path, string? Reads, string? Writes)
{
    /// <summary>The file's name.</summary>
    public const string Name = "config.yaml";

    private static readonly string[] s_known =
    [
        "model_name", "model_kind", "scan", "feature_input_hook", "feature_output_hook", "transcoders", "repo_id", "revision", "subfolder",
        "skip_connection",
    ];

    /// <summary>The name of the set.</summary>
    public string? Scan { get; private init; }

    /// <summary>Files by layer, as they are named there; null where they are <c>layer_N.safetensors</c> of a folder.</summary>
    public IReadOnlyDictionary<int, string>? Files { get; private init; }

    /// <summary>The folder on the hub in which they are; null where it is the file's own.</summary>
    public string? Repository { get; private init; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="CheckpointException">It is malformed, or describes something else.</exception>
    public static TranscoderConfig Read(string path)
    {
        YamlStream stream = [];
        try
        {
            using StreamReader reader = new(path);
            stream.Load(reader);
        }
        catch (YamlException error)
        {
            throw new CheckpointException(path, $"is no YAML: {error.Message}", error);
        }
        if (stream.Documents is not [{ RootNode: YamlMappingNode root }])
            throw new CheckpointException(path, "describes no set of transcoders: it is no mapping of names.");
        Dictionary<string, YamlNode> fields = root.Children.ToDictionary(pair => $"{pair.Key}", pair => pair.Value);
        if (Text("model_kind") is { } kind && kind != "transcoder_set")
            throw new CheckpointException(path, $"is of a '{kind}', and sets with one transcoder a layer (transcoder_set) are read.");
        if (fields.Keys.Order(StringComparer.Ordinal).FirstOrDefault(name => !s_known.Contains(name)) is { } strange)
            throw new CheckpointException(path, $"says '{strange}', which is not known here: known are {string.Join(", ", s_known)}.");
        return new TranscoderConfig(path, Text("feature_input_hook"), Text("feature_output_hook"))
        {
            Scan = Text("scan"),
            Files = fields.TryGetValue("transcoders", out YamlNode? list) ? Listed(path, list) : null,
            Repository = Text("repo_id") is not { } repository ? null
                : $"{repository}{(Text("revision") is { } revision ? $"@{revision}" : "")}"
                    + $"{(Text("subfolder") is { } folder ? $"/{folder}" : "")}",
        };

        string? Text(string name) => fields.GetValueOrDefault(name) switch
        {
            null => null,
            YamlScalarNode { Value: { Length: > 0 } value } => value,
            _ => throw new CheckpointException(path, $"says of '{name}' something else than a text."),
        };
    }

    /// <summary>Writes a file.</summary>
    public static string Written(string? model, string reads, string? scan) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        {(model is null ? "" : $"model_name: \"{model}\"\n")}model_kind: "transcoder_set"
        {(scan is null ? "" : $"scan: \"{scan}\"\n")}feature_input_hook: "{reads}"
        feature_output_hook: "hook_mlp_out"

        """);

    /// <summary>Files in the order of layers, or each with its layer.</summary>
    private static Dictionary<int, string> Listed(string path, YamlNode list)
    {
        if (list is not YamlSequenceNode items)
            throw new CheckpointException(path, "says of 'transcoders' something else than a list.");
        Dictionary<int, string> files = [];
        foreach ((int at, YamlNode item) in items.Index())
        {
            (int layer, string? file) = item switch
            {
                YamlScalarNode scalar => (at, scalar.Value),
                YamlMappingNode entry => (LayerOf(entry), Field(entry, "filepath")),
                _ => (-1, null),
            };
            if (layer < 0 || string.IsNullOrEmpty(file))
                throw new CheckpointException(path, $"lists as transcoder {at} neither a file nor a 'layer' with a 'filepath'.");
            if (!files.TryAdd(layer, file))
                throw new CheckpointException(path, $"lists two transcoders of layer {layer}.");
        }
        return files;

        static string? Field(YamlMappingNode entry, string name) =>
            entry.Children.TryGetValue(new YamlScalarNode(name), out YamlNode? value) ? (value as YamlScalarNode)?.Value : null;

        static int LayerOf(YamlMappingNode entry) =>
            int.TryParse(Field(entry, "layer"), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) ? layer : -1;
    }
}
