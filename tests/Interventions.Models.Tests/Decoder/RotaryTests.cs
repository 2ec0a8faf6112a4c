using System.Text.Json.Nodes;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Decoder;

/// <summary>Rotary positions for longer contexts: frequencies, the factor of cosines and sines, and what configurations say.</summary>
public sealed class RotaryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The numbers that transformers' own tests expect of a head of 128 coordinates, with five digits.</summary>
    [Fact]
    public void Yarn_has_the_published_frequencies()
    {
        double[] frequencies = new RotaryConfig(10000, new RotaryScaling.Yarn(10, 2048)).Frequencies(128);
        (int Index, double Expected)[] published =
        [
            (0, 1), (1, 8.6596e-1), (16, 1e-1), (17, 8.3479e-2), (20, 4.8136e-2), (28, 1.0101e-2), (32, 4.2400e-3), (38, 8.7713e-4),
            (40, 4.3007e-4), (41, 2.7384e-4), (42, 2.3714e-4), (63, 1.1548e-5),
        ];
        Assert.Equal(64, frequencies.Length);
        Assert.All(published, item => Assert.Equal(1, frequencies[item.Index] / item.Expected, 1e-4));
        Assert.Equal((0.1 * Math.Log(10)) + 1, new RotaryScaling.Yarn(10, 2048).AttentionFactor, 1e-12);
    }

    [Theory]
    [InlineData(4, 32768, 1e6, 128, 32, 1, true)]
    [InlineData(2, 64, 10000, 16, 32, 1, true)]
    [InlineData(2, 64, 10000, 16, 8, 2, false)]
    [InlineData(40, 4096, 10000, 64, 32, 1, false)]
    [InlineData(8, 16, 500, 8, 1, 1, true)] // interpolation has no length
    [InlineData(0.5, 100, 500, 8, 3, 1, true)]
    public void Yarn_mixes_frequencies_by_their_index(
        double factor, int original, double theta, int width, double fast, double slow, bool truncated)
    {
        double[] frequencies = new RotaryConfig(
            theta, new RotaryScaling.Yarn(factor, original) { HighTurns = fast, LowTurns = slow, Truncated = truncated })
            .Frequencies(width);

        // Index d makes original / (2π · theta^(2d/width)) turns: solved for d.
        double At(double turns) => width / 2.0 * Math.Log(original / (2 * Math.PI * turns), theta);
        double low = truncated ? Math.Floor(At(fast)) : At(fast), high = truncated ? Math.Ceiling(At(slow)) : At(slow);
        (low, high) = (low < 0 ? 0 : low, high > width - 1 ? width - 1 : high);
        for (int i = 0; i < width / 2; i++)
        {
            double plain = 1 / Math.Pow(theta, 2.0 * i / width);
            double slowed = i <= low ? 0 : i >= high || low == high ? 1 : (i - low) / (high - low);
            Assert.Equal(1, frequencies[i] / ((plain / factor * slowed) + (plain * (1 - slowed))), 1e-9);
        }
        Assert.Equal(factor <= 1 ? 1 : 1 + (Math.Log(factor) / 10), new RotaryScaling.Yarn(factor, original).AttentionFactor, 1e-12);
    }

    /// <summary>The whole forward pass, with frequencies and factor written out.</summary>
    [Fact]
    public void Queries_and_keys_turn_by_the_frequencies_and_grow_by_the_factor()
    {
        RotaryScaling.LongRope scaling = new(EquatableArray.Of(1, 1.5, 2, 3), EquatableArray.Of(9.0, 9, 9, 9), 32, 16);
        double factor = Math.Sqrt(1 + (Math.Log(32) / Math.Log(16)));
        double[] frequencies = [1, Math.Pow(500, -0.25) / 1.5, Math.Pow(500, -0.5) / 2, Math.Pow(500, -0.75) / 3];
        Assert.Equal(0, Worst(scaling, frequencies, factor), 1e-9);
        Assert.NotEqual(0, Worst(scaling, frequencies, 1), 1e-3);

        RotaryScaling.Yarn yarn = new(4, 64) { CosineFactor = 0.8 };
        Assert.Equal(0, Worst(yarn, new RotaryConfig(500, yarn).Frequencies(8), 0.8), 1e-9);

        double[] plain = new RotaryConfig(500).Frequencies(8);
        Assert.Equal(0, Worst(new RotaryScaling.Dynamic(4), plain, 1), 1e-9);
        Assert.Equal(0, Worst(null, plain, 1), 1e-9);

        double Worst(RotaryScaling? scaling, double[] turns, double cosineFactor)
        {
            using DisposeScope scope = NewDisposeScope();
            using DecoderModel model = DecoderModel.Random(
                SmallDecoders.LlamaConfig with { Rotary = new RotaryConfig(500, scaling) }, dtype: ScalarType.Float64);
            foreach ((string name, Tensor weight) in model.Weights)
                if (name.EndsWith(".weight", StringComparison.Ordinal))
                    weight.mul_(10);
            Tensor ids = SmallDecoders.Prompts();
            return Distance.Largest(model.Forward(ids), StraightLine.Llama(model, ids, turns, cosineFactor));
        }
    }

    [Theory]
    // Qwen2.5 for long prompts, as its authors say to add it.
    [InlineData("qwen2", """{ "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768 }""", 4, 32768, 1.1386294361119891)]
    [InlineData("llama", """{ "rope_type": "yarn", "original_max_position_embeddings": 8 }""", 2, 8, 1.0693147180559945)]
    [InlineData("llama", """{ "rope_type": "yarn", "factor": 3, "attention_factor": 0.7 }""", 3, 16, 0.7)]
    [InlineData("llama", """{ "rope_type": "yarn", "factor": 40, "mscale": 2, "mscale_all_dim": 1 }""", 40, 16, 1.2694800)]
    [InlineData("llama", """{ "rope_type": "yarn", "factor": 40, "mscale": 2 }""", 40, 16, 1.3688879454113936)]
    public void Yarn_is_read_as_in_transformers(string family, string section, double factor, int original, double cosineFactor)
    {
        RotaryScaling.Yarn scaling = Assert.IsType<RotaryScaling.Yarn>(Read(family, section).Rotary!.Scaling);
        Assert.Equal((factor, original), (scaling.Factor, scaling.OriginalContext));
        Assert.Equal(cosineFactor, scaling.AttentionFactor, 1e-6);
        Assert.Equal((32, 1, true), (scaling.HighTurns, scaling.LowTurns, scaling.Truncated));
    }

    [Theory]
    [InlineData("longrope")]
    [InlineData("su")]
    [InlineData("yarn")] // what Phi-3 called it first
    public void Phi3_reads_prompts_up_to_the_original_context_and_says_so(string type)
    {
        DecoderConfig config = SmallDecoders.Config("phi3") with { ContextLength = 64 };
        using (DecoderModel model = DecoderModel.Random(config))
            model.Save(_folder.Path);
        Change("rope_parameters", null);
        Change("rope_scaling", $$"""{ "type": "{{type}}", "short_factor": [1, 1.1, 1.2, 1.3], "long_factor": [2, 3, 4, 5] }""");
        Change("original_max_position_embeddings", "16");
        using DecoderModel loaded = DecoderModel.Load(_folder.Path);
        RotaryScaling.LongRope scaling = Assert.IsType<RotaryScaling.LongRope>(loaded.Config.Rotary!.Scaling);
        Assert.Equal((16, 4, 16), (scaling.OriginalContext, scaling.Factor, loaded.ContextLength));
        Assert.Equal([1, 1.1, 1.2, 1.3], scaling.ShortFactors);
        Assert.Equal(Math.Sqrt(1.5), scaling.AttentionFactor, 1e-12);
        Assert.EndsWith("the model reads up to 16 tokens.", Assert.Single(loaded.Warnings), StringComparison.Ordinal);
        loaded.Save(_folder.Path);
        using DecoderModel again = DecoderModel.Load(_folder.Path);
        Assert.Equal(loaded.Config, again.Config);
    }

    [Theory]
    [InlineData("""{ "rope_type": "yarn", "factor": 2, "beta_fats": 16 }""", "'rope_parameters.beta_fats'")]
    [InlineData("""{ "rope_type": "default", "factor": 2 }""", "'rope_parameters.factor'")]
    [InlineData(
        """{ "rope_type": "linear", "factor": 2, "mrope_section": [1, 2], "beta_fast": null }""", "'rope_parameters.mrope_section'")]
    public void A_key_that_the_type_does_not_read_is_named(string section, string named)
    {
        _ = Read("llama", section);
        using DecoderModel model = DecoderModel.Load(_folder.Path);
        Assert.EndsWith($"has keys that a llama does not read: {named}.", Assert.Single(model.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_of_one_kind_of_layers_is_named()
    {
        using (DecoderModel model = DecoderModel.Random(SmallDecoders.Config("gemma3_text")))
            model.Save(_folder.Path);
        Change("rope_parameters", """
            { "full_attention": { "rope_type": "linear", "factor": 8 }, "sliding_attention": { "rope_type": "default", "factor": 3 } }
            """);
        using DecoderModel loaded = DecoderModel.Load(_folder.Path);
        Assert.EndsWith(
            "does not read: 'rope_parameters.sliding_attention.factor'.", Assert.Single(loaded.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "rope_type": "ntk" }""", "'rope_parameters.rope_type' is 'ntk'; supported are default, linear, dynamic, llama3, yarn")]
    [InlineData("""{ "rope_type": "yarn", "type": "linear" }""", "'rope_parameters.type' is 'linear', and 'rope_type' is 'yarn'")]
    [InlineData("""{ "rope_type": "longrope", "short_factor": [1, 2] }""", "'rope_parameters.short_factor' has 2 numbers, and")]
    [InlineData("""{ "rope_type": "longrope", "factor": 2 }""", "'rope_parameters.short_factor' is missing")]
    [InlineData("""{ "rope_type": "longrope", "short_factor": ["a"] }""", "'rope_parameters.short_factor' must be a list of numbers")]
    [InlineData("""{ "rope_type": "linear" }""", "'rope_parameters.factor' is missing")]
    public void What_cannot_be_read_is_refused_by_name(string section, string reason)
    {
        string message = Assert.Throws<CheckpointException>(() => Read("llama", section)).Message;
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_original_context_said_twice_must_agree()
    {
        _ = Read("llama", """{ "rope_type": "yarn", "factor": 2, "original_max_position_embeddings": 8 }""");
        Change("original_max_position_embeddings", "12");
        string message = Assert.Throws<CheckpointException>(() => DecoderCheckpoint.ReadConfig(_folder["config.json"])).Message;
        Assert.Contains(
            "'original_max_position_embeddings' is 12, and the rotary parameters say 8: leave one out", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Factors_of_another_length_and_longer_contexts_are_refused()
    {
        RotaryScaling.LongRope scaling = new(EquatableArray.Of(1.0, 2, 3, 4), EquatableArray.Of(1.0, 2, 3, 4), 4, 16);
        DecoderConfig config = SmallDecoders.LlamaConfig with { Rotary = new RotaryConfig(500, scaling) };
        Assert.Equal(config, config.Checked());
        Assert.Throws<ArgumentException>(() => (config with { ContextLength = 17 }).Checked());
        Assert.Throws<ArgumentException>(() => (config with { DHead = 6 }).Checked());
    }

    private DecoderConfig Read(string family, string section)
    {
        using (DecoderModel model = DecoderModel.Random(SmallDecoders.Config(family)))
            model.Save(_folder.Path);
        Change("rope_parameters", section);
        return DecoderCheckpoint.ReadConfig(_folder["config.json"]);
    }

    private void Change(string key, string? value)
    {
        JsonNode config = JsonNode.Parse(File.ReadAllText(_folder["config.json"]))!;
        config[key] = value is null ? null : JsonNode.Parse(value);
        File.WriteAllText(_folder["config.json"], config.ToJsonString());
    }
}
