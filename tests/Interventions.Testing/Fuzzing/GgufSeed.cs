using System.Text;

namespace Interventions.Testing.Fuzzing;

/// <summary>A small GGUF file: a Llama of one layer in float32 and Q8_0, with a tokenizer.</summary>
internal static class GgufSeed
{
    private const int Alignment = 32, Width = 32;

    public static byte[] Llama()
    {
        string[] tokens = [.. Enumerable.Range(0, 256).Select(i => $"{(char)(i + 0x100)}").Concat(["a", "b", "ab", "<s>"])];
        (string Key, object Value)[] values =
        [
            ("general.architecture", "llama"), ("general.name", "seed"), ("llama.block_count", 1u), ("llama.context_length", 16u),
            ("llama.embedding_length", (uint)Width), ("llama.feed_forward_length", (uint)Width), ("llama.attention.head_count", 4u),
            ("llama.attention.head_count_kv", 2u), ("llama.vocab_size", (uint)tokens.Length),
            ("llama.attention.layer_norm_rms_epsilon", 1e-5f), ("llama.rope.freq_base", 10000f), ("llama.rope.dimension_count", 8u),
            ("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "gpt-2"), ("tokenizer.ggml.tokens", tokens),
            ("tokenizer.ggml.token_type", tokens.Select(token => token == "<s>" ? 3 : 1).ToArray()),
            ("tokenizer.ggml.merges", new[] { "a b" }), ("tokenizer.ggml.bos_token_id", (uint)tokens.Length - 1),
            ("tokenizer.ggml.add_bos_token", false),
        ];
        (string Name, long[] Shape, uint Type)[] tensors =
        [
            ("token_embd.weight", [tokens.Length, Width], 8), ("blk.0.attn_norm.weight", [Width], 0), ("blk.0.ffn_norm.weight", [Width], 0),
            ("blk.0.attn_q.weight", [Width, Width], 8), ("blk.0.attn_k.weight", [Width / 2, Width], 0),
            ("blk.0.attn_v.weight", [Width / 2, Width], 8), ("blk.0.attn_output.weight", [Width, Width], 0),
            ("blk.0.ffn_gate.weight", [Width, Width], 0), ("blk.0.ffn_up.weight", [Width, Width], 8),
            ("blk.0.ffn_down.weight", [Width, Width], 0), ("output_norm.weight", [Width], 0),
        ];
        using MemoryStream file = new();
        using BinaryWriter writer = new(file);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)tensors.Length);
        writer.Write((ulong)values.Length);
        foreach ((string key, object value) in values)
        {
            Text(writer, key);
            Value(writer, value);
        }
        long offset = 0;
        foreach ((string name, long[] shape, uint type) in tensors)
        {
            Text(writer, name);
            writer.Write((uint)shape.Length);
            foreach (long size in shape.Reverse())
                writer.Write((ulong)size);
            writer.Write(type);
            writer.Write((ulong)offset);
            offset += (Bytes(shape, type) + Alignment - 1) / Alignment * Alignment;
        }
        writer.Write(new byte[(Alignment - (file.Position % Alignment)) % Alignment]);
        writer.Write(new byte[offset]);
        return file.ToArray();
    }

    private static long Bytes(long[] shape, uint type)
    {
        long count = shape.Aggregate(1L, (product, size) => product * size);
        return type == 0 ? count * sizeof(float) : count / 32 * 34;
    }

    private static void Text(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static void Value(BinaryWriter writer, object value)
    {
        writer.Write(value switch { string => 8u, uint => 4u, float => 6u, bool => 7u, _ => 9u });
        switch (value)
        {
            case string text: Text(writer, text); break;
            case uint number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case bool truth: writer.Write(truth); break;
            case string[] texts:
                writer.Write(8u);
                writer.Write((ulong)texts.Length);
                foreach (string text in texts)
                    Text(writer, text);
                break;
            case int[] numbers:
                writer.Write(5u);
                writer.Write((ulong)numbers.Length);
                foreach (int number in numbers)
                    writer.Write(number);
                break;
        }
    }
}
