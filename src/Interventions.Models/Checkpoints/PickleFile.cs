using System.IO.Compression;
using Interventions.Files;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Checkpoints;

/// <summary>A PyTorch file (<c>.bin</c>, <c>.pt</c>, <c>.pth</c>): a zip with a pickle and the numbers of tensors.</summary>
internal sealed class PickleFile : ITensorFile
{
    /// <summary>How the names of such files end.</summary>
    public static readonly string[] Extensions = [".bin", ".pt", ".pth"];

    // A pickle of a state dict has some hundred bytes a tensor.
    private const long LargestPickle = 1 << 28;

    private readonly FileStream _stream;
    private readonly ZipArchive _zip;
    private readonly string _folder;
    private readonly IReadOnlyDictionary<string, PickledTensor> _tensors;

    private PickleFile(string path, FileStream stream)
    {
        Path = path;
        _stream = stream;
        try
        {
            _zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            const string name = "/data.pkl";
            ZipArchiveEntry[] pickles = [.. _zip.Entries.Where(entry => entry.FullName.EndsWith(name, StringComparison.Ordinal))];
            if (pickles is not [{ } pickle])
                throw new CheckpointException(path, $"has {pickles.Length} pickles ('data.pkl') where a PyTorch file has one.");
            _folder = pickle.FullName[..^name.Length];
            CheckOrder();
            _tensors = PickleReader.Read(path, Content(pickle));
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new CheckpointException(
                path, $"is not a file of PyTorch 1.6 or later: convert it to safetensors. ({error.Message})", error);
        }
    }

    /// <summary>Opens a file.</summary>
    /// <exception cref="CheckpointException">It is missing or malformed, or holds something else than a state dict.</exception>
    public static PickleFile Open(string path)
    {
        if (!File.Exists(path))
            throw new CheckpointException(path, "does not exist.");
        FileStream stream = File.OpenRead(path);
        try
        {
            return new PickleFile(path, stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>The tensors as the pickle describes them, by name.</summary>
    public IReadOnlyDictionary<string, PickledTensor> Tensors => _tensors;

    /// <inheritdoc/>
    public IEnumerable<string> Names => _tensors.Keys;

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => _tensors[name].Shape;

    /// <inheritdoc/>
    public Tensor Read(string name)
    {
        PickledTensor tensor = _tensors[name];
        if (tensor.Shape.Contains(0))
            return empty(tensor.Shape, tensor.Type);
        ZipArchiveEntry entry = _zip.GetEntry($"{_folder}/data/{tensor.Storage}")
            ?? throw new CheckpointException(Path, $"has no numbers '{tensor.Storage}', which '{name}' needs.");
        if (entry.Length != (Int128)tensor.Count * TensorDtype.SizeOf(tensor.Type) || entry.CompressedLength != entry.Length)
            throw new CheckpointException(Path, $"has {entry.Length} bytes for {tensor.Count} numbers of '{name}'.");
        using DisposeScope scope = NewDisposeScope();
        Tensor numbers = empty([tensor.Count], tensor.Type);
        try
        {
            using Stream stream = entry.Open();
            numbers.ReadBytesFromStream(stream, 1 << 20);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new CheckpointException(Path, $"is damaged where it holds '{name}': {error.Message}", error);
        }
        return numbers.as_strided(tensor.Shape, tensor.Strides, tensor.Offset).contiguous().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _zip.Dispose();
        _stream.Dispose();
    }

    private byte[] Content(ZipArchiveEntry entry)
    {
        if (entry.Length > LargestPickle || entry.Length > _stream.Length)
            throw new CheckpointException(Path, $"has a pickle of {entry.Length} bytes, more than a state dict needs.");
        byte[] bytes = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    private void CheckOrder()
    {
        if (_zip.GetEntry($"{_folder}/byteorder") is { } entry && entry.Length < 64
            && System.Text.Encoding.ASCII.GetString(Content(entry)) is not "little" and var order)
            throw new CheckpointException(Path, $"stores numbers in {FileText.Quoted(order)} order; 'little' is read.");
    }
}
