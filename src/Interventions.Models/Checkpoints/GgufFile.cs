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
    private Tensor? _borrowed;

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
        using DisposeScope scope = NewDisposeScope();
        Tensor values = empty(ShapeOf(name), ScalarType.Float32, CPU);
        Fill(values.view(values.numel()), Header.Tensors[name]);
        return values.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <remarks>
    /// All share memory. A tensor that is freed between two that stay leaves a gap, and the next of that size does not fit into it, since
    /// aligned memory is sought with a margin: such gaps took up to two fifths of the weights' memory (measured).
    /// </remarks>
    public Tensor Borrow(string name)
    {
        GgufTensor tensor = Header.Tensors[name];
        if (_borrowed is null || _borrowed.numel() < tensor.Count)
        {
            _borrowed?.Dispose();
            _borrowed = empty(tensor.Count, ScalarType.Float32, CPU).DetachFromDisposeScope();
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = _borrowed.narrow(0, 0, tensor.Count);
        Fill(flat, tensor);
        return flat.view(tensor.Shape).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _borrowed?.Dispose();
        _file.Dispose();
    }

    private void Fill(Tensor flat, GgufTensor tensor)
    {
        _file.Position = tensor.Begin;
        for (long done = 0; done < tensor.Count; done += ValuesAtOnce)
        {
            using Tensor part = flat.narrow(0, done, Math.Min(ValuesAtOnce, tensor.Count - done));
            ReadPiece(MemoryMarshal.Cast<byte, float>(part.bytes), tensor);
        }
    }

    private void ReadPiece(Span<float> values, GgufTensor tensor)
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
