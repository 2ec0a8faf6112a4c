using Interventions.Models.Decoder;

namespace Interventions.Models.Tests.Checkpoints;

public sealed partial class GgufMutationTests
{
    public static TheoryData<string, string, string> Values => new()
    {
        { "magic", "47475547", "is not a GGUF file: it begins with the bytes 47475547" },
        { "magic", "67677566", "is not a GGUF file" },
        { "version", "00000000", "is a file for big-endian machines; versions 2 and 3, little-endian, are read." },
        { "version", "04000000", "is GGUF version 4;" },
        { "version", "FFFFFFFF", "is GGUF version 4294967295;" },
        { "tensor count", "0000000000000000", "6503 bytes follow the last of its 0 tensors. Download or convert it again." },
        { "tensor count", "0A00000000000000", "160 bytes follow the last of its 10 tensors. Download or convert it again." },
        { "tensor count", "0C00000000000000", "tensor '' has 4127195136 axes, and 1 to 4 are possible. Download or convert" },
        { "tensor count", "FFFFFFFF00000000", "tensor '' has 4127195136 axes, and 1 to 4 are possible. Download or convert" },
        { "key count", "0000000000000000", "tensor 'general.architecture' has 8 axes, and 1 to 4 are possible. Download" },
        { "key count", "0100000000000000", "tensor 'general.name' has 8 axes, and 1 to 4 are possible. Download or" },
        { "key count", "FFFFFFFF00000000", "at byte 1632, the name of key 21 takes 13510798882111488 bytes, and the file" },
        { "general.architecture: name: length", "0000000000000000",
            "at byte 32, the value of '' has type 1701733735, and the types of values are" },
        { "general.architecture: name: length", "FFFFFFFFFFFFFF7F",
            "at byte 32, the name of key 0 takes 9223372036854775807 bytes, and the file" },
        { "general.architecture: type", "00000000", "at byte 65, the name of key 1 takes 7782220156096217088 bytes, and the file" },
        { "general.architecture: type", "09000000", "at byte 56, the value of 'general.architecture' is an array of" },
        { "general.architecture: type", "FFFFFFFF", "at byte 52, the value of 'general.architecture' has type 4294967295, and the" },
        { "general.architecture: text", "4C", "holds a model of architecture 'Llama'; read from GGUF files are" },
        { "general.name: length", "FFFFFFFFFFFFFFFF", "at byte 101, the value of 'general.name' takes 18446744073709551615 bytes," },
        { "general.name: length", "0000000000000080", "at byte 101, the value of 'general.name' takes 9223372036854775808 bytes, and" },
        { "general.name: length", "FFFFFFFF00000000", "at byte 101, the value of 'general.name' takes 4294967295 bytes, and the file" },
        { "llama.block_count", "00000000", "'llama.block_count' must be an integer from 1 to 2147483647, and is 0." },
        { "llama.block_count", "02000000", "has no tensor 'blk.1.attn_norm.weight', which its configuration asks for." },
        { "llama.block_count", "FFFFFFFF", "'llama.block_count' must be an integer from 1 to 2147483647, and is" },
        { "llama.block_count", "FFFFFF7F", "'llama.block_count' is 2147483647, and the file has 11 tensors" },
        { "llama.embedding_length", "00000000", "'llama.embedding_length' must be an integer from 1 to 2147483647, and is 0." },
        { "llama.embedding_length", "21000000", "'llama.embedding_length' is 33, which 4 heads do not divide. Convert the" },
        { "llama.embedding_length", "FFFFFF7F", "'llama.embedding_length' is 2147483647, which 4 heads do not divide. Convert" },
        { "llama.attention.head_count", "00000000", "'llama.attention.head_count' must be an integer from 1 to 2147483647, and is" },
        { "llama.attention.head_count", "03000000", "'llama.attention.head_count_kv' is 2, which does not divide 3 query heads." },
        { "llama.attention.head_count", "FFFFFF7F", "'llama.attention.head_count_kv' is 2, which does not divide 2147483647 query" },
        { "llama.attention.head_count_kv", "03000000", "'llama.attention.head_count_kv' is 3, which does not divide 4 query heads." },
        { "llama.attention.head_count_kv", "00000000", "'llama.attention.head_count_kv' must be an integer from 1 to 2147483647, and" },
        { "llama.feed_forward_length", "00000000", "'llama.feed_forward_length' must be an integer from 1 to 2147483647, and is" },
        { "llama.feed_forward_length", "FFFFFF7F", "holds 'blk.0.ffn_gate.weight' of shape [32, 32]; its configuration asks for" },
        { "llama.vocab_size", "00000000", "'llama.vocab_size' must be an integer from 1 to 2147483647, and is 0. Convert" },
        { "llama.vocab_size", "2F000000", "holds 'token_embd.weight' of shape [48, 32]; its configuration asks for [47," },
        { "llama.vocab_size", "FFFFFF7F", "holds 'token_embd.weight' of shape [48, 32]; its configuration asks for" },
        { "llama.rope.dimension_count", "07000000", "'llama.rope.dimension_count' is 7, and a llama of these sizes has 8. Convert" },
        { "llama.rope.dimension_count", "FFFFFF7F", "'llama.rope.dimension_count' is 2147483647, and a llama of these sizes has 8." },
        { "llama.attention.layer_norm_rms_epsilon", "0000C07F",
            "'llama.attention.layer_norm_rms_epsilon' must be a positive number, and is" },
        { "llama.rope.freq_base", "0000807F", "'llama.rope.freq_base' must be a positive number, and is Infinity. Convert" },
        { "token_embd.weight: type", "03000000", "tensor 'blk.0.attn_norm.weight' begins at 3872, and must begin at 3200," },
        { "token_embd.weight: type", "04000000", "holds tensor 'token_embd.weight' of type 4; read are F32 (0), F16 (1), BF16" },
        { "token_embd.weight: type", "FFFFFFFF", "holds tensor 'token_embd.weight' of type 4294967295; read are F32 (0), F16" },
        { "token_embd.weight: offset", "2000000000000000",
            "tensor 'token_embd.weight' begins at 2272, and must begin at 2240, behind the" },
        { "output_norm.weight: offset", "E0FFFFFFFFFFFFFF",
            "tensor 'output_norm.weight' begins at 18446744073709553824, and must begin at" },
        { "tokenizer.ggml.tokens: element type", "08000001", "at byte 625, the value of 'tokenizer.ggml.tokens' is an array of type" },
    };

    /// <summary>Fields whose value must fit the others, and what no value can have.</summary>
    [Theory]
    [MemberData(nameof(Values))]
    public void A_false_value_is_refused_with_the_reason(string field, string value, string reason)
    {
        (byte[] bytes, GgufBuilder file) = Small();
        (_, int begin, int length) = file.Fields.First(known => known.Name == field);
        byte[] changed = Convert.FromHexString(value);
        changed.AsSpan(0, Math.Min(changed.Length, length)).CopyTo(bytes.AsSpan(begin));
        string message = Assert.Throws<CheckpointException>(() => Load(bytes, out _).Dispose()).Message;
        Assert.StartsWith($"'{_folder["small.gguf"]}' ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }
}
