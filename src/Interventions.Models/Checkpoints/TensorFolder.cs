using System.Text.Json;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>
/// The weights of a checkpoint folder: one file, or shards with an index; safetensors if there are any, else PyTorch's own.
/// </summary>
internal sealed class TensorFolder : ITensorSource, IDisposable
{
    /// <summary>The name of a single file; with <see cref="Index"/> behind it, that of the index of several.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>The end of an index' name.</summary>
    public const string Index = ".index.json";

    private const string PickledFile = "pytorch_model.bin";

    /// <summary>The files of weights, or of where they are, that a folder may have: the first that it has is read.</summary>
    public static readonly string[] FileNames = [SingleFile, SingleFile + Index, PickledFile, PickledFile + Index];

    private readonly List<ITensorFile> _files = [];
    private readonly Dictionary<string, ITensorFile> _owners = [];
    private readonly Dictionary<string, string> _absent = [];

    /// <summary>Opens a folder's weights.</summary>
    /// <exception cref="CheckpointException">There are none, or they are malformed.</exception>
    public TensorFolder(string folder)
    {
        string? name = FileNames.FirstOrDefault(name => File.Exists(System.IO.Path.Combine(folder, name)));
        try
        {
            if (name is null)
                throw new CheckpointException(folder, $"has neither {SingleFile} nor {SingleFile}{Index}, nor {PickledFile}.");
            if (IsIndex(name))
                OpenShards(folder, System.IO.Path.Combine(folder, name));
            else
                OpenSingle(System.IO.Path.Combine(folder, name));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Opens one file.</summary>
    public TensorFolder(FileInfo file) => OpenSingle(file.FullName);

    /// <inheritdoc/>
    public string Path { get; private set; } = "";

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names => _owners.Keys;

    /// <inheritdoc/>
    public bool IsMapped => _files.TrueForAll(file => file is MappedFile);

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => _owners[name].ShapeOf(name);

    /// <inheritdoc/>
    public string FileOf(string name) => _owners[name].Path;

    /// <inheritdoc/>
    public string? ShardWithout(string name) => _absent.GetValueOrDefault(name);

    /// <inheritdoc/>
    public Tensor Read(string name) => _owners[name].Read(name);

    /// <inheritdoc/>
    public Tensor Borrow(string name) => Read(name);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ITensorFile file in _files)
            file.Dispose();
    }

    /// <summary>Whether a file says which shard holds which tensor.</summary>
    public static bool IsIndex(string name) => name.EndsWith(Index, StringComparison.Ordinal);

    /// <summary>The tensors that an index names, each with the file that holds it.</summary>
    /// <exception cref="CheckpointException">The index is malformed.</exception>
    public static IEnumerable<(string Tensor, string Shard)> Shards(ConfigFile index)
    {
        foreach (JsonProperty pair in index.Section("weight_map")?.Properties ?? throw index.Wrong("weight_map", "is missing"))
        {
            string shard = pair.Value.ValueKind == JsonValueKind.String ? pair.Value.GetString()! : "";
            if (shard.Length == 0 || System.IO.Path.GetFileName(shard) != shard || shard is "." or "..")
                throw index.Wrong("weight_map", $"gives '{pair.Name}' something else than a file name");
            yield return (pair.Name, shard);
        }
    }

    private void OpenSingle(string path)
    {
        Path = path;
        ITensorFile file = Open(path);
        foreach (string name in file.Names)
            _owners.Add(name, file);
    }

    private void OpenShards(string folder, string index)
    {
        Path = index;
        ConfigFile json = ConfigFile.Read(index);
        Dictionary<string, ITensorFile> shards = [];
        foreach ((string name, string shard) in Shards(json))
        {
            if (!shards.TryGetValue(shard, out ITensorFile? file))
                shards.Add(shard, file = Open(System.IO.Path.Combine(folder, shard)));
            // A model may not need it; if it does, that is said where it is looked up.
            if (!file.Names.Contains(name))
                _absent[name] = file.Path;
            else if (!_owners.TryAdd(name, file))
                throw json.Wrong("weight_map", $"names '{name}' twice");
        }
    }

    private ITensorFile Open(string path)
    {
        ITensorFile file = PickleFile.Extensions.Contains(System.IO.Path.GetExtension(path)) ? PickleFile.Open(path) : new MappedFile(path);
        _files.Add(file);
        return file;
    }
}
