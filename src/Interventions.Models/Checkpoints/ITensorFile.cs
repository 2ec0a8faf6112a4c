using Interventions.Files;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>One file of a checkpoint folder.</summary>
internal interface ITensorFile : IDisposable
{
    /// <summary>The file.</summary>
    string Path { get; }

    /// <summary>The names of its tensors.</summary>
    IEnumerable<string> Names { get; }

    /// <summary>The shape of a tensor.</summary>
    long[] ShapeOf(string name);

    /// <summary>A tensor, on the CPU. The caller owns it.</summary>
    Tensor Read(string name);
}

/// <summary>A safetensors file of a checkpoint folder.</summary>
internal sealed class MappedFile(string path) : ITensorFile
{
    private readonly SafeTensorFile _file = SafeTensorFile.Open(path);

    /// <inheritdoc/>
    public string Path => _file.Path;

    /// <inheritdoc/>
    public IEnumerable<string> Names => _file.Entries.Keys;

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => [.. _file.Entries[name].Shape];

    /// <inheritdoc/>
    public Tensor Read(string name) => _file.Read(name);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
