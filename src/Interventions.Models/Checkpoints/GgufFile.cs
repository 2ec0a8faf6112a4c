using System.Runtime.InteropServices;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>An open GGUF file. A tensor becomes float32 when it is read, a piece at a time: nothing of the file stays in memory.</summary>
internal sealed class GgufFile : ITensorSource, IDisposable
{
    public const string Extension = ".gguf";

    // A multiple of every block, small enough for the processor's cache.
    private const int ValuesAtOnce = 1 << 16;

    private readonly FileStream _file;
    private readonly byte[] _piece = new byte[ValuesAtOnce * sizeof(float)];

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="CheckpointException">It is missing or malformed.</exception>
    public GgufFile(string path)
    {
        if (!File.Exists(path))
            throw new CheckpointException(path, "does not exist.");
        _file = File.OpenRead(path);
        try
        {
            Header = GgufHeader.Read(_file, path);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public GgufHeader Header { get; }

    /// <inheritdoc/>
    public string Path => Header.Path;

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names => (IReadOnlyCollection<string>)Header.Tensors.Keys;

    /// <inheritdoc/>
    public bool IsMapped => false;

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => Header.Tensors[name].Shape;

    /// <inheritdoc/>
    public string FileOf(string name) => Path;

    /// <inheritdoc/>
    public Tensor Read(string name)
    {
        GgufTensor tensor = Header.Tensors[name];
        using DisposeScope scope = NewDisposeScope();
        Tensor values = empty(tensor.Shape, ScalarType.Float32, CPU), flat = values.view(tensor.Count);
        _file.Position = tensor.Begin;
        for (long done = 0; done < tensor.Count; done += ValuesAtOnce)
        {
            using Tensor part = flat.narrow(0, done, Math.Min(ValuesAtOnce, tensor.Count - done));
            ReadInto(MemoryMarshal.Cast<byte, float>(part.bytes), tensor);
        }
        return values.MoveToOuterDisposeScope();
    }

    public void Dispose() => _file.Dispose();

    private void ReadInto(Span<float> values, GgufTensor tensor)
    {
        Span<byte> blocks = _piece.AsSpan(0, values.Length / tensor.Type.Values * tensor.Type.BlockBytes);
        if (_file.ReadAtLeast(blocks, blocks.Length, throwOnEndOfStream: false) < blocks.Length)
            throw new CheckpointException(Path, $"became shorter while tensor '{tensor.Name}' was read. Load it when it is complete.");
        tensor.Type.Read(blocks, values);
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                throw new CheckpointException(Path,
                    $"is damaged: tensor {GgufHeader.Quoted(tensor.Name)} holds {value}, which is no weight. {GgufHeader.Remedy}");
            }
        }
    }
}
