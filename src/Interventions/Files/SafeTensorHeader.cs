using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Files;

/// <summary>
/// The checked header of a safetensors file: eight bytes of length, then that many bytes of JSON, then the tensors' bytes without gaps.
/// </summary>
/// <remarks>The format is described at https://huggingface.co/docs/safetensors (version 0.4 and later).</remarks>
internal sealed record SafeTensorHeader(ImmutableArray<TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata, long DataStart)
{
    private const int LengthBytes = 8;
    private const long LongestHeader = 100_000_000;

    /// <summary>Reads and checks the header.</summary>
    /// <exception cref="CheckpointException">The file is missing or malformed.</exception>
    public static SafeTensorHeader Read(string path)
    {
        if (!File.Exists(path))
            throw new CheckpointException(path, "does not exist.");
        using FileStream stream = File.OpenRead(path);
        (byte[] json, long dataLength) = ReadBytes(path, stream);
        try
        {
            using JsonDocument document = FileText.ParseJson(json);
            return Parse(path, document.RootElement, json.Length + LengthBytes, dataLength);
        }
        catch (JsonException error)
        {
            throw new CheckpointException(path, $"is not a safetensors file: its header is not JSON ({error.Message})", error);
        }
    }

    private static (byte[] Json, long DataLength) ReadBytes(string path, FileStream stream)
    {
        Span<byte> prefix = stackalloc byte[LengthBytes];
        if (stream.Length < LengthBytes)
            throw new CheckpointException(
                path, $"is truncated: it has {stream.Length} bytes, and the header's length alone takes {LengthBytes}.");
        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        long rest = stream.Length - LengthBytes;
        if (length > (ulong)rest)
        {
            throw new CheckpointException(path,
                $"is truncated or no safetensors file: its header should have {length} bytes, and only {rest} follow.");
        }
        if (length is < 2 or > (ulong)LongestHeader)
            throw new CheckpointException(path, $"is not a safetensors file: a header of {length} bytes is outside 2 to {LongestHeader}.");
        byte[] json = new byte[(int)length];
        stream.ReadExactly(json);
        return (json, rest - (long)length);
    }

    private static SafeTensorHeader Parse(string path, JsonElement root, long dataStart, long dataLength)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new CheckpointException(path, "is not a safetensors file: its header is not a JSON object.");
        Dictionary<string, string> metadata = [];
        List<TensorEntry> entries = [];
        HashSet<string> names = [];
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (!names.Add(property.Name))
                throw new CheckpointException(path, $"names tensor {FileText.Quoted(property.Name)} twice.");
            if (property.Name == "__metadata__")
                metadata = ParseMetadata(path, property.Value);
            else
                entries.Add(ParseEntry(path, property.Name, property.Value));
        }
        CheckRanges(path, entries, dataLength);
        return new SafeTensorHeader([.. entries], metadata, dataStart);
    }

    private static Dictionary<string, string> ParseMetadata(string path, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object || value.EnumerateObject().Any(pair => pair.Value.ValueKind != JsonValueKind.String))
            throw new CheckpointException(path, "has metadata that are not text by name.");
        Dictionary<string, string> metadata = [];
        foreach (JsonProperty pair in value.EnumerateObject())
            metadata[pair.Name] = pair.Value.GetString()!;
        return metadata;
    }

    private static TensorEntry ParseEntry(string path, string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object ||
            !value.TryGetProperty("dtype", out JsonElement dtype) || dtype.ValueKind != JsonValueKind.String ||
            !value.TryGetProperty("shape", out JsonElement shape) || Integers(shape) is not { } sizes ||
            !value.TryGetProperty("data_offsets", out JsonElement offsets) || Integers(offsets) is not { Length: 2 } range)
        {
            throw new CheckpointException(
                path, $"describes tensor {FileText.Quoted(name)} without a dtype, a shape and two data offsets.");
        }
        ScalarType type = TensorDtype.Find(dtype.GetString()!)
            ?? throw new CheckpointException(
                path,
                $"holds tensor {FileText.Quoted(name)} of type {FileText.Shown(dtype.GetString()!)}; supported are {TensorDtype.Names}.");
        TensorEntry entry = new(name, type, sizes, range[0], range[1]);
        Int128 bytes = TensorDtype.SizeOf(type);
        foreach (long size in sizes)
            bytes = bytes > long.MaxValue ? bytes : bytes * size;
        if (bytes != (Int128)entry.End - entry.Begin)
        {
            throw new CheckpointException(
                path,
                $"gives tensor {FileText.Quoted(name)} the range {entry.Begin} to {entry.End}, "
                + $"but {dtype.GetString()} [{FileText.Shown(string.Join(", ", sizes))}] takes {bytes} bytes.");
        }
        return entry;
    }

    /// <summary>Non-negative integers, or <see langword="null"/> if the element is anything else.</summary>
    private static ImmutableArray<long>? Integers(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Array)
            return null;
        ImmutableArray<long>.Builder values = ImmutableArray.CreateBuilder<long>();
        foreach (JsonElement item in element.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out long value) || value < 0)
                return null;
            values.Add(value);
        }
        return values.ToImmutable();
    }

    private static void CheckRanges(string path, List<TensorEntry> entries, long dataLength)
    {
        long end = 0;
        string previous = "the header";
        foreach (TensorEntry entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            string name = FileText.Quoted(entry.Name);
            if (entry.Begin < end)
            {
                throw new CheckpointException(path,
                    $"has overlapping tensors: {name} begins at {entry.Begin}, before the end of {previous} at {end}.");
            }
            if (entry.Begin > end)
                throw new CheckpointException(path, $"has a gap: {previous} ends at {end}, and {name} begins at {entry.Begin}.");
            (end, previous) = (entry.End, name);
        }
        if (end > dataLength)
            throw new CheckpointException(path, $"is truncated: its tensors take {end} bytes, and only {dataLength} follow the header.");
        if (end < dataLength)
            throw new CheckpointException(path, $"has {dataLength - end} bytes after its last tensor.");
    }
}

/// <summary>One tensor of a safetensors file, as the header describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Dtype">Its element type.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Begin">The offset of its first byte, counted from the first byte after the header.</param>
/// <param name="End">The offset after its last byte.</param>
internal sealed record TensorEntry(string Name, ScalarType Dtype, ImmutableArray<long> Shape, long Begin, long End)
{
    /// <summary>The number of its elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>The element types of the format.</summary>
internal static class TensorDtype
{
    private static readonly (string Name, ScalarType Type, int Size)[] Known =
    [
        ("F64", ScalarType.Float64, 8), ("I64", ScalarType.Int64, 8), ("F32", ScalarType.Float32, 4), ("I32", ScalarType.Int32, 4),
        ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2), ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1), ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    public static string Names => string.Join(", ", Known.Select(known => known.Name));

    public static ScalarType? Find(string name) =>
        Known.Where(known => known.Name == name).Select(known => (ScalarType?)known.Type).FirstOrDefault();

    /// <exception cref="ArgumentException">The format has no such type.</exception>
    public static int SizeOf(ScalarType type) => Of(type).Size;

    /// <exception cref="ArgumentException">The format has no such type.</exception>
    public static string NameOf(ScalarType type) => Of(type).Name;

    private static (string Name, ScalarType Type, int Size) Of(ScalarType type)
    {
        foreach (var known in Known)
            if (known.Type == type)
                return known;
        throw new ArgumentException($"safetensors files hold {Names}; {type} is none of them.", nameof(type));
    }
}
