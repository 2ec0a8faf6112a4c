using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>What single features do to a metric, against the reference's values.</summary>
public sealed class FeatureAttributionTests
{
    [SharedFact(SpliceCase.Folder)]
    public void Gradient_times_activation_is_the_references()
    {
        using SpliceCase golden = new();
        FeatureEffects withError = FeatureAttribution.Of(golden.Model, golden, golden.Difference, golden.At);
        FeatureEffects spliced = FeatureAttribution.Of(golden.Model, golden, golden.Difference, golden.WithoutError);
        SpliceCase.Close(golden.Attribution("attribution.with_error"), withError.ToTensor());
        SpliceCase.Close(golden.Attribution("attribution.spliced"), spliced.ToTensor());
        SpliceCase.Close(golden.Attribution("metric.clean"), tensor(withError.Measured.ToArray()));
        SpliceCase.Close(golden.Attribution("metric.spliced"), tensor(spliced.Measured.ToArray()));
        Tensor active = golden.Splicing("feature_acts");
        Assert.Equal(active.ne(0).sum().item<long>(), withError.All.Length);
        Assert.All(withError.All, one => Assert.Equal(active[one.Prompt, one.Position, one.Feature].item<double>(), one.Activation, 1e-9));
        // The gradient of each feature that is active.
        Tensor gradient = golden.Attribution("gradient.with_error");
        Assert.All(withError.All, one => Assert.Equal(
            gradient[one.Prompt, one.Position, one.Feature].item<double>(), one.Effect / one.Activation, 1e-7));
    }

    [SharedTheory(SpliceCase.Folder)]
    [InlineData(WayRule.Left, 5)]
    [InlineData(WayRule.Left, 10)]
    [InlineData(WayRule.Right, 5)]
    [InlineData(WayRule.Right, 10)]
    [InlineData(WayRule.Midpoint, 1)]
    [InlineData(WayRule.Midpoint, 5)]
    [InlineData(WayRule.Midpoint, 10)]
    public void Integrated_gradients_are_the_references(WayRule rule, int steps)
    {
        using SpliceCase golden = new();
        string name = $"{rule}".ToLower(CultureInfo.InvariantCulture);
        FeatureEffects effects = FeatureAttribution.Of(golden.Model, golden, golden.Difference, golden.At, steps, rule);
        SpliceCase.Close(golden.Attribution($"integrated_gradients.zero_baseline.{name}.{steps}"), effects.ToTensor());
    }

    [SharedFact(SpliceCase.Folder)]
    public void Another_rows_features_are_a_baseline_too()
    {
        using SpliceCase golden = new();
        FeatureAttributionOptions options = new() { From = "other" };
        FeatureEffects effects = FeatureAttribution.Of(golden.Model, golden, golden.Difference, golden.At, 10, options: options);
        SpliceCase.Close(golden.Attribution("integrated_gradients.other_row_baseline.midpoint.10"), effects.ToTensor());
        Tensor other = golden.Attribution("other_feature_acts");
        Assert.All(effects.All, one => Assert.Equal(other[one.Prompt, one.Position, one.Feature].item<double>(), one.Baseline, 1e-9));
        using RunResult exchanged = Intervention.On(golden.Model).Splice("Sae", SpliceCase.Site, golden.Sae)
            .Freeze($"{SpliceCase.Site}.sae.features", "other").LogitDifference("correct", "wrong").Run(golden);
        SpliceCase.Close(golden.Attribution("metric.other_row_features_with_error"), exchanged["LogitDifference"].Values);
    }

    /// <summary>The sum over features is what the metric loses with all of them: the stored distance is that of 50 steps.</summary>
    [SharedFact(SpliceCase.Folder)]
    public void Integrated_gradients_add_up_to_what_all_features_are_worth()
    {
        using SpliceCase golden = new();
        using RunResult off = Intervention.On(golden.Model).Splice("Sae", SpliceCase.Site, golden.Sae)
            .Zero($"{SpliceCase.Site}.sae.features").LogitDifference("correct", "wrong").Run(golden);
        SpliceCase.Close(golden.Attribution("metric.all_features_off_with_error"), off["LogitDifference"].Values);
        FeatureEffects effects = FeatureAttribution.Of(golden.Model, golden, golden.Difference, golden.At, 50);
        SpliceCase.Close(golden.Attribution("integrated_gradients.zero_baseline.midpoint.50"), effects.ToTensor());
        double[] without = off["LogitDifference"].Values.data<double>().ToArray();
        double worst = Enumerable.Range(0, golden.Prompts.Count).Max(prompt => Math.Abs(
            effects.OfPrompt(prompt).Sum(one => one.Effect) - effects.Measured[prompt] + without[prompt]));
        Assert.Equal(golden.Number("integrated_gradients_completeness_worst_midpoint_50"), worst, 1e-9);
    }

    [SharedFact(SpliceCase.Folder)]
    public void Ablations_are_the_references()
    {
        using SpliceCase golden = new();
        FeatureEffects withError = FeatureAttribution.Ablations(golden.Model, golden, golden.Difference, golden.At);
        FeatureEffects spliced = FeatureAttribution.Ablations(golden.Model, golden, golden.Difference, golden.WithoutError);
        SpliceCase.Close(golden.Attribution("ablation_effect.with_error"), withError.ToTensor());
        SpliceCase.Close(golden.Attribution("ablation_effect.spliced"), spliced.ToTensor());
        Tensor exact = withError.ToTensor().flatten();
        Assert.Equal(golden.Number("correlation_attribution_ablation_with_error"), Correlation(
            FeatureAttribution.Of(golden.Model, golden, golden.Difference, golden.At).ToTensor().flatten(), exact), 0.05);
    }

    [SharedFact(SpliceCase.Folder)]
    public void Direct_effects_are_the_references()
    {
        using SpliceCase golden = new();
        SpliceCase.Close(golden.Attribution("direct.decoder_logits"), FeatureLogits.Of(golden.Model, golden.Sae));
        Tensor direct = FeatureAttribution.Direct(golden.Model, golden, golden.Difference, golden.At).ToTensor();
        SpliceCase.Close(golden.Attribution("direct.feature_effect_last_position"), direct[.., -1]);
        Assert.Equal(0, direct[.., ..^1].abs().max().item<double>()); // no other position reaches the logits straight
        using RunResult scale = Intervention.On(golden.Model).Capture("Scale", "ln_final.scale[pos=end]").Run(golden);
        SpliceCase.Close(golden.Attribution("direct.final_scale_last_position"), scale.Run("only")["Scale"].flatten());
        FeatureTokens tokens = FeatureLogits.Top(golden.Model, golden.Sae, 6, 3);
        (Tensor values, _) = golden.Attribution("direct.decoder_logits")[6].topk(3);
        SpliceCase.Close(values, tensor(tokens.Promoted.Select(pair => pair.Logit).ToArray()));
        Assert.Contains("promoted", $"{tokens}", StringComparison.Ordinal);
    }

    /// <summary>Batches, budgets and the naive executor change no value; prompts may differ in length.</summary>
    [Fact]
    public void Runs_in_parts_and_naive_runs_say_the_same()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("llama");
        using Sae sae = RandomSets.Dictionary(model, features: 10, seed: 3);
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4);
        InterventionGraph metric = Intervention.On(model).LogitDifference("correct", "wrong").Graph;
        FeatureSite at = new(sae, "blocks.1.resid_post");
        FeatureAttributionOptions usual = new() { From = "corrupted" };
        foreach (RunOptions run in (RunOptions[])[new() { BatchSize = 1 }, new() { Naive = true }])
        {
            FeatureAttributionOptions other = usual with { Run = run };
            Same(FeatureAttribution.Of(model, prompts, metric, at, 3, options: usual),
                FeatureAttribution.Of(model, prompts, metric, at, 3, options: other));
            Same(FeatureAttribution.Ablations(model, prompts, metric, at, usual),
                FeatureAttribution.Ablations(model, prompts, metric, at, other));
            Same(FeatureAttribution.Direct(model, prompts, metric, at, usual),
                FeatureAttribution.Direct(model, prompts, metric, at, other));
        }

        static void Same(FeatureEffects expected, FeatureEffects actual)
        {
            Assert.True(expected.All.Length > 10 && expected.All.Any(one => Math.Abs(one.Effect) > 1e-3));
            SpliceCase.Close(expected.ToTensor(), actual.ToTensor());
        }
    }

    [Fact]
    public void Effects_are_printed_saved_and_ranked()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Sae sae = RandomSets.Dictionary(model, features: 24, seed: 3);
        List<RunProgress> seen = [];
        FeatureEffects effects = FeatureAttribution.Of(
            model, ToyPrompts.Random(5, 6, 4), Intervention.On(model).LogitDifference("correct", "wrong").Graph,
            new FeatureSite(sae, "blocks.0.resid_post"), steps: 2,
            options: new() { Run = new() { BatchSize = 1, Progress = new Told(seen) } });
        Assert.Equal([1, 2, 3, 4], seen.Select(progress => progress.Done));
        Assert.All(seen, progress => Assert.Equal(4, progress.Total));
        Assert.Equal(effects.All.Max(one => Math.Abs(one.Effect)), Math.Abs(effects.Top(1)[0].Effect));
        (int feature, double sum) = effects.ByFeature()[0];
        Assert.Equal(effects.All.Where(one => one.Feature == feature).Sum(one => one.Effect) / 2, sum, 1e-12);
        Assert.All($"{effects}".Split('\n'), line => Assert.True(line.Length <= 80, line));
        using TemporaryFolder folder = new();
        effects.SaveCsv(folder["effects.csv"]);
        Assert.Equal(effects.All.Length + 1, File.ReadAllLines(folder["effects.csv"]).Length);
    }

    [Fact]
    public void What_is_no_metric_or_no_site_is_refused()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Sae sae = RandomSets.Dictionary(model, features: 24, seed: 3);
        ToyPrompts prompts = ToyPrompts.Random(5, 6);
        InterventionGraph metric = Intervention.On(model).LogitDifference("correct", "wrong").Graph;
        FeatureSite at = new(sae, "blocks.0.resid_post");
        Refused("one metric", () => FeatureAttribution.Of(model, prompts, new InterventionGraph { Name = "None" }, at));
        Refused("wildcards", () => FeatureAttribution.Of(model, prompts, metric, at with { Site = "blocks.*.resid_post" }));
        Refused("the run that is measured", () => FeatureAttribution.Of(model, prompts, metric, at, options: new() { From = "clean" }));
        Refused("not added to the stream", () => FeatureAttribution.Direct(model, prompts, metric, at with { Site = "blocks.0.mlp_in" }));

        static void Refused(string reason, Func<object> call) =>
            Assert.Contains(reason, Assert.Throws<InterventionException>(call).Message, StringComparison.Ordinal);
    }

    private static double Correlation(Tensor a, Tensor b)
    {
        Tensor x = a - a.mean(), y = b - b.mean();
        return ((x * y).sum() / (x.norm() * y.norm())).item<double>();
    }

    private sealed class Told(List<RunProgress> all) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => all.Add(value);
    }
}
