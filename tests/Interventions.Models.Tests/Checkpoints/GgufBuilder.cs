using System.Buffers.Binary;
using System.Text;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>Writes GGUF files, true ones and, with a field changed, false ones.</summary>
internal sealed class GgufBuilder
{
    private readonly MemoryStream _bytes = new();

    /// <summary>The keys in order. Types: uint, int, ulong, float, double, bool, string, and arrays of string, int and float.</summary>
    public List<(string Key, object Value)> Values { get; init; } = [];

    /// <summary>The tensors in order, with their shapes, rows first.</summary>
    public List<(string Name, long[] Shape, uint Type, byte[] Data)> Tensors { get; init; } = [];

    /// <summary>The places of all header fields of the file that was built last.</summary>
    public List<(string Name, int Begin, int Length)> Fields { get; } = [];

    public object this[string key]
    {
        set
        {
            Values.RemoveAll(pair => pair.Key == key);
            Values.Add((key, value));
        }
    }

    public byte[] Build(int alignment = 32)
    {
        _bytes.SetLength(0);
        Fields.Clear();
        Field("magic", "GGUF"u8);
        UInt32("version", 3);
        UInt64("tensor count", (ulong)Tensors.Count);
        UInt64("key count", (ulong)Values.Count);
        foreach ((string key, object value) in Values)
        {
            Text($"{key}: name", key);
            Value(key, value);
        }
        long offset = 0;
        foreach ((string name, long[] shape, uint type, byte[] data) in Tensors)
        {
            Text($"{name}: name", name);
            UInt32($"{name}: axes", (uint)shape.Length);
            foreach (long size in shape.Reverse())
                UInt64($"{name}: size", (ulong)size);
            UInt32($"{name}: type", type);
            UInt64($"{name}: offset", (ulong)offset);
            offset += (data.Length + alignment - 1) / alignment * alignment;
        }
        foreach ((_, _, _, byte[] data) in Tensors)
        {
            Pad(alignment);
            _bytes.Write(data);
        }
        Pad(alignment);
        return _bytes.ToArray();
    }

    public void Save(string path) => File.WriteAllBytes(path, Build());

    /// <summary>Adds a byte-level tokenizer of a few tokens and merges, the last token being a control token.</summary>
    public GgufBuilder WithTokenizer(int vocabularySize)
    {
        string[] tokens = [.. "Ġabcdefghijklmnopqrstuvwxyz0123456789".Select(character => $"{character}"), "ab", "abc", "Ġa", "Ġab"];
        tokens = [.. tokens, .. Enumerable.Range(0, vocabularySize - tokens.Length - 1).Select(i => $"<unused{i}>"), "<|end|>"];
        this["tokenizer.ggml.model"] = "gpt2";
        this["tokenizer.ggml.pre"] = "smollm";
        this["tokenizer.ggml.tokens"] = tokens;
        this["tokenizer.ggml.token_type"] = tokens.Select(token => token == "<|end|>" ? 3 : token[0] == '<' ? 5 : 1).ToArray();
        this["tokenizer.ggml.merges"] = (string[])["a b", "ab c", "Ġ a", "Ġa b"];
        this["tokenizer.ggml.bos_token_id"] = (uint)vocabularySize - 1;
        this["tokenizer.ggml.eos_token_id"] = (uint)vocabularySize - 1;
        this["tokenizer.ggml.add_bos_token"] = false;
        return this;
    }

    private void Value(string key, object value)
    {
        uint type = value switch
        {
            uint => 4,
            int => 5,
            float => 6,
            bool => 7,
            string => 8,
            Array => 9,
            ulong => 10,
            double => 12,
            _ => throw new ArgumentException(key),
        };
        UInt32($"{key}: type", type);
        if (value is not Array array)
        {
            Scalar(key, value);
            return;
        }
        UInt32($"{key}: element type", array switch { string[] => 8u, int[] => 5, float[] => 6, _ => throw new ArgumentException(key) });
        UInt64($"{key}: count", (ulong)array.Length);
        foreach (object element in array)
            Scalar($"{key}: element", element);
    }

    private void Scalar(string name, object value)
    {
        switch (value)
        {
            case string text: Text(name, text); break;
            case bool flag: Field(name, [flag ? (byte)1 : (byte)0]); break;
            case uint number: UInt32(name, number); break;
            case int number: UInt32(name, (uint)number); break;
            case float number: UInt32(name, BitConverter.SingleToUInt32Bits(number)); break;
            case ulong number: UInt64(name, number); break;
            case double number: UInt64(name, BitConverter.DoubleToUInt64Bits(number)); break;
        }
    }

    private void Text(string name, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        UInt64($"{name}: length", (ulong)bytes.Length);
        Field($"{name}: text", bytes);
    }

    private void UInt32(string name, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Field(name, bytes);
    }

    private void UInt64(string name, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Field(name, bytes);
    }

    private void Field(string name, ReadOnlySpan<byte> bytes)
    {
        Fields.Add((name, (int)_bytes.Position, bytes.Length));
        _bytes.Write(bytes);
    }

    private void Pad(int alignment)
    {
        while (_bytes.Position % alignment != 0)
            _bytes.WriteByte(0);
    }
}
