using System.Globalization;
using System.Text.RegularExpressions;
using Interventions.Models.Hub;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Files;

/// <summary>The files of a set of transcoders, one a layer, in a folder or on the hub.</summary>
internal static partial class TranscoderFiles
{
    /// <summary>The files of weights that a <c>cfg.json</c> lies beside.</summary>
    private static readonly string[] s_explained = [SaeLensFormat.Weights, SparsifyFormat.Weights];

    /// <summary>Finds and reads a set: its transcoders by layer, and what its configuration says.</summary>
    /// <exception cref="CheckpointException">There is none, a layer is missing, or a file is malformed.</exception>
    public static (Sae[] Transcoders, TranscoderConfig? Config) Read(
        string path, int layers, ScalarType type, TranscoderSetOptions options)
    {
        (string folder, TranscoderConfig? config) = Located(path, layers, options);
        string[] files = config switch
        {
            { Files: { } listed } => [.. Enumerable.Range(0, layers).Select(layer => Listed(config, listed, layer))],
            { Repository: { } repository } => InFolder(OnHub(repository, layers, options), layers, options),
            _ => InFolder(folder, layers, options),
        };
        if (config?.Files?.Keys.FirstOrDefault(layer => layer >= layers, -1) is >= 0 and int more)
            throw new CheckpointException(config.Path, $"lists a transcoder of layer {more}, and the model has layers 0 to {layers - 1}.");
        List<Sae> read = [];
        try
        {
            foreach (string file in files)
                read.Add(ReadOne(file, type));
            return ([.. read], config);
        }
        catch
        {
            read.ForEach(sae => sae.Dispose());
            throw;
        }
    }

    /// <summary>The file of weights of each layer among names, with forward slashes; null where a layer has none.</summary>
    /// <param name="names">All names.</param>
    /// <param name="layers">How many layers there are.</param>
    /// <param name="options">Which one to take where a layer has several.</param>
    /// <param name="where">The folder, for messages.</param>
    /// <exception cref="CheckpointException">A layer has several files that the options do not tell apart.</exception>
    public static string[]? Choose(IEnumerable<string> names, int layers, TranscoderSetOptions options, string where)
    {
        ILookup<int, string> found = names.Where(IsWeights).Select(name => (Match: Layer().Match(name), name))
            .Where(pair => pair.Match.Success)
            .ToLookup(pair => int.Parse(pair.Match.Groups[1].Value, CultureInfo.InvariantCulture), pair => pair.name);
        string[] chosen = new string[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            string[] all = [.. found[layer].Where(name => options.Width is null || name.Split('/').Contains($"width_{options.Width}"))];
            if (options.L0 is { } wanted && all.Any(name => L0(name) is not null))
                all = [.. all.Where(name => L0(name) is not null).OrderBy(name => Math.Abs(L0(name)!.Value - wanted)).Take(1)];
            if (all.Length == 0)
                return null;
            string more = all.Length > 8 ? ", …" : "";
            chosen[layer] = all.Length == 1 ? all[0] : throw new CheckpointException(
                where, $"has {all.Length} transcoders of layer {layer} ({string.Join(", ", all.Take(8))}{more}): "
                + $"say {nameof(TranscoderSetOptions)}.{nameof(TranscoderSetOptions.Width)} or .{nameof(TranscoderSetOptions.L0)}.");
        }
        return chosen;
    }

    private static bool IsWeights(string name)
    {
        string file = name[(name.LastIndexOf('/') + 1)..];
        return SaeFile.Names.Contains(file) || LayerFile().IsMatch(file);
    }

    private static int? L0(string name) =>
        AverageL0().Match(name) is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : null;

    /// <summary>The folder, and the configuration in it if there is one.</summary>
    private static (string Folder, TranscoderConfig? Config) Located(string path, int layers, TranscoderSetOptions options)
    {
        if (File.Exists(path))
            return (Path.GetDirectoryName(Path.GetFullPath(path))!, TranscoderConfig.Read(path));
        string folder = Directory.Exists(path) ? path : OnHub(path, layers, options);
        string config = Path.Combine(folder, TranscoderConfig.Name);
        return (folder, File.Exists(config) ? TranscoderConfig.Read(config) : null);
    }

    private static string OnHub(string id, int layers, TranscoderSetOptions options)
    {
        HubFolder folder = HubFolder.TryParse(id) ?? throw new CheckpointException(
            id, "does not exist, and is no hub id: those are 'owner/name' or 'owner/name/folder'.");
        return folder.Locate(
            names => Choose(names, layers, options, id) is { } weights ? [.. Configs(names), .. weights.SelectMany(Beside)]
                : Configs(names) is [_] config ? config : null,
            $"a transcoder for each of {layers} layers, nor a {TranscoderConfig.Name}",
            HubSettings.Of(Environment.GetEnvironmentVariable));

        // The weights are behind what explains them.
        static IEnumerable<string> Beside(string file) =>
            s_explained.Contains(file[(file.LastIndexOf('/') + 1)..]) ? [file[..(file.LastIndexOf('/') + 1)] + "cfg.json", file] : [file];

        static string[] Configs(IEnumerable<string> names) => [.. names.Where(name => name == TranscoderConfig.Name)];
    }

    private static string[] InFolder(string folder, int layers, TranscoderSetOptions options) =>
        Choose(HubFolder.Below(folder), layers, options, folder) is { } chosen
            ? [.. chosen.Select(file => Path.Combine(folder, file))]
            : throw new CheckpointException(
                folder, $"has no transcoder{(options.Width is { } width ? $", {width} wide," : "")} of some of layers 0 to {layers - 1}: "
                + "files are called layer_0.safetensors, or lie in folders layer_0 and so on.");

    /// <summary>A file that a configuration names: <c>hf://owner/name/file?revision=main</c>, or one beside it.</summary>
    private static string Listed(TranscoderConfig config, IReadOnlyDictionary<int, string> files, int layer)
    {
        const string Hub = "hf://", Revision = "?revision=";
        if (!files.TryGetValue(layer, out string? file))
            throw new CheckpointException(config.Path, $"lists no transcoder of layer {layer}.");
        if (!file.StartsWith(Hub, StringComparison.Ordinal))
            return Path.Combine(Path.GetDirectoryName(Path.GetFullPath(config.Path))!, file);
        string[] parts = file[Hub.Length..].Split(Revision, 2);
        string[] names = parts[0].Split('/');
        string revision = parts.Length == 2 ? $"@{parts[1]}" : "";
        HubFolder? folder = names.Length < 3 ? null
            : HubFolder.TryParse(string.Join('/', [names[0], names[1] + revision, .. names[2..^1]]));
        return folder is null
            ? throw new CheckpointException(config.Path, $"lists '{file}', which is no file on the hub: hf://owner/name/file.")
            : Path.Combine(folder.Locate([names[^1]], [], HubSettings.Of(Environment.GetEnvironmentVariable)), names[^1]);
    }

    private static Sae ReadOne(string file, ScalarType type)
    {
        if (!LayerFile().IsMatch(Path.GetFileName(file)))
            return SaeFile.Read(file, type);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        return SaeFile.Made(file, CircuitTracerFormat.Read(file), type);
    }

    [GeneratedRegex(@"(?:^|/)(?:layer_|layers\.|blocks\.)(\d{1,4})(?=[./]|\z)")]
    private static partial Regex Layer();

    [GeneratedRegex(@"^layer_\d{1,4}\.safetensors\z")]
    private static partial Regex LayerFile();

    [GeneratedRegex(@"(?:^|/)average_l0_(\d{1,6})(?=/|\z)")]
    private static partial Regex AverageL0();
}
