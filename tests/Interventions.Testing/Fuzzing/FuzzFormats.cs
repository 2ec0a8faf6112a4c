using System.Buffers.Binary;
using System.Text;
using Interventions.Models;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Testing.ToyModels;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.Fuzzing;

/// <summary>The formats of checkpoints, each with a reader that does all that loading a model does with such a file.</summary>
public sealed class FuzzFormats : IDisposable
{
    public static readonly IReadOnlyList<string> Names = ["safetensors", "gguf", "pytorch", "config.json", "tokenizer.json"];

    // In memory where the system has such a folder: a million files go through it.
    private readonly string _folder = Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory($"/dev/shm/interventions-{Guid.NewGuid():N}").FullName
        : Directory.CreateTempSubdirectory("interventions-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A format by its name.</summary>
    public FuzzFormat this[string name] => name switch
    {
        "safetensors" => Safetensors(),
        "gguf" => Gguf(),
        "pytorch" => PyTorch(),
        "config.json" => Config(),
        "tokenizer.json" => Tokenizer(),
        _ => throw new ArgumentException($"there is no format '{name}': {string.Join(", ", Names)}", nameof(name)),
    };

    private FuzzFormat Safetensors()
    {
        using DisposeScope scope = NewDisposeScope();
        string path = Path.Combine(_folder, "seed.safetensors");
        SafeTensors.Save(path, new Dictionary<string, Tensor>
        {
            ["a.weight"] = arange(12, ScalarType.Float32).view(3, 4),
            ["b"] = tensor(2.5, ScalarType.Float64),
            ["c"] = zeros(0, 3, dtype: ScalarType.Int64),
            ["d"] = ones(5, ScalarType.BFloat16),
            ["e"] = ones(3, ScalarType.Bool),
        });
        byte[] whole = File.ReadAllBytes(path);
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(whole);
        byte[] data = whole[(8 + length)..];
        // The header alone is damaged, and its length stays true: so damage goes deeper.
        FuzzSeed header = new(whole[8..(8 + length)], json => [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. data]);
        return new("safetensors", [new FuzzSeed(whole), header, header], Tokens(
            "\"dtype\"", "\"shape\"", "\"data_offsets\"", "\"__metadata__\"", "F32", "BF16", "BOOL", "F8_E4M3", "[0,", "{", "}", "[",
            "]", ",",
            ":", "\\ud800", "\"\"", "null", "1e5", "-1", "9223372036854775807"), Load, typeof(CheckpointException))
        { IsText = true };

        void Load(byte[] bytes)
        {
            Dictionary<string, Tensor> tensors = SafeTensors.Load(Write("fuzzed.safetensors", bytes));
            foreach (Tensor tensor in tensors.Values)
            {
                Touch(tensor);
                tensor.Dispose();
            }
        }
    }

    private FuzzFormat Gguf() => new("gguf", [new FuzzSeed(GgufSeed.Llama())], Tokens(
        "llama", "general.alignment", "general.architecture", "tokenizer.ggml.pre", "llama.block_count", "blk.0.attn_q.weight",
        "output.weight", "GGUF", "smollm", "\u0009\0\0\0", "\0\0\0\0\0\0\0\u0001"), bytes => Open(Write("fuzzed.gguf",
        bytes)), typeof(CheckpointException));

    private FuzzFormat PyTorch()
    {
        using DisposeScope scope = NewDisposeScope();
        string path = Path.Combine(_folder, "seed.bin");
        PickleWriter.Save(path, new() { ["a.weight"] = ones(3, 4).t(), ["b.bias"] = ones(5).to(ScalarType.BFloat16) });
        byte[] numbers = new byte[48], pickle = PickleWriter.Pickle(new Dictionary<string, PickledTensor>
        {
            ["a"] = new("0", ScalarType.Float32, 12, 0, [3, 4], [4, 1]),
            ["b"] = new("1", ScalarType.BFloat16, 24, 2, [2], [3]),
        });
        FuzzSeed inner = new(pickle, damaged => PickleWriter.Zipped(damaged, [numbers, numbers]));
        return new("pytorch", [new FuzzSeed(File.ReadAllBytes(path)), inner, inner], Tokens(
            "cos\nsystem\n", "c__builtin__\neval\n", "csubprocess\nPopen\n", "ctorch._utils\n_rebuild_tensor_v2\n",
            "ccollections\nOrderedDict\n", "ctorch\nFloatStorage\n", "R", "b", "(", "t", "u", "s", "}", "]", "a", "e", ")", "Q", ".",
            "N", "0",
            "\u0085", "\u0086", "\u0087", "\u0094", "h\0", "q\0", "X\u0003\0\0\0abc", "J\u00ff\u00ff\u00ff\u007f",
            "\u008a\b\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f", "PK\u0003\u0004", "PK\u0001\u0002", "PK\u0005\u0006",
            "PK\u0006\u0006", "archive/data/0"), Load, typeof(CheckpointException));

        void Load(byte[] bytes)
        {
            using PickleFile file = PickleFile.Open(Write("fuzzed.bin", bytes));
            foreach (string name in file.Names)
            {
                using Tensor tensor = file.Read(name);
                Touch(tensor);
            }
        }
    }

    private FuzzFormat Config()
    {
        string folder = Path.Combine(_folder, "model");
        List<FuzzSeed> seeds = [];
        foreach (string family in (string[])["qwen3_moe", "bloom", "gpt_neo", "phi", "gemma3_text", "gpt2", "llama"])
        {
            using DecoderModel model = DecoderModel.Random(SmallDecoders.Config(family) with { Layers = 1 });
            model.Save(folder);
            seeds.Add(new FuzzSeed(File.ReadAllBytes(Path.Combine(folder, "config.json"))));
        }
        seeds.Add(seeds[^1]); // the weights in the folder are its own
        seeds.Add(seeds[^1]);
        return new("config.json", seeds, Tokens(
            "\"rope_scaling\": {\"rope_type\": \"llama3\"},", "\"rope_parameters\": {\"rope_theta\": 1},", "\"sliding_window\": 4,",
            "\"layer_types\": [\"full_attention\"],", "\"tie_word_embeddings\": true,", "\"hidden_act\": \"relu\",",
            "\"quantization_config\": {},", "\"model_type\": \"opt\",", "\"num_hidden_layers\"", "\"head_dim\": 2,", "null", "true",
            "false",
            "{", "}", "[", "]", ",", "\\ud800", "\"\""),
            bytes =>
            {
                File.WriteAllBytes(Path.Combine(folder, "config.json"), bytes);
                Open(folder);
            }, typeof(CheckpointException))
        { IsText = true };
    }

    private static FuzzFormat Tokenizer() => new("tokenizer.json", [.. FuzzTokenizers.Seeds.Select(seed => new FuzzSeed(seed))], Tokens(
        "\"type\": \"Sequence\"", "\"BPE\"", "\"WordLevel\"", "\"Unigram\"", "\"WordPiece\"", "\"ByteLevel\"", "\"Metaspace\"", "\"Regex\"",
        "\"String\"", "\"byte_fallback\": true,", "\"ignore_merges\": true,", "\"unk_token\": \"a\",", "\\\\p{L}", "\\\\p{", "(?i:",
        "(?<a>", ")*",
        "{1,99999}", "[^", "(a+)+", "|", "\\ud800", "\\ud83d\\ude00", "\\u0000", "null", "{", "}", "[", "]", ",", ":", "\"\"", "<0x41>",
        "1e999"),
        bytes =>
        {
            HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Parse("fuzzed", bytes, "{}"u8.ToArray());
            EncodedText encoded = tokenizer.Encode("ab a1 é<x>\U0001F600");
            tokenizer.Decode(encoded.Ids);
        }, typeof(InvalidDataException), typeof(NotSupportedException))
    { IsText = true };

    /// <summary>All that loading a model does.</summary>
    private static void Open(string path)
    {
        DecoderCheckpoint checkpoint = DecoderCheckpoint.Open(path);
        using DecoderModel model = new(checkpoint); // disposes the checkpoint, also where it refuses it
        if (checkpoint.HasTokenizer)
            model.Encode("ab");
    }

    private string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>Reads every byte, so that one that is not there is met.</summary>
    private static void Touch(Tensor tensor)
    {
        if (tensor.numel() == 0)
            return;
        int sum = 0;
        foreach (byte value in tensor.bytes)
            sum += value;
        GC.KeepAlive(sum);
    }

    private static byte[][] Tokens(params string[] tokens) => [.. tokens.Select(Encoding.Latin1.GetBytes)];
}
