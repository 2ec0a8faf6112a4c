using System.Text.RegularExpressions;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using Interventions.Testing.Support;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>Damaged GGUF files: each is one clear exception, never another, and never a model with other weights.</summary>
public sealed partial class GgufMutationTests : IDisposable
{
    private const int Vocabulary = 48;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, string> Fields => new()
    {
        { "magic", "00", "is not a GGUF file: it begins with the bytes 00475546, not with 47475546." },
        { "version", "01000000", "is GGUF version 1; versions 2 and 3, little-endian, are read." },
        { "version", "00000003", "is a file for big-endian machines;" },
        { "tensor count", "FFFFFFFFFFFFFFFF", "axes, and 1 to 4 are possible." },
        { "key count", "FFFFFFFFFFFFFFFF", "is truncated or damaged: at byte " },
        { "general.name: name: length", "FFFFFFFFFFFFFFFF", "key 1 takes 18446744073709551615 bytes, and the file ends after " },
        { "general.name: type", "0D000000", "the value of 'general.name' has type 13, and the types of values are 0 to 12." },
        { "general.name: text", "FF", "the value of 'general.name' is not text in UTF-8." },
        { "llama.block_count: type", "07000000", "" },
        { "tokenizer.ggml.tokens: count", "FFFFFFFFFFFFFFFF", "is an array of 18446744073709551615 elements" },
        { "tokenizer.ggml.tokens: count", "0000000000000020", "is an array of 2305843009213693952 elements" },
        { "tokenizer.ggml.tokens: element type", "09000000", "is an array of type 9; elements are numbers, texts or " },
        { "tokenizer.ggml.add_bos_token", "02", "is a truth value and holds 2; 0 and 1 are possible." },
        { "token_embd.weight: axes", "00000000", "tensor 'token_embd.weight' has 0 axes, and 1 to 4 are possible." },
        { "token_embd.weight: axes", "FFFFFFFF", "tensor 'token_embd.weight' has 4294967295 axes" },
        { "token_embd.weight: size", "0000000000000000", "has the sizes 0, 48 of Q8_0, whose rows are blocks of 32." },
        { "token_embd.weight: size", "2100000000000000", "has the sizes 33, 48 of Q8_0, whose rows are blocks of 32." },
        { "token_embd.weight: size", "00FFFFFFFFFFFFFF", "has the sizes 18446744073709551360, 48" },
        { "blk.0.attn_norm.weight: offset", "0000000000000000", "tensor 'blk.0.attn_norm.weight' begins at " },
        { "blk.0.attn_norm.weight: offset", "FFFFFFFFFFFFFFFF", "and must begin at " },
        { "output_norm.weight: size", "0001000000000000", "is truncated: tensor 'output_norm.weight' ends at byte " },
        { "output_norm.weight: size", "0100000000000000", "bytes follow the last of its 11 tensors." },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_false_field_is_refused_with_the_reason(string field, string value, string reason)
    {
        (byte[] bytes, GgufBuilder file) = Small();
        (_, int begin, int length) = file.Fields.First(known => known.Name == field);
        byte[] changed = Convert.FromHexString(value);
        changed.AsSpan(0, Math.Min(changed.Length, length)).CopyTo(bytes.AsSpan(begin));
        string message = Assert.Throws<CheckpointException>(() => Read(bytes)).Message;
        Assert.StartsWith("'file.gguf' ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_given_twice_and_an_odd_alignment_are_refused()
    {
        (_, GgufBuilder file) = Small();
        file.Tensors.Add(file.Tensors[0]);
        Assert.Contains("it has the tensor 'token_embd.weight' twice.", Refusal(file), StringComparison.Ordinal);
        (_, file) = Small();
        file.Values.Add(file.Values[1]);
        Assert.Contains("has the key 'general.name' twice.", Refusal(file), StringComparison.Ordinal);
        (_, file) = Small();
        file["general.alignment"] = 48u;
        Assert.Contains("'general.alignment' is 48, and must be a power of two", Refusal(file), StringComparison.Ordinal);
        file["general.alignment"] = 64u;
        Assert.Equal(11, Read(file.Build(alignment: 64)).Tensors.Count);

        static string Refusal(GgufBuilder file) => Assert.Throws<CheckpointException>(() => Read(file.Build())).Message;
    }

    [Fact]
    public void A_file_cut_at_any_byte_is_refused()
    {
        (byte[] bytes, _) = Small();
        GgufTensor last = Read(bytes).Tensors.Values.MaxBy(tensor => tensor.Begin)!;
        for (int length = 0; length < bytes.Length; length++)
        {
            if (length >= last.Begin + last.Bytes)    // padding alone is gone
                Read(bytes[..length]);
            else
                Assert.Throws<CheckpointException>(() => Read(bytes[..length]));
        }
        for (int length = 0; length < last.Begin; length += 61)
        {
            File.WriteAllBytes(_folder["cut.gguf"], bytes[..length]);
            Assert.Throws<CheckpointException>(() => DecoderModel.Load(_folder["cut.gguf"]));
        }
        string message = Assert.Throws<CheckpointException>(() => Read([.. bytes, 0])).Message;
        Assert.Contains("bytes follow the last of its 11 tensors", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_with_any_byte_changed_is_refused_or_is_another_true_header()
    {
        (byte[] bytes, GgufBuilder file) = Small();
        long before = LiveTensors.Count();
        using (DecoderModel model = Load(bytes, out IReadOnlyList<long>? ids))
            Assert.Equal(new long[] { 38, 1 }, ids);
        foreach ((string name, int begin, int length) in file.Fields)
        {
            List<byte[]> changes = [];
            for (int at = begin; at < begin + length; at++)
                foreach (byte mask in (byte[])[0x01, 0x80, 0xFF])
                    changes.Add(Changed(at, 1, value => (byte)(value ^ mask)));
            changes.Add(Changed(begin, length, _ => 0x00));
            changes.Add(Changed(begin, length, _ => 0xFF));
            changes.Add(Changed(begin, Math.Max(0, length - 1), _ => 0xFF));
            foreach (byte[] changed in changes)
                Check(name, changed);
        }
        Assert.Equal(before, LiveTensors.Count());

        byte[] Changed(int begin, int length, Func<byte, byte> change)
        {
            byte[] changed = [.. bytes];
            for (int at = begin; at < begin + length; at++)
                changed[at] = change(changed[at]);
            return changed;
        }

        void Check(string field, byte[] changed)
        {
            if (changed.AsSpan().SequenceEqual(bytes))
                return;
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using DecoderModel model = Load(changed, out _);
                Assert.True(Free().IsMatch(field), $"a change of '{field}' went unnoticed");
            }
            catch (CheckpointException error)
            {
                Assert.StartsWith($"'{_folder["small.gguf"]}' ", error.Message, StringComparison.Ordinal);
                Assert.InRange(error.Message.Length, 0, 1000);
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 10_000_000);
        }
    }

    /// <summary>The fields whose every value of their kind describes a possible model: nothing else in the file repeats them.</summary>
    [GeneratedRegex(
        @"^(version|general\.name: .*|llama\.context_length|llama\.attention\.layer_norm_rms_epsilon|llama\.rope\.freq_base" +
        @"|tokenizer\.ggml\.((tokens|merges): element: text|token_type: element|\w+_token_id(: name: text)?|add_bos_token)" +
        @"|(llama|tokenizer)\.[\w.]+: (element )?type)$")]
    private static partial Regex Free();

    private static GgufHeader Read(byte[] bytes) => GgufHeader.Read(new MemoryStream(bytes), "file.gguf");

    private DecoderModel Load(byte[] bytes, out IReadOnlyList<long>? ids)
    {
        File.WriteAllBytes(_folder["small.gguf"], bytes);
        DecoderModel model = DecoderModel.Load(_folder["small.gguf"]);
        try
        {
            ids = model.Encode("abca");
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>A Llama of one layer, with a tokenizer, in three types.</summary>
    private static (byte[] Bytes, GgufBuilder File) Small()
    {
        DecoderConfig config = LlamaModel.Configure(
            layers: 1, heads: 4, kv_heads: 2, d_model: 32, neurons: 32, vocabularySize: Vocabulary, contextLength: 16);
        using DecoderModel model = DecoderModel.Random(config with { TiedUnembedding = true });
        GgufBuilder file = GgufConversion.Of(model, name => name.StartsWith("token", StringComparison.Ordinal) ? 8u
            : name.Contains("norm", StringComparison.Ordinal) ? 0u : 3u).WithTokenizer(Vocabulary);
        return (file.Build(), file);
    }
}
