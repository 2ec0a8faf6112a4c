using System.Text.Json;
using Interventions.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Training;

/// <summary>Five steps of every objective give the numbers of the reference, float64.</summary>
public sealed class GoldenTrainingTests
{
    private const double Tolerance = 1e-9;

    /// <summary>The reference's part of features that is dead, 8 of 40, is a float32 number, and so is what is multiplied by it.</summary>
    private const double Float32 = 1e-7;

    private double _tolerance = Tolerance;

    /// <summary>Where a stored number is under another name than our term: the penalty's name is a metric's there.</summary>
    private static readonly string[] s_metrics = ["l0", "total", "gradient_norm_before_clipping", "topk_threshold_after"];

    [SharedTheory(TrainingCasesAttribute.Folder)]
    [TrainingCases]
    public void Terms_and_gradients_and_weights_agree(string name)
    {
        using TrainingCase golden = new(name);
        bool isOfPart = golden.Options.Objective is SaeObjective.Standard { Ghosts.Scale: not GhostScale.Original };
        _tolerance = isOfPart ? Float32 : Tolerance;
        using SaeTrainer trainer = new(golden.Options, golden.Weights());
        for (int step = 0; step < golden.Steps.Length; step++)
        {
            if (step == golden.Steps.Length - 1)
                Near(golden["feature_acts.last_step"], Losses(golden, trainer, step).Features);
            if (step == 0)
                Gradients_agree(golden, trainer);
            SaeTrainingStep taken = trainer.Step(golden.Batch(step), isRecorded: true, golden.Dead)!;
            JsonElement stored = golden.Steps[step];
            foreach (JsonProperty property in stored.EnumerateObject().Where(property => !s_metrics.Contains(property.Name)))
                Near(property.Value.GetDouble(), taken.Terms[property.Name]);
            Near(stored.GetProperty("total").GetDouble(), taken.Loss);
            Near(stored.GetProperty("l0").GetDouble(), taken.L0);
            Near(stored.GetProperty("gradient_norm_before_clipping").GetDouble(), taken.GradientNorm);
            if (stored.TryGetProperty("topk_threshold_after", out JsonElement threshold))
                Near(threshold.GetDouble(), trainer.Threshold);
        }
        foreach ((string weight, Tensor value) in trainer.Weights.Named)
            Near(golden.Of("final", weight), value);
    }

    /// <summary>The training mode of dictionaries that are saved as another architecture, and what is saved.</summary>
    [SharedTheory("reference/features/sae")]
    [InlineData("batchtopk")]
    [InlineData("batchtopk_no_rescale")]
    [InlineData("matryoshka_batchtopk")]
    public void What_was_chosen_by_batches_is_saved_with_a_threshold(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        string folder = SharedData.Path($"reference/features/sae/{name}");
        Dictionary<string, Tensor> golden = SafeTensors.Load(Path.Combine(folder, "expected.safetensors"));
        JsonElement constants = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "cfg.json"))).RootElement
            .GetProperty("metadata").GetProperty("training_architecture_details");
        int[] widths = constants.TryGetProperty("matryoshka_widths", out JsonElement all)
            ? [.. all.EnumerateArray().Select(width => width.GetInt32())] : [];
        SaeTrainingOptions options = new()
        {
            Objective = new SaeObjective.BatchTopK(constants.GetProperty("k").GetDouble())
            {
                RescalesByDecoderNorm = constants.GetProperty("rescale_acts_by_decoder_norm").GetBoolean(),
                ThresholdRate = constants.GetProperty("topk_threshold_lr").GetDouble(),
                InnerWidths = [.. widths.SkipLast(1)],
            },
            Features = (int)golden["training_weights.W_dec"].shape[0],
            Steps = 1,
            LearningRate = 1e-30, // the weights stay, and the threshold follows the batch
            HasUnitNorm = false,
        };
        using SaeTrainer trainer = new(options, new SaeWeights
        {
            Encoder = Weight("W_enc"),
            EncoderBias = Weight("b_enc"),
            Decoder = Weight("W_dec"),
            DecoderBias = Weight("b_dec"),
        });
        Tensor x = golden["x"];
        SaeLosses losses = SaeLosses.Of(trainer.Weights, options, trainer.Of(new ActivationBatch(x)));
        Close(golden["training.feature_acts"], losses.Features);
        Close(golden["training.reconstruction"], x.sub(losses.Error));
        foreach (int width in widths.SkipLast(1))
            Assert.Equal(
                x.sub(golden[$"training.reconstruction_width_{width}"]).pow(2).sum(-1).mean().item<float>(),
                losses.Terms.Single(term => term.Name == $"inner_mse_{width}").Value.item<float>(), 1e-5f);
        for (int i = 0; i < 25; i++)
        {
            trainer.Steps = 0;
            trainer.Step(new ActivationBatch(x), isRecorded: false);
        }
        Assert.Equal(golden["threshold_after_25_batches"].item<double>(), trainer.Threshold, 1e-6);
        using Sae trained = trainer.ToSae(), stored = Sae.Load(folder);
        Assert.IsType<Activation.JumpRelu>(trained.Config.Activation);
        foreach ((string weight, Tensor value) in stored.Weights.Named)
            Close(value, trained.Weights[weight]!);
        Close(golden["feature_acts"], trained.Encode(x));
        Close(golden["reconstruction"], trained.Reconstruct(x));

        Tensor Weight(string weight) => golden[$"training_weights.{weight}"].clone().requires_grad_().DetachFromDisposeScope();

        static void Close(Tensor expected, Tensor actual) => Assert.True(
            expected.sub(actual).abs().max().item<float>() <= 1e-5f, $"off by {expected.sub(actual).abs().max().item<float>()}");
    }

    private void Gradients_agree(TrainingCase golden, SaeTrainer trainer)
    {
        string[] names = [.. trainer.Weights.Named.Select(weight => weight.Name)];
        Tensor[] gradients = Derivatives.Of(
            Losses(golden, trainer, 0).Total, [.. trainer.Weights.Named.Select(weight => weight.Value)]);
        if (golden.Has("grad.W_dec_before_projection"))
            Near(golden["grad.W_dec_before_projection"], gradients[Array.IndexOf(names, "W_dec")]);
        using SaeTrainer unlimited = new(golden.Options with { LargestGradient = null }, golden.Weights());
        using (no_grad())
            unlimited.Prepared(gradients, wantsNorm: false);
        for (int i = 0; i < names.Length; i++)
            Near(golden.Of("grad", names[i]), gradients[i]);
    }

    private static SaeLosses Losses(TrainingCase golden, SaeTrainer trainer, int step) => SaeLosses.Of(
        trainer.Weights, golden.Options, trainer.Of(golden.Batch(step)) with { Dead = golden.Dead });

    private void Near(double expected, double actual) =>
        Assert.Equal(expected, actual, _tolerance * Math.Max(1, Math.Abs(expected)));

    private void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        double worst = expected.sub(actual).abs().max().item<double>(), largest = expected.abs().max().item<double>();
        Assert.True(worst <= _tolerance * Math.Max(1, largest), $"off by {worst}");
    }
}
