using System.Globalization;
using System.Text.RegularExpressions;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Decoder;

/// <summary>What can be known of a model from its configuration alone.</summary>
public sealed partial class WithoutWeightsTests
{
    private const string Llama2 = """
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": 4096,
          "intermediate_size": 11008, "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 32,
          "num_key_value_heads": 32, "rms_norm_eps": 1e-05, "rope_scaling": null, "tie_word_embeddings": false, "vocab_size": 32000
        }
        """;

    [Fact]
    public void Seven_billion_parameters_are_planned_from_config_json_alone()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["config.json"], Llama2);
        long before = Environment.WorkingSet;
        DecoderConfig config = DecoderCheckpoint.ReadConfig(folder.Path);
        Assert.Equal(config, DecoderCheckpoint.ReadConfig(folder["config.json"]));
        using DecoderModel model = DecoderModel.WithoutWeights(config);
        long parameters = DecoderWeights.Shapes(config).Sum(weight => weight.Shape.Aggregate(1L, (count, size) => count * size));
        Assert.Equal(6_738_415_616, parameters);
        Assert.Empty(SchemaDifferences.Find(model.Schema, Llama2_7B.DeclaredSchema));

        ToyPrompts prompts = ToyPrompts.Random(1, 12, 12);
        string explained = HeadSweep(model).Explain(prompts);
        Assert.Contains("1024 points in", explained, StringComparison.Ordinal);
        Assert.Contains("naively 1026 forward passes", explained, StringComparison.Ordinal);

        // All tokens of all layers are kept, of both runs at least.
        double mebibytes = double.Parse(Alive().Match(explained).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(mebibytes, 2 * 2 * 12 * 32 * 4096 * 4 / 1048576.0, 28_000);
        Assert.True(Environment.WorkingSet - before < 4L << 30, "28 GB of weights were allocated");
    }

    /// <summary>A plan is the same with and without numbers, and twice as large in numbers of twice the size.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("gemma2")]
    [InlineData("qwen3_moe")]
    public void The_plan_is_that_of_the_loaded_model(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family, ScalarType.Float32);
        using DecoderModel without = DecoderModel.WithoutWeights(model.Config);
        using DecoderModel wide = DecoderModel.WithoutWeights(model.Config, ScalarType.Float64);
        ToyPrompts prompts = ToyPrompts.Random(2, 7, 5);
        Assert.Equal(HeadSweep(model).Explain(prompts), HeadSweep(without).Explain(prompts));
        Assert.Equal(2 * Peak(without), Peak(wide));
        Assert.Null(without.WeightsFingerprint());
        Assert.Equal(model.Schema.Sites, without.Schema.Sites);

        long Peak(DecoderModel planned) =>
            InterventionRunner.Plans(HeadSweep(planned).Graph, planned, prompts).Max(plan => plan.PeakBytes);
    }

    [Fact]
    public void Many_models_without_weights_leave_no_handles()
    {
        long before = LiveTensors.Count();
        for (int i = 0; i < 3; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            using DecoderModel model = DecoderModel.WithoutWeights(SmallDecoders.LlamaConfig);
            _ = HeadSweep(model).Explain(ToyPrompts.Random(3, 4));
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void A_file_that_is_no_configuration_is_refused()
    {
        using TemporaryFolder folder = new();
        Assert.Contains("does not exist", Refusal(folder.Path), StringComparison.Ordinal);
        File.WriteAllText(folder["config.json"], "[]");
        Assert.Contains("is not a JSON object", Refusal(folder["config.json"]), StringComparison.Ordinal);

        static string Refusal(string path) => Assert.Throws<CheckpointException>(() => DecoderCheckpoint.ReadConfig(path)).Message;
    }

    private static Intervention HeadSweep(DecoderModel model) => Intervention.On(model)
        .Patch("blocks.{layer}.attn.z[head={head}; pos=end]", from: "corrupted").Capture("Residual", "blocks.*.resid_post")
        .Metric("LD", (correct, wrong) => correct - wrong, from: [Reads.Logit("correct"), Reads.Logit("wrong")]);

    [GeneratedRegex("at most about ([0-9.]+) MiB")]
    private static partial Regex Alive();
}
