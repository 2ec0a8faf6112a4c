using Interventions.Models.Checkpoints;
using Interventions.Models.Hub;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Files;

/// <summary>Finds out which dialect a dictionary's files are in, and reads them.</summary>
internal static class SaeFile
{
    private static readonly (string Weights, Func<string, StoredSae> Read)[] s_dialects =
    [
        (SaeLensFormat.Weights, SaeLensFormat.Read),
        (SparsifyFormat.Weights, SparsifyFormat.Read),
        (GemmaScopeFormat.Weights, GemmaScopeFormat.Read),
        ("ae.pt", DictionaryLearningFormat.Read),
        ("ae.safetensors", DictionaryLearningFormat.Read),
        ("autoencoder.safetensors", OpenAiFormat.Read),
        ("autoencoder.pt", OpenAiFormat.Read),
    ];

    /// <summary>The names of the files of weights of all dialects.</summary>
    public static IEnumerable<string> Names => s_dialects.Select(dialect => dialect.Weights);

    /// <summary>Reads a dictionary.</summary>
    /// <exception cref="CheckpointException">There is none, or it is malformed.</exception>
    public static Sae Read(string path, ScalarType? type)
    {
        bool isFile = File.Exists(path);
        if (!isFile && !Directory.Exists(path))
            path = Locate(path);
        string folder = isFile ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        foreach ((string weights, Func<string, StoredSae> read) in s_dialects)
        {
            string file = Path.Combine(folder, weights);
            if (isFile ? Path.GetFileName(path) != weights : !File.Exists(file))
                continue;
            using DisposeScope scope = NewDisposeScope();
            using IDisposable mode = no_grad();
            return Made(file, read(file), type);
        }
        throw new CheckpointException(path, $"is no dictionary of a known dialect: those have {string.Join(", ", Names)}.");
    }

    private static string Locate(string id) => HubFolder.TryParse(id) is { } folder
        ? folder.Locate([.. Names], ["cfg.json", "config.json"], HubSettings.Of(Environment.GetEnvironmentVariable))
        : throw new CheckpointException(id, "does not exist, and is no hub id: those are 'owner/name' or 'owner/name/folder'.");

    /// <summary>The tensors of a file of weights, by name, as they are stored.</summary>
    public static Dictionary<string, Tensor> Tensors(string path)
    {
        using ITensorFile file = PickleFile.Extensions.Contains(Path.GetExtension(path)) ? PickleFile.Open(path) : new MappedFile(path);
        return file.Names.ToDictionary(name => name, file.Read);
    }

    /// <summary>The dictionary that a file has: copies of its tensors, in one type.</summary>
    public static Sae Made(string file, StoredSae stored, ScalarType? type)
    {
        // Copies, in one type: the file may be replaced while the dictionary lives.
        ScalarType to = type ?? stored.Type ?? stored.Weights.Decoder.dtype;
        SaeWeights weights = stored.Weights.Select((_, weight) => weight.to_type(to).contiguous().clone());
        try
        {
            Sae sae = new(stored.Config, weights);
            if (!stored.HasUnscaledNorms)
                return sae;
            using (sae)
                return sae.FoldNorms();
        }
        catch (ArgumentException error)
        {
            throw new CheckpointException(file, $"holds no such dictionary: {error.Message}", error);
        }
    }
}

/// <summary>A dictionary as a file has it.</summary>
/// <param name="Config">What it computes.</param>
/// <param name="Weights">Its weights, perhaps of several types, perhaps views.</param>
internal sealed record StoredSae(SaeConfig Config, SaeWeights Weights)
{
    /// <summary>The type to compute in, if the file says it.</summary>
    public ScalarType? Type { get; init; }

    /// <summary>Whether the dialect's features are multiplied by the decoder rows' norms behind their activation.</summary>
    public bool HasUnscaledNorms { get; init; }
}

/// <summary>The named tensors of a file, of which each must be read.</summary>
internal sealed class NamedTensors(string path, Dictionary<string, Tensor> tensors)
{
    private readonly HashSet<string> _read = [];

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>Whether all of these are there.</summary>
    public bool Has(params string[] names) => names.All(tensors.ContainsKey);

    /// <summary>A tensor.</summary>
    /// <exception cref="CheckpointException">It is not there.</exception>
    public Tensor Get(string name) => Find(name) ?? throw new CheckpointException(
        path, $"has no tensor '{name}': it has {string.Join(", ", tensors.Keys.Order(StringComparer.Ordinal))}.");

    /// <summary>A tensor, if it is there.</summary>
    public Tensor? Find(string name)
    {
        _read.Add(name);
        return tensors.GetValueOrDefault(name);
    }

    /// <summary>A matrix stored as a linear layer's weight, the other way round.</summary>
    public Tensor Turned(string name) => Get(name) is { } matrix && matrix.dim() == 2 ? matrix.t()
        : throw new CheckpointException(path, $"has a tensor '{name}' that is no matrix.");

    /// <summary>One number that is stored as a tensor.</summary>
    public double Number(string name) => Get(name) is { } value && value.numel() == 1
        ? value.to_type(ScalarType.Float64).cpu().reshape(-1).data<double>()[0]
        : throw new CheckpointException(path, $"has a tensor '{name}' that is not one number.");

    /// <summary>Refuses tensors that nobody asked for.</summary>
    /// <exception cref="CheckpointException">There is one.</exception>
    public void CheckAllRead(string dialect)
    {
        if (tensors.Keys.Order(StringComparer.Ordinal).FirstOrDefault(name => !_read.Contains(name)) is { } strange)
            throw new CheckpointException(path, $"has a tensor '{strange}', which {dialect} does not explain.");
    }
}
