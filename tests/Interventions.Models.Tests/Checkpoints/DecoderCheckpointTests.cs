using System.Text.Json.Nodes;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>Checkpoint folders: saved ones come back, and what is wrong with one is said.</summary>
public sealed class DecoderCheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<DecoderConfig> Configs => new()
    {
        SmallDecoders.Gpt2Config,
        SmallDecoders.Gpt2Config with
        {
            TiedUnembedding = false, Activation = Activation.Relu, Neurons = 20, ScoreScaleByLayer = true, ScoreScale = 1,
            NormEpsilon = 1e-3,
        },
        SmallDecoders.LlamaConfig,
        SmallDecoders.LlamaConfig with
        {
            TiedUnembedding = true, QkvBias = true, AttentionOutBias = true, MlpBias = true, DHead = 6, ScoreScale = 1 / Math.Sqrt(6),
            Rotary = new RotaryConfig(500, new RotaryScaling.Linear(4)),
        },
        SmallDecoders.LlamaConfig with { Rotary = new RotaryConfig(500000, new RotaryScaling.Llama3(8, 1, 4, 64)) },
        SmallDecoders.LlamaConfig with { Rotary = new RotaryConfig(500, new RotaryScaling.Dynamic(3)) },
        SmallDecoders.LlamaConfig with
        {
            Rotary = new RotaryConfig(500, new RotaryScaling.Yarn(4, 8) { HighTurns = 9, LowTurns = 2, Truncated = false }),
        },
        SmallDecoders.LlamaConfig with
        {
            Rotary = new RotaryConfig(
                500, new RotaryScaling.LongRope(EquatableArray.Of(1, 1.5, 2, 2.5), EquatableArray.Of(3.0, 4, 5, 6), 32, 16)),
        },
    };

    [Theory]
    [MemberData(nameof(Configs))]
    public void A_saved_model_comes_back_identical(DecoderConfig config)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel saved = DecoderModel.Random(config, seed: 9);
        saved.Save(_folder.Path);
        using DecoderModel loaded = DecoderModel.Load(_folder.Path);
        Assert.Equal(saved.Config, loaded.Config);
        Assert.All(saved.Weights, weight => Assert.True(SmallDecoders.Same(weight.Value, loaded.Weights[weight.Key]), weight.Key));
        Tensor ids = SmallDecoders.Prompts();
        Assert.True(Distance.Largest(saved.Forward(ids), loaded.Forward(ids)) < 1e-6);

        // By file, in another type, and saved once more.
        using DecoderModel wide = DecoderModel.Load(_folder["model.safetensors"], ScalarType.Float64);
        Assert.All(wide.Weights.Values, weight => Assert.Equal(ScalarType.Float64, weight.dtype));
        byte[] first = File.ReadAllBytes(_folder["model.safetensors"]);
        loaded.Save(_folder.Path);
        Assert.Equal(first, File.ReadAllBytes(_folder["model.safetensors"]));
    }

    public static IEnumerable<object[]> FamiliesAndTypes =>
        from family in SmallDecoders.Names
        from dtype in new[] { ScalarType.Float64, ScalarType.BFloat16 }
        select new object[] { family, dtype };

    [Theory]
    [MemberData(nameof(FamiliesAndTypes))]
    public void Every_family_comes_back_bit_for_bit_in_its_type(string family, ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel saved = SmallDecoders.Model(family, dtype);
        saved.Save(_folder.Path);
        Assert.All(SafeTensors.Load(_folder["model.safetensors"]).Values, tensor => Assert.Equal(dtype, tensor.dtype));
        Assert.Contains($"\"torch_dtype\": \"{dtype.ToString().ToLowerInvariant()}\"", File.ReadAllText(_folder["config.json"]));
        ComesBack(saved);
    }

    /// <summary>Saved as a file, as shards in its place, and as a file in theirs.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("phi3")]
    [InlineData("mixtral")]
    public void Large_models_are_saved_in_shards(string family)
    {
        const long most = 30_000;
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel saved = SmallDecoders.Model(family, ScalarType.Float16);
        using DecoderModel other = SmallDecoders.Model(family, ScalarType.Float16, seed: 2);
        other.Save(_folder.Path);
        saved.Save(_folder.Path, most);
        Assert.False(File.Exists(_folder["model.safetensors"]));
        string[] files = Directory.GetFiles(_folder.Path, "model-*-of-*.safetensors");
        Assert.True(files.Length > 1);
        foreach (string file in files)
        {
            Tensor[] stored = [.. SafeTensors.Load(file).Values];
            Assert.True(stored.Length == 1 || stored.Sum(tensor => tensor.numel() * tensor.ElementSize) <= most);
        }
        ComesBack(saved);
        other.Save(_folder.Path);
        Assert.False(File.Exists(_folder["model.safetensors.index.json"]));
        ComesBack(other);
        Assert.Throws<ArgumentOutOfRangeException>(() => saved.Save(_folder.Path, 0));
    }

    [Fact]
    public void Half_precision_weights_become_float32()
    {
        using DisposeScope scope = NewDisposeScope();
        SaveExample(SmallDecoders.LlamaConfig, value => value.to_type(ScalarType.BFloat16));
        using DecoderModel model = DecoderModel.Load(_folder.Path);
        Assert.All(model.Weights.Values, weight => Assert.Equal(ScalarType.Float32, weight.dtype));
        using DecoderModel narrow = DecoderModel.Load(_folder.Path, ScalarType.BFloat16);
        Assert.All(narrow.Weights.Values, weight => Assert.Equal(ScalarType.BFloat16, weight.dtype));
    }

    [Fact]
    public void Gpt2_without_the_prefix_and_with_its_masks_is_read()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> stored = SaveExample(SmallDecoders.Gpt2Config);
        using DecoderModel expected = DecoderModel.Load(_folder.Path);
        stored = stored.ToDictionary(pair => pair.Key.Replace("transformer.", "", StringComparison.Ordinal), pair => pair.Value);
        stored["h.0.attn.bias"] = ones(1, 1, 16, 16);
        stored["h.0.attn.masked_bias"] = tensor(-1e4f);
        stored["lm_head.weight"] = stored["wte.weight"].clone();
        SafeTensors.Save(_folder["model.safetensors"], stored);
        using DecoderModel bare = DecoderModel.Load(_folder.Path);
        Tensor ids = SmallDecoders.Prompts();
        Assert.True(SmallDecoders.Same(bare.Forward(ids), expected.Forward(ids)));
    }

    [Fact]
    public void Shards_are_read_together()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> stored = SaveExample(SmallDecoders.LlamaConfig);
        using DecoderModel expected = DecoderModel.Load(_folder.Path);
        JsonObject map = Shard(stored);
        using DecoderModel sharded = DecoderModel.Load(_folder.Path);
        Tensor ids = SmallDecoders.Prompts();
        Assert.True(SmallDecoders.Same(sharded.Forward(ids), expected.Forward(ids)));

        // What no shard has and nobody needs is no reason to refuse.
        map["model.rotary.inv_freq_of_old"] = "model-00001-of-00002.safetensors";
        WriteIndex(map);
        using (DecoderModel loaded = DecoderModel.Load(_folder.Path))
            Assert.True(SmallDecoders.Same(loaded.Forward(ids), expected.Forward(ids)));

        map["model.norm.weight"] = "model-00001-of-00002.safetensors";
        WriteIndex(map);
        Assert.Contains(
            "model-00001-of-00002.safetensors' has no tensor 'model.norm.weight', which the configuration asks for, and which '", Refusal(),
            StringComparison.Ordinal);
        map["model.norm.weight"] = "../elsewhere.safetensors";
        WriteIndex(map);
        Assert.Contains("'weight_map' gives 'model.norm.weight' something else than a file name", Refusal(), StringComparison.Ordinal);
        map["model.norm.weight"] = "gone.safetensors";
        WriteIndex(map);
        Assert.Contains("gone.safetensors' does not exist.", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_strange_and_misshapen_tensors_are_named()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> stored = SaveExample(SmallDecoders.LlamaConfig);
        void With(string name, Tensor? value)
        {
            Dictionary<string, Tensor> changed = new(stored);
            changed.Remove(name);
            if (value is not null)
                changed[name] = value;
            SafeTensors.Save(_folder["model.safetensors"], changed);
        }

        With("model.layers.1.self_attn.k_proj.weight", null);
        Assert.Contains(
            "has no tensor 'model.layers.1.self_attn.k_proj.weight', which its configuration asks for.", Refusal(),
            StringComparison.Ordinal);
        With("model.layers.1.self_attn.k_proj.weight", zeros(3, 32));
        Assert.Contains(
            "holds 'model.layers.1.self_attn.k_proj.weight' of shape [3, 32]; its configuration asks for [16, 32].", Refusal(),
            StringComparison.Ordinal);
        With("model.layers.1.self_attn.q_norm.weight", zeros(8));
        Assert.Contains(
            "holds 1 tensors that a llama of this configuration does not have: model.layers.1.self_attn.q_norm.weight.", Refusal(),
            StringComparison.Ordinal);
        long before = LiveTensors.Count();
        _ = Refusal();
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Theory]
    [InlineData("model_type", "\"mamba\"", "config.json' describes a model of type 'mamba'; supported are gpt2, llama")]
    [InlineData("model_type", "null", "'model_type' is missing.")]
    [InlineData("hidden_act", "\"mish\"", "'hidden_act' is 'mish'; supported are gelu_new,")]
    [InlineData(
        "rope_parameters", """{"rope_type": "ntk", "rope_theta": 10000, "factor": 2}""",
        "'rope_parameters.rope_type' is 'ntk'; supported are default, linear, dynamic, llama3, yarn, longrope.")]
    [InlineData("rope_parameters", """{"rope_type": "linear", "rope_theta": 10000}""", "'rope_parameters.factor' is missing.")]
    [InlineData("hidden_size", "\"32\"", "'hidden_size' must be an integer of at least 1, and is \"32\".")]
    [InlineData("num_hidden_layers", "0", "'num_hidden_layers' must be an integer of at least 1, and is 0.")]
    [InlineData("num_key_value_heads", "3", "'num_key_value_heads' is 3, which does not divide 4 query heads.")]
    [InlineData("tie_word_embeddings", "1", "'tie_word_embeddings' must be true or false, and is 1.")]
    [InlineData("intermediate_size", "null", "'intermediate_size' is missing.")]
    public void An_unusable_configuration_is_refused_with_the_reason(string property, string value, string reason)
    {
        using DisposeScope scope = NewDisposeScope();
        SaveExample(SmallDecoders.LlamaConfig);
        JsonNode config = JsonNode.Parse(File.ReadAllText(_folder["config.json"]))!;
        config[property] = JsonNode.Parse(value);
        File.WriteAllText(_folder["config.json"], config.ToJsonString());
        string message = Refusal();
        Assert.StartsWith($"'{_folder["config.json"]}'", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_checkpoint_is_refused_with_the_reason()
    {
        Assert.Contains("config.json' does not exist.", Refusal(), StringComparison.Ordinal);
        File.WriteAllText(_folder["config.json"], "{");
        Assert.Contains("config.json' is not JSON", Refusal(), StringComparison.Ordinal);
        Assert.Contains("is not a checkpoint", Refusal(_folder["config.json"]), StringComparison.Ordinal);
        Assert.Contains("is neither a folder, a file nor a hub id.", Refusal(_folder["no/such/folder"]), StringComparison.Ordinal);

        using DisposeScope scope = NewDisposeScope();
        SaveExample(SmallDecoders.LlamaConfig);
        File.Delete(_folder["model.safetensors"]);
        Assert.Contains(
            "has neither model.safetensors nor model.safetensors.index.json, nor pytorch_model.bin.", Refusal(), StringComparison.Ordinal);
        File.WriteAllText(_folder["pytorch_model.bin"], "");
        Assert.Contains("is not a file of PyTorch 1.6 or later: convert it to safetensors.", Refusal(), StringComparison.Ordinal);
    }

    private void ComesBack(DecoderModel saved)
    {
        using DecoderModel loaded = DecoderModel.Load(_folder.Path, saved.Weights["embed.weight"].dtype);
        Assert.Equal(saved.Config, loaded.Config);
        Assert.Equal(saved.Weights.Keys.Order(), loaded.Weights.Keys.Order());
        Assert.All(saved.Weights, weight => Assert.True(SmallDecoders.Same(weight.Value, loaded.Weights[weight.Key]), weight.Key));
        Assert.Empty(loaded.Warnings);
    }

    private Dictionary<string, Tensor> SaveExample(DecoderConfig config, Func<Tensor, Tensor>? change = null)
    {
        using (DecoderModel model = DecoderModel.Random(config))
            model.Save(_folder.Path);
        Dictionary<string, Tensor> stored = SafeTensors.Load(_folder["model.safetensors"]);
        if (change is not null)
            SafeTensors.Save(_folder["model.safetensors"], stored.ToDictionary(pair => pair.Key, pair => change(pair.Value)));
        return stored;
    }

    private JsonObject Shard(Dictionary<string, Tensor> stored)
    {
        JsonObject map = [];
        string[] names = [.. stored.Keys.Order(StringComparer.Ordinal)];
        for (int shard = 0; shard < 2; shard++)
        {
            string file = $"model-0000{shard + 1}-of-00002.safetensors";
            Dictionary<string,
            Tensor> part = names.Where((_, i) => i * 2 / names.Length == shard).ToDictionary(name => name, name => stored[name]);
            SafeTensors.Save(_folder[file], part);
            foreach (string name in part.Keys)
                map[name] = file;
        }
        WriteIndex(map);
        File.Delete(_folder["model.safetensors"]);
        return map;
    }

    private void WriteIndex(JsonObject map) =>
        File.WriteAllText(_folder["model.safetensors.index.json"], new JsonObject { ["weight_map"] = map.DeepClone() }.ToJsonString());

    private string Refusal(string? path = null) =>
        Assert.Throws<CheckpointException>(() => DecoderModel.Load(path ?? _folder.Path)).Message;
}
