using System.Text.Json;
using Interventions.Files;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>The weights of a checkpoint folder: one <c>model.safetensors</c>, or shards with an index.</summary>
internal sealed class TensorFolder : ITensorSource, IDisposable
{
    public const string SingleFile = "model.safetensors";
    public const string IndexFile = "model.safetensors.index.json";

    private readonly List<SafeTensorFile> _files = [];
    private readonly Dictionary<string, SafeTensorFile> _owners = [];

    /// <summary>Opens a folder's weights.</summary>
    /// <exception cref="CheckpointException">There are none, or they are malformed.</exception>
    public TensorFolder(string folder)
    {
        string single = System.IO.Path.Combine(folder, SingleFile), index = System.IO.Path.Combine(folder, IndexFile);
        try
        {
            if (File.Exists(single))
                OpenSingle(single);
            else if (File.Exists(index))
                OpenShards(folder, index);
            else
                throw new CheckpointException(folder, $"has neither {SingleFile} nor {IndexFile}{Hint(folder)}.");
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
    public bool IsMapped => true;

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => [.. _owners[name].Entries[name].Shape];

    /// <inheritdoc/>
    public string FileOf(string name) => _owners[name].Path;

    /// <inheritdoc/>
    public Tensor Read(string name) => _owners[name].Read(name);

    /// <inheritdoc/>
    public Tensor Borrow(string name) => Read(name);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafeTensorFile file in _files)
            file.Dispose();
    }

    private void OpenSingle(string path)
    {
        Path = path;
        SafeTensorFile file = Open(path);
        foreach (string name in file.Entries.Keys)
            _owners.Add(name, file);
    }

    private void OpenShards(string folder, string index)
    {
        Path = index;
        ConfigFile json = ConfigFile.Read(index);
        Dictionary<string, SafeTensorFile> shards = [];
        foreach (JsonProperty pair in json.Section("weight_map")?.Properties ?? throw json.Wrong("weight_map", "is missing"))
        {
            string shard = pair.Value.ValueKind == JsonValueKind.String ? pair.Value.GetString()! : "";
            if (shard.Length == 0 || System.IO.Path.GetFileName(shard) != shard)
                throw json.Wrong("weight_map", $"gives '{pair.Name}' something else than a file name");
            if (!shards.TryGetValue(shard, out SafeTensorFile? file))
                shards.Add(shard, file = Open(System.IO.Path.Combine(folder, shard)));
            if (!file.Entries.ContainsKey(pair.Name))
                throw new CheckpointException(file.Path, $"has no tensor '{pair.Name}', which '{index}' says it holds.");
            if (!_owners.TryAdd(pair.Name, file))
                throw json.Wrong("weight_map", $"names '{pair.Name}' twice");
        }
    }

    private SafeTensorFile Open(string path)
    {
        SafeTensorFile file = SafeTensorFile.Open(path);
        _files.Add(file);
        return file;
    }

    private static string Hint(string folder) =>
        Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.bin").Any()
            ? ", and pickled weights (*.bin) are not read: convert them to safetensors"
            : "";
}
