using Interventions.Testing.Oracles;
using Interventions.Testing.ToyModels;
using Interventions.Models.Decoder;
using Interventions.Models.Tests.Decoder;
using Interventions.Testing.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>Models in GGUF files: the same model as in the Hugging Face layout, or one sentence that says why not.</summary>
public sealed class GgufModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<DecoderConfig> Configs => new()
    {
        SmallDecoders.LlamaConfig,
        SmallDecoders.LlamaConfig with
        {
            TiedUnembedding = true, QkvBias = true, AttentionOutBias = true, MlpBias = true, DHead = 6, ScoreScale = 1 / Math.Sqrt(6),
            NormEpsilon = 1e-5, Rotary = new RotaryConfig(500, new RotaryScaling.Linear(4)),
        },
        SmallDecoders.LlamaConfig with { KvHeads = 4, Layers = 11 },
    };

    [Theory]
    [MemberData(nameof(Configs))]
    public void A_llama_is_the_model_that_was_stored(DecoderConfig config)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel stored = Random(config);
        GgufConversion.Of(stored).Save(_folder["model.gguf"]);
        using DecoderModel loaded = DecoderModel.Load(_folder["model.gguf"]);
        Assert.Equal(stored.Config, loaded.Config);
        Assert.Equal(stored.WeightsFingerprint(), loaded.WeightsFingerprint());
        Assert.All(stored.Weights, weight => Assert.True(SmallDecoders.Same(weight.Value, loaded.Weights[weight.Key]), weight.Key));
        Tensor ids = SmallDecoders.Prompts();
        Assert.True(Distance.Largest(stored.Forward(ids), loaded.Forward(ids)) < 1e-6);

        using DecoderModel wide = DecoderModel.Load(_folder["model.gguf"], ScalarType.Float64);
        Assert.All(wide.Weights.Values, weight => Assert.Equal(ScalarType.Float64, weight.dtype));
    }

    [Theory]
    [InlineData(1), InlineData(30), InlineData(2), InlineData(3), InlineData(6), InlineData(7), InlineData(8)]
    [InlineData(12), InlineData(13), InlineData(14)]
    public void Matrices_of_a_type_are_the_numbers_that_it_stores(uint type)
    {
        using DisposeScope scope = NewDisposeScope();
        DecoderConfig config = LlamaModel.Configure(
            layers: 1, heads: 4, kv_heads: 2, d_model: 256, neurons: 512, vocabularySize: 300, contextLength: 16);
        using DecoderModel model = DecoderModel.Random(config);
        GgufConversion.Of(model, name => name.Contains("norm", StringComparison.Ordinal) ? 0 : type).Save(_folder["model.gguf"]);
        using DecoderModel loaded = DecoderModel.Load(_folder["model.gguf"]);
        foreach ((string name, Tensor weight) in model.Weights.Where(weight => weight.Value.dim() == 2))
        {
            // Rows change places as wholes, and blocks lie in a row.
            float[] expected = GgufQuants.Store(type, weight.contiguous().data<float>().ToArray()).Stored;
            Assert.True(expected.SequenceEqual(loaded.Weights[name].contiguous().data<float>().ToArray()), name);
        }
    }

    [Fact]
    public void A_folder_with_one_file_is_that_file()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig, seed: 5);
        using DecoderModel other = DecoderModel.Random(SmallDecoders.LlamaConfig, seed: 6);
        GgufConversion.Of(stored).Save(_folder["a.gguf"]);
        using (DecoderModel loaded = DecoderModel.Load(_folder.Path))
            Assert.True(SmallDecoders.Same(stored.Weights["embed.weight"], loaded.Weights["embed.weight"]));

        GgufConversion.Of(stored).Save(_folder["b.gguf"]);
        Assert.Contains("has 2 GGUF files (a.gguf, b.gguf): give the path of one.", Refusal(_folder.Path), StringComparison.Ordinal);

        other.Save(_folder.Path);
        using (DecoderModel loaded = DecoderModel.Load(_folder.Path))
            Assert.True(SmallDecoders.Same(other.Weights["embed.weight"], loaded.Weights["embed.weight"]));
        Assert.Contains("is a llama, not a gpt2", Refusal(() => Gpt2Small.Load(_folder["a.gguf"])), StringComparison.Ordinal);
        Assert.Contains("is no Stories260K: ", Refusal(() => Stories260K.Load(_folder["a.gguf"])), StringComparison.Ordinal);
    }

    [Fact]
    public void A_saved_copy_has_the_weights_and_the_tokenizer()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig, seed: 5);
        GgufConversion.Of(stored).WithTokenizer(61).Save(_folder["model.gguf"]);
        using DecoderModel loaded = DecoderModel.Load(_folder["model.gguf"]);
        loaded.Save(_folder["copy"]);
        using DecoderModel copy = DecoderModel.Load(_folder["copy"]);
        Assert.Equal(stored.WeightsFingerprint(), copy.WeightsFingerprint());
        Assert.Equal(new long[] { 0, 37, 2, 60, 30 }, loaded.Encode(" abb<|end|>3"));
        Assert.Equal(loaded.Encode(" abc 12<|end|>"), copy.Encode(" abc 12<|end|>"));
        Assert.Equal(loaded.Tokenizer.EosId, copy.Tokenizer.EosId);
    }

    [Fact]
    public void A_mistral_is_a_llama_that_does_not_say_its_window()
    {
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig, seed: 5);
        GgufConversion.Of(stored).Save(_folder["model.gguf"]);
        using DecoderCheckpoint checkpoint = DecoderCheckpoint.Open(_folder["model.gguf"]).OfFamily("mistral");
        Assert.Equal(stored.Config with { Family = "mistral" }, checkpoint.Config);
        Assert.Contains(
            "does not say how many tokens back a mistral looks: every token sees all before it", Assert.Single(checkpoint.Warnings),
            StringComparison.Ordinal);
        stored.Save(_folder["folder"]);    // there, the family is said
        Assert.Contains(
            "is a llama, not a mistral.",
            Assert.Throws<CheckpointException>(() => DecoderCheckpoint.Open(_folder["folder"]).OfFamily("mistral")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("linear", 4f, 4.0)]
    [InlineData(null, 4f, 4.0)]
    [InlineData("none", 4f, null)]
    [InlineData(null, null, null)]
    public void A_factor_of_rotary_positions_is_linear_unless_the_file_says_otherwise(string? type, float? factor, double? expected)
    {
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig, seed: 5);
        GgufBuilder file = GgufConversion.Of(stored);
        if (type is not null)
            file["llama.rope.scaling.type"] = type;
        if (factor is { } number)
            file["llama.rope.scaling.factor"] = number;
        file.Save(_folder["model.gguf"]);
        using DecoderModel loaded = DecoderModel.Load(_folder["model.gguf"]);
        Assert.Equal(expected is { } divisor ? new RotaryScaling.Linear(divisor) : null, loaded.Config.Rotary!.Scaling);
    }

    [Fact]
    public void A_file_without_a_tokenizer_says_so()
    {
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig, seed: 5);
        GgufConversion.Of(stored).Save(_folder["model.gguf"]);
        using DecoderModel loaded = DecoderModel.Load(_folder["model.gguf"]);
        Assert.Null(loaded.Encode("a"));
        string message = Assert.Throws<InvalidOperationException>(() => loaded.Tokenizer).Message;
        Assert.Contains("has no tokenizer: the file holds weights alone", message, StringComparison.Ordinal);
    }

    public static TheoryData<string, object?, string> Keys => new()
    {
        { "general.architecture", "mamba", "holds a model of architecture 'mamba'; read from GGUF files are gpt2, llama, " },
        { "general.architecture", 3u, "does not say what model it holds" },
        { "general.type", "adapter", "'general.type' is 'adapter'; whole models are read ('model')." },
        { "general.quantization_version", 1u, "'general.quantization_version' is 1; version 2 is read." },
        { "split.count", 3u, "is one of the 3 files that hold the model ('split.count'). Merge them: llama-gguf-split --merge." },
        { "llama.attention.sliding_window", 4u, "has 1 keys that may change the model and are not read: 'llama.attention.sliding_wi" },
        { "my.key", 4u, "has 1 keys that may change the model and are not read: 'my.key'." },
        { "llama.block_count", null, "'llama.block_count' is missing." },
        { "llama.block_count", 0u, "'llama.block_count' must be an integer from 1 to 2147483647, and is 0." },
        { "llama.block_count", 2_000_000_000u, "'llama.block_count' is 2000000000, and the file has 30 tensors." },
        { "llama.block_count", 4u, "has no tensor 'blk.3.attn_norm.weight', which its configuration asks for." },
        { "llama.block_count", 2u, "tensors that a llama of this configuration does not have: blk.2.attn_k.weight, " },
        { "llama.context_length", null, "'llama.context_length' is missing." },
        { "llama.context_length", ulong.MaxValue, "is 18446744073709551615, too large." },
        { "llama.embedding_length", "32", "length' must be an integer from 1 to 2147483647, and is '32'." },
        { "llama.feed_forward_length", 41u, "holds 'blk.0.ffn_gate.weight' of shape [40, 32]; its configuration asks for [41, 32]." },
        { "llama.attention.head_count", 2u, "'llama.rope.dimension_count' is 8, and a llama of these sizes has 16." },
        { "llama.attention.head_count_kv", (int[])[2, 2], "kv' must be an integer from 1 to 2147483647, and is an array of 2 " },
        { "llama.attention.head_count_kv", 3u, "'llama.attention.head_count_kv' is 3, which does not divide 4 query heads." },
        { "llama.attention.value_length", 4u, "'llama.attention.value_length' is 4, and a llama of these sizes has 8." },
        { "llama.attention.layer_norm_rms_epsilon", null, "'llama.attention.layer_norm_rms_epsilon' is missing." },
        { "llama.attention.layer_norm_rms_epsilon", float.NaN, "norm_rms_epsilon' must be a positive number, and is NaN." },
        { "llama.rope.freq_base", -1f, "'llama.rope.freq_base' must be a positive number, and is -1." },
        { "llama.rope.scaling.type", "yarn", "'llama.rope.scaling.type' is 'yarn'; supported are none, linear." },
        { "llama.rope.scaling.type", "linear", "'llama.rope.scaling.factor' is missing." },
        { "llama.vocab_size", 62u, "holds 'token_embd.weight' of shape [61, 32]; its configuration asks for [62, 32]." },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public void An_unusable_key_is_refused_with_the_reason(string key, object? value, string reason)
    {
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig);
        GgufBuilder file = GgufConversion.Of(stored);
        file.Values.RemoveAll(pair => pair.Key == key);
        if (value is not null)
            file[key] = value;
        file.Save(_folder["model.gguf"]);
        long before = LiveTensors.Count();
        string message = Refusal(_folder["model.gguf"]);
        Assert.StartsWith($"'{_folder["model.gguf"]}' ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void Missing_strange_misshapen_and_broken_tensors_are_named()
    {
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig);
        string With(string name, long[]? shape, uint type = 0, float value = 0)
        {
            GgufBuilder file = GgufConversion.Of(stored);
            file.Tensors.RemoveAll(tensor => tensor.Name == name);
            if (shape is not null)
            {
                byte[] data = [.. Enumerable.Repeat(value, (int)shape.Aggregate((a, b) => a * b)).SelectMany(BitConverter.GetBytes)];
                file.Tensors.Add((name, shape, type, data));
            }
            file.Save(_folder["model.gguf"]);
            return Refusal(_folder["model.gguf"]);
        }

        long before = LiveTensors.Count();
        const string name = "blk.1.attn_k.weight";
        void Refused(string reason, string message) => Assert.Contains(reason, message, StringComparison.Ordinal);
        Refused($"has no tensor '{name}', which its configuration asks for.", With(name, null));
        Refused($"holds '{name}' of shape [32, 16]; its configuration asks for [16, 32].", With(name, [32, 16]));
        Refused("holds 1 tensors that a llama of this configuration does not have: rope.weight. If they do ", With("rope.weight", [4]));
        Refused("'rope_freqs.weight' does not have the factors of Llama 3's scaling", With("rope_freqs.weight", [4], value: 2));
        Refused("'rope_freqs.weight' does not have the factors of Llama 3's scaling", With("rope_freqs.weight", [5], value: 1));
        Refused($"holds tensor '{name}' of type 10; read are F32 (0), F16 (1), ", With(name, [16, 32], type: 10));
        Refused($"is damaged: tensor '{name}' holds NaN, which is no weight.", With(name, [16, 32], value: float.NaN));
        Assert.Equal(before, Tensor.TotalCount);
    }

    /// <summary>A model without weights that are 0 or 1.</summary>
    private static DecoderModel Random(DecoderConfig config)
    {
        DecoderModel model = DecoderModel.Random(config, seed: 5);
        using var _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (Tensor weight in model.Weights.Values)
            weight.add_(randn_like(weight).mul_(0.1));
        return model;
    }

    private static string Refusal(string path) => Refusal(() => DecoderModel.Load(path));

    private static string Refusal(Func<DecoderModel> load) => Assert.Throws<CheckpointException>(load).Message;
}
