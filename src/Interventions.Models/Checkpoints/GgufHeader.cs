using Interventions.Runtime;

namespace Interventions.Models.Checkpoints;

/// <summary>The checked header of a GGUF file: its keys, and where its tensors lie.</summary>
/// <param name="Path">The file.</param>
/// <param name="Values">The values by key, as <see cref="GgufReader.Value"/> gives them.</param>
/// <param name="Tensors">The tensors by name.</param>
internal sealed record GgufHeader(
    string Path, IReadOnlyDictionary<string, object> Values, IReadOnlyDictionary<string, GgufTensor> Tensors)
{
    private const string Alignment = "general.alignment";
    private const int MostAxes = 4;

    /// <summary>The remedy for a damaged file, for messages.</summary>
    public const string Remedy = "Download or convert it again.";

    /// <summary>The family, as GGUF names it.</summary>
    public string Architecture => Values.GetValueOrDefault("general.architecture") as string
        ?? throw new CheckpointException(Path,
            $"does not say what model it holds: it has no text 'general.architecture'. {Remedy}");

    /// <summary>Reads and checks the header of a file.</summary>
    /// <exception cref="CheckpointException">It is missing, no GGUF file, or malformed.</exception>
    public static GgufHeader Read(string path)
    {
        if (!File.Exists(path))
            throw new CheckpointException(path, "does not exist.");
        using FileStream stream = File.OpenRead(path);
        return Read(stream, path);
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="stream">The file, at its beginning.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <exception cref="CheckpointException">It is no GGUF file, or malformed.</exception>
    public static GgufHeader Read(Stream stream, string path)
    {
        GgufReader reader = new(stream, path);
        CheckKind(reader, path);
        ulong tensorCount = reader.UInt64("the number of tensors"), keyCount = reader.UInt64("the number of keys");
        Dictionary<string, object> values = [];
        for (ulong i = 0; i < keyCount; i++)
        {
            string key = reader.Text($"the name of key {i}");
            if (!values.TryAdd(key, reader.Value($"the value of {Quoted(key)}")))
                throw new CheckpointException(path, $"has the key {Quoted(key)} twice. {Remedy}");
        }
        long alignment = AlignmentOf(values, path);
        List<(GgufTensor Tensor, ulong Offset)> tensors = [];
        for (ulong i = 0; i < tensorCount; i++)
            tensors.Add(ReadTensor(reader, path, i));
        return new GgufHeader(path, values, Place(tensors, reader.Position, alignment, stream.Length, path));
    }

    /// <summary>A name from a file in a message: short, and without control characters.</summary>
    public static string Quoted(string name)
    {
        string shown = name.Length <= 80 ? name : name[..80] + "…";
        return $"'{new string([.. shown.Select(character => char.IsControl(character) ? '?' : character)])}'";
    }

    private static void CheckKind(GgufReader reader, string path)
    {
        ReadOnlySpan<byte> magic = reader.Bytes(4, "the file's kind");
        if (!magic.SequenceEqual("GGUF"u8))
        {
            throw new CheckpointException(path,
                $"is not a GGUF file: it begins with the bytes {Convert.ToHexString(magic)}, not with {Convert.ToHexString("GGUF"u8)}.");
        }
        uint version = reader.UInt32("the version");
        if (version is not (2 or 3))
        {
            string why = (version & 0xFFFF) == 0 ? "a file for big-endian machines" : $"GGUF version {version}";
            throw new CheckpointException(path,
                $"is {why}; versions 2 and 3, little-endian, are read. Convert it again with today's tools.");
        }
    }

    private static long AlignmentOf(Dictionary<string, object> values, string path)
    {
        if (!values.TryGetValue(Alignment, out object? value))
            return 32;
        return value is long number and >= 8 and <= 1 << 20 && long.IsPow2(number)
            ? number
            : throw new CheckpointException(path,
                $"is damaged: '{Alignment}' is {value}, and must be a power of two from 8 to {1 << 20}. {Remedy}");
    }

    private static (GgufTensor Tensor, ulong Offset) ReadTensor(GgufReader reader, string path, ulong index)
    {
        string name = reader.Text($"the name of tensor {index}"), what = $"the description of tensor {Quoted(name)}";
        uint axes = reader.UInt32(what);
        if (axes is 0 or > MostAxes)
        {
            throw new CheckpointException(path,
                $"is damaged: tensor {Quoted(name)} has {axes} axes, and 1 to {MostAxes} are possible. {Remedy}");
        }
        ulong[] sizes = new ulong[axes];
        for (int axis = 0; axis < sizes.Length; axis++)
            sizes[axis] = reader.UInt64(what);
        uint id = reader.UInt32(what);
        GgufType type = GgufType.Find(id) ?? throw new CheckpointException(path,
            $"holds tensor {Quoted(name)} of type {id}; read are {GgufType.Names}. Convert or quantise the model to one of these.");
        UInt128 count = 1;
        foreach (ulong size in sizes)
            count = count > long.MaxValue ? count : count * size;
        if (count == 0 || count > long.MaxValue / 256 || sizes[0] % (ulong)type.Values != 0)
        {
            string blocks = type.Values == 1 ? "" : $" of {type.Name}, whose rows are blocks of {type.Values}";
            throw new CheckpointException(path,
                $"is damaged: tensor {Quoted(name)} has the sizes {string.Join(", ", sizes)}{blocks}. {Remedy}");
        }
        // The fastest axis stands first in the file and last in a tensor's shape.
        long[] shape = [.. sizes.Reverse().Select(size => (long)size)];
        return (new GgufTensor(name, shape, type, Begin: 0), reader.UInt64(what));
    }

    /// <summary>Tensors lie in the order of their descriptions, each at the next multiple of the alignment, and nothing follows.</summary>
    private static Dictionary<string, GgufTensor> Place(
        List<(GgufTensor Tensor, ulong Offset)> tensors, long headerLength, long alignment, long fileLength, string path)
    {
        Dictionary<string, GgufTensor> placed = [];
        Int128 first = Aligned(headerLength, alignment), next = first, end = headerLength;
        foreach ((GgufTensor tensor, ulong offset) in tensors)
        {
            if (first + offset != next)
            {
                throw new CheckpointException(path,
                    $"is damaged: tensor {Quoted(tensor.Name)} begins at {first + offset}, and must begin at {next}, behind the one " +
                    $"before. {Remedy}");
            }
            end = next + tensor.Bytes;
            if (end > fileLength)
            {
                throw new CheckpointException(path,
                    $"is truncated: tensor {Quoted(tensor.Name)} ends at byte {end}, and the file at {fileLength}. Download it again.");
            }
            if (!placed.TryAdd(tensor.Name, tensor with { Begin = (long)next }))
                throw new CheckpointException(path, $"is damaged: it has the tensor {Quoted(tensor.Name)} twice. {Remedy}");
            next = Aligned(end, alignment);
        }
        if (fileLength > next)
        {
            throw new CheckpointException(path,
                $"is damaged: {fileLength - end} bytes follow the last of its {tensors.Count} tensors. {Remedy}");
        }
        return placed;
    }

    private static Int128 Aligned(Int128 position, long alignment) => (position + alignment - 1) / alignment * alignment;
}

/// <summary>A tensor of a GGUF file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its shape, rows first.</param>
/// <param name="Type">How its values are stored.</param>
/// <param name="Begin">Its first byte in the file.</param>
internal sealed record GgufTensor(string Name, long[] Shape, GgufType Type, long Begin)
{
    /// <summary>How many values it has.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>How many bytes it takes.</summary>
    public long Bytes => Count / Type.Values * Type.BlockBytes;
}
