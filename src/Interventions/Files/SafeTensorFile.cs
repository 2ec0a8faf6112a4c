using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Files;

/// <summary>
/// An open safetensors file. Its tensors are views of the memory-mapped file, which the system reads page by page when they are used.
/// </summary>
/// <remarks>
/// While its tensors live, a file may be replaced (as <see cref="SafeTensors.Save"/> does), but not written into. Writing into a tensor
/// changes memory, never the file.
/// </remarks>
internal sealed class SafeTensorFile : IDisposable
{
    private readonly SafeTensorHeader _header;
    private readonly Dictionary<string, TensorEntry> _entries;

    /// <summary>One mapping for each element type: it begins at the file's start, and every tensor of that type is a slice of it.</summary>
    private readonly Dictionary<ScalarType, Tensor> _maps = [];

    private SafeTensorFile(string path)
    {
        Path = path;
        _header = SafeTensorHeader.Read(path);
        _entries = _header.Entries.ToDictionary(entry => entry.Name);
    }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="CheckpointException">The file is missing or malformed.</exception>
    public static SafeTensorFile Open(string path) => new(path);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The tensors, by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    /// <summary>The writer's notes about the file; often <c>format</c>: <c>pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>A tensor, in its stored type, on the CPU. It stays valid when this file is disposed.</summary>
    /// <exception cref="CheckpointException">There is no such tensor.</exception>
    public Tensor Read(string name)
    {
        if (!_entries.TryGetValue(name, out TensorEntry? entry))
            throw new CheckpointException(Path, $"has no tensor '{name}'.");
        long[] shape = [.. entry.Shape];
        int size = TensorDtype.SizeOf(entry.Dtype);
        long begin = _header.DataStart + entry.Begin;
        if (entry.Count == 0)
            return empty(shape, entry.Dtype);
        if (begin % size != 0)
            return Copy(begin, shape, entry.Dtype);
        using Tensor slice = Map(entry.Dtype, size).narrow(0, begin / size, entry.Count);
        return slice.view(shape);
    }

    /// <summary>Frees this object's mappings; tensors that were read keep theirs.</summary>
    public void Dispose()
    {
        foreach (Tensor map in _maps.Values)
            map.Dispose();
        _maps.Clear();
    }

    private Tensor Map(ScalarType type, int size)
    {
        if (!_maps.TryGetValue(type, out Tensor? map))
        {
            long end = _header.DataStart + _header.Entries.Where(entry => entry.Dtype == type).Max(entry => entry.End);
            map = from_file(Path, shared: false, end / size, type).DetachFromDisposeScope();
            _maps.Add(type, map);
        }
        return map;
    }

    /// <summary>Copies a tensor that cannot be mapped, because its elements do not lie at a multiple of their size.</summary>
    private Tensor Copy(long begin, long[] shape, ScalarType type)
    {
        using FileStream stream = File.OpenRead(Path);
        stream.Position = begin;
        using DisposeScope scope = NewDisposeScope();
        Tensor copy = empty(shape, type);
        copy.ReadBytesFromStream(stream, 1 << 20);
        return copy.MoveToOuterDisposeScope();
    }
}
