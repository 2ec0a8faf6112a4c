using System.Text.Json.Nodes;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Families;

/// <summary>What a checkpoint says twice and differently, and what nobody reads, is seen.</summary>
public sealed class ContradictionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Families => [.. SmallDecoders.Names];

    [Theory]
    [MemberData(nameof(Families))]
    public void A_saved_model_of_every_family_comes_back_identical(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel saved = SmallDecoders.Model(family, ScalarType.Float32);
        saved.Save(_folder.Path);
        using DecoderModel loaded = DecoderModel.Load(_folder.Path);
        Assert.Equal(saved.Config, loaded.Config);
        Assert.Empty(loaded.Warnings);
        Assert.All(saved.Weights, weight => Assert.True(SmallDecoders.Same(weight.Value, loaded.Weights[weight.Key]), weight.Key));
        // A family's table reads what it lists, and lists what it reads.
        HashSet<string> asked = [];
        DecoderFamily table = DecoderFamily.Named(saved.Config.Family);
        _ = table.Read(new Listening(ConfigFile.Read(_folder["config.json"]), asked));
        Assert.Subset(table.Keys.SelectMany(key => key.Names).ToHashSet(), asked);
        Assert.Equal(table.ClassOf(saved.Config), table.ClassOf(loaded.Config));
    }

    [Fact]
    public void A_tied_head_that_differs_is_refused_and_twins_load_under_either_name()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = DecoderModel.Random(SmallDecoders.LlamaConfig with { TiedUnembedding = true });
        model.Save(_folder.Path);
        Tensor ids = SmallDecoders.Prompts(), expected = model.Forward(ids);
        Dictionary<string, Tensor> stored = SafeTensors.Load(_folder["model.safetensors"]);
        Tensor embedding = stored["model.embed_tokens.weight"];

        stored["lm_head.weight"] = embedding * 0.5;
        SafeTensors.Save(_folder["model.safetensors"], stored);
        Assert.Contains(
            "holds 'lm_head.weight', which is not 'model.embed_tokens.weight', although 'tie_word_embeddings'", Refusal(),
            StringComparison.Ordinal);

        stored["lm_head.weight"] = embedding.clone();
        SafeTensors.Save(_folder["model.safetensors"], stored);
        using (DecoderModel both = DecoderModel.Load(_folder.Path))
            Assert.True(Distance.Largest(both.Forward(ids), expected) < 1e-6);
        stored.Remove("model.embed_tokens.weight");
        SafeTensors.Save(_folder["model.safetensors"], stored);
        using DecoderModel head = DecoderModel.Load(_folder.Path);
        Assert.True(Distance.Largest(head.Forward(ids), expected) < 1e-6);
    }

    [Fact]
    public void Rotary_numbers_fill_gaps_and_must_agree()
    {
        DecoderModel.Random(SmallDecoders.LlamaConfig).SaveTo(_folder.Path);
        Change(("rope_parameters", """{ "rope_type": "default" }"""), ("rope_theta", "500000"));
        Assert.Equal(500000, Theta());
        Change(("rope_parameters", """{ "rope_type": "default", "rope_theta": 500000 }"""), ("rope_theta", "500000"));
        Assert.Equal(500000, Theta());
        Change(("rope_parameters", """{ "rope_type": "default", "rope_theta": 10000 }"""), ("rope_theta", "500000"));
        Assert.Contains("'rope_theta' is 500000, and the rotary parameters say 10000: leave one out", Refusal(), StringComparison.Ordinal);
        Change(("rope_scaling", """{ "type": "linear", "factor": 2 }"""));
        Assert.Contains("'rope_scaling' is there beside 'rope_parameters'", Refusal(), StringComparison.Ordinal);

        double Theta()
        {
            using DecoderModel model = DecoderModel.Load(_folder.Path);
            return model.Config.Rotary!.Theta;
        }
    }

    [Fact]
    public void Two_spellings_of_one_size_must_agree()
    {
        DecoderModel.Random(SmallDecoders.Gpt2Config).SaveTo(_folder.Path);
        Change(("n_ctx", "16"));
        using (DecoderModel model = DecoderModel.Load(_folder.Path))
            Assert.Empty(model.Warnings);
        Change(("n_ctx", "32"));
        Assert.Contains("'n_ctx' is 32, and 'n_positions' is 16; both say the same thing", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_nobody_reads_is_named_once()
    {
        DecoderModel.Random(SmallDecoders.LlamaConfig).SaveTo(_folder.Path);
        Change(("initializer_range", "0.02"), ("pretraining_tp", "1"), ("torch_dtype", "\"float32\""), ("logit_scale", "2.5"));
        using DecoderModel model = DecoderModel.Load(_folder.Path);
        string warning = Assert.Single(model.Warnings);
        Assert.EndsWith("config.json' has keys that a llama does not read: 'logit_scale'.", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_family_that_is_not_there_is_told_by_the_nearest_and_by_what_no_family_knows()
    {
        DecoderModel.Random(SmallDecoders.Config("qwen3")).SaveTo(_folder.Path);
        Change(("model_type", "\"qwen9\""), ("hyper_connections", "4"), ("use_sliding_window", "false"));
        string message = Refusal();
        Assert.Contains("describes a model of type 'qwen9'; supported are gpt2, llama", message, StringComparison.Ordinal);
        Assert.EndsWith(
            "Nearest comes qwen3, which does not know 'hyper_connections'; no family knows 'hyper_connections'.", message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("phi", "qk_layernorm", "true", "'qk_layernorm' is true, and norms of queries and keys are not supported")]
    [InlineData(
        "opt", "do_layer_norm_before", "false", "'do_layer_norm_before' is false, and norms of the stream itself are not supported")]
    [InlineData("opt", "word_embed_proj_dim", "16", "'word_embed_proj_dim' is not 'hidden_size', 32")]
    [InlineData("gptj", "rotary_dim", "12", "'rotary_dim' is 12; an even number up to the 8 coordinates")]
    [InlineData("qwen3_moe", "mlp_only_layers", "[1]", "'mlp_only_layers' names layers")]
    [InlineData("qwen3_moe", "decoder_sparse_step", "2", "'decoder_sparse_step' is not 1")]
    [InlineData("mixtral", "num_experts_per_tok", "9", "'num_experts_per_tok' is 9, and there are 4 experts")]
    [InlineData("gemma3_text", "layer_types", """["full_attention"]""", "'layer_types' has 1 entries, and there are 3 layers")]
    [InlineData("gemma2", "layer_types", """["a", "b", "c"]""", "'layer_types' has 'a'; supported are full_attention, sliding_attention")]
    [InlineData("gpt_neo", "attention_layers", "null", "'attention_layers' is missing")]
    [InlineData(
        "stablelm", "rope_parameters", """{ "rope_theta": 10000, "partial_rotary_factor": 0.9 }""",
        "makes 7 of a head's 8 coordinates turn")]
    public void What_a_family_cannot_do_is_refused_by_name(string family, string key, string value, string reason)
    {
        DecoderModel.Random(SmallDecoders.Config(family)).SaveTo(_folder.Path);
        Change((key, value));
        Assert.Contains(reason, Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Layer_types_overrule_the_pattern()
    {
        DecoderModel.Random(SmallDecoders.Config("gemma3_text")).SaveTo(_folder.Path);
        Change(("_sliding_window_pattern", "2"));
        using (DecoderModel model = DecoderModel.Load(_folder.Path))
            Assert.Equal([2], model.Config.GlobalLayers);
        Change(("layer_types", "null"));
        using DecoderModel pattern = DecoderModel.Load(_folder.Path);
        Assert.Equal([1], pattern.Config.GlobalLayers);
    }

    [Theory]
    [InlineData("llama", "model.layers.1.self_attn.rotary_emb.inv_freq")]
    [InlineData("qwen3", "model.layers.0.self_attn.rotary_emb.inv_freq")]
    [InlineData("gpt_neox", "gpt_neox.layers.0.attention.rotary_emb.inv_freq")]
    [InlineData("gpt_neox", "gpt_neox.layers.2.attention.masked_bias")]
    [InlineData("gpt2", "transformer.h.0.attn.bias")]
    public void A_stored_table_that_the_configuration_determines_changes_nothing(string family, string tensor)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family, ScalarType.Float32);
        model.Save(_folder.Path);
        Dictionary<string, Tensor> stored = SafeTensors.Load(_folder["model.safetensors"]);
        stored[tensor] = full([4], 7.0f);
        SafeTensors.Save(_folder["model.safetensors"], stored);
        using DecoderModel loaded = DecoderModel.Load(_folder.Path);
        Assert.True(SmallDecoders.Same(model.Forward(SmallDecoders.Prompts()), loaded.Forward(SmallDecoders.Prompts())));

        stored[tensor + ".other"] = full([4], 7.0f);
        SafeTensors.Save(_folder["model.safetensors"], stored);
        Assert.Contains($"does not have: {tensor}.other.", Refusal(), StringComparison.Ordinal);
    }

    private void Change(params (string Key, string Value)[] changes)
    {
        JsonNode config = JsonNode.Parse(File.ReadAllText(_folder["config.json"]))!;
        foreach ((string key, string value) in changes)
            config[key] = JsonNode.Parse(value);
        File.WriteAllText(_folder["config.json"], config.ToJsonString());
    }

    private string Refusal() => Assert.Throws<CheckpointException>(() => DecoderModel.Load(_folder.Path)).Message;

    /// <summary>A configuration that notes what it is asked for.</summary>
    private sealed class Listening(IConfig config, HashSet<string> asked) : IConfig
    {
        public IEnumerable<string> Names => config.Names;

        public bool Has(string name) => config.Has(Noted(name));

        public bool Says(string name) => config.Says(Noted(name));

        public int Integer(string name, int? otherwise = null) => config.Integer(Noted(name), otherwise);

        public double Number(string name, double? otherwise = null) => config.Number(Noted(name), otherwise);

        public bool Flag(string name, bool otherwise) => config.Flag(Noted(name), otherwise);

        public string Text(string name, string? otherwise = null) => config.Text(Noted(name), otherwise);

        public IReadOnlyList<string>? Texts(string name) => config.Texts(Noted(name));

        public IReadOnlyList<double>? Numbers(string name) => config.Numbers(Noted(name));

        public IConfig? Section(string name) => config.Section(Noted(name));

        public Exception Wrong(string name, string reason) => config.Wrong(name, reason);

        private string Noted(string name)
        {
            asked.Add(name);
            return name;
        }
    }
}

internal static class Saving
{
    /// <summary>Saves a model and frees it.</summary>
    public static void SaveTo(this DecoderModel model, string folder)
    {
        using (model)
            model.Save(folder);
    }
}
