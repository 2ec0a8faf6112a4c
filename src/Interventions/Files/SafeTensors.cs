using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Interventions.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>Reads and writes tensors by name in the safetensors format.</summary>
public static class SafeTensors
{
    /// <summary>All tensors of a file, memory-mapped, in their stored types, on the CPU. The caller owns them.</summary>
    /// <exception cref="CheckpointException">The file is missing or malformed.</exception>
    public static Dictionary<string, Tensor> Load(string path)
    {
        using SafeTensorFile file = SafeTensorFile.Open(path);
        Dictionary<string, Tensor> tensors = [];
        try
        {
            foreach (string name in file.Entries.Keys)
                tensors.Add(name, file.Read(name));
            return tensors;
        }
        catch
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }
    }

    /// <summary>Writes a file. It appears under its name only when it is complete, and then replaces an older one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The tensors, on any device, in any layout.</param>
    /// <param name="metadata">Notes about the file. Default: <c>format</c>: <c>pt</c>, which other readers expect.</param>
    /// <exception cref="ArgumentException">A tensor's type is not one of the format's.</exception>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        // The widest types first, so that every tensor lies at a multiple of its element size.
        (string Name, Tensor Value)[] ordered =
        [
            .. tensors.Select(pair => (pair.Key, pair.Value))
                .OrderByDescending(pair => TensorDtype.SizeOf(pair.Value.dtype)).ThenBy(pair => pair.Key, StringComparer.Ordinal),
        ];
        byte[] header = Header(ordered, metadata ?? new Dictionary<string, string> { ["format"] = "pt" });
        CompleteFile.Replace(path, stream =>
        {
            stream.Write(header);
            foreach ((_, Tensor value) in ordered)
            {
                using DisposeScope scope = NewDisposeScope();
                value.detach().cpu().contiguous().WriteBytesToStream(stream, 1 << 20);
            }
        });
    }

    private static byte[] Header((string Name, Tensor Value)[] tensors, IReadOnlyDictionary<string, string> metadata)
    {
        ArrayBufferWriter<byte> json = new();
        using (Utf8JsonWriter writer = new(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("__metadata__");
            foreach ((string name, string text) in metadata)
                writer.WriteString(name, text);
            writer.WriteEndObject();
            long begin = 0;
            foreach ((string name, Tensor value) in tensors)
            {
                long end = begin + (value.numel() * TensorDtype.SizeOf(value.dtype));
                WriteEntry(writer, name, value, begin, end);
                begin = end;
            }
            writer.WriteEndObject();
        }

        // Spaces after the JSON, so that the data begin at a multiple of eight.
        int length = (json.WrittenCount + 7) / 8 * 8;
        byte[] header = new byte[8 + length];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        header.AsSpan(8).Fill((byte)' ');
        json.WrittenSpan.CopyTo(header.AsSpan(8));
        return header;
    }

    private static void WriteEntry(Utf8JsonWriter writer, string name, Tensor value, long begin, long end)
    {
        writer.WriteStartObject(name);
        writer.WriteString("dtype", TensorDtype.NameOf(value.dtype));
        writer.WriteStartArray("shape");
        foreach (long size in value.shape)
            writer.WriteNumberValue(size);
        writer.WriteEndArray();
        writer.WriteStartArray("data_offsets");
        writer.WriteNumberValue(begin);
        writer.WriteNumberValue(end);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
