using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>Dictionaries in a model: the reference's values, and what is known without one.</summary>
public sealed class SplicingTests
{
    private const string Site = SpliceCase.Site;

    [SharedFact(SpliceCase.Folder)]
    public void The_model_and_its_ablated_sites_are_the_references()
    {
        using SpliceCase golden = new();
        SpliceCase.Close(golden.Splicing("logits.clean"), golden.Model.Forward(golden.Splicing("tokens")));
        using RunResult inner = Intervention.On(golden.Model).Splice("Sae", Site, golden.Sae, errorTerm: true)
            .Capture("Value", Site).Capture("Features", $"{Site}.sae.features").Capture("Error", $"{Site}.sae.error")
            .Capture("Decoded", $"{Site}.sae.reconstruction").Capture("Logits", "logits").Run(golden);
        IReadOnlyDictionary<string, Tensor> only = inner.Run("only");
        SpliceCase.Close(golden.Splicing("resid_pre"), only["Value"]);
        SpliceCase.Close(golden.Splicing("feature_acts"), only["Features"]);
        SpliceCase.Close(golden.Splicing("error"), only["Error"]);
        SpliceCase.Close(golden.Splicing("reconstruction"), only["Decoded"]);
        SpliceCase.Close(golden.Splicing("logits.spliced_with_error"), inner.Changed("Logits").Values);
        SpliceCase.Close(golden.Splicing("site_mean"), only["Value"].mean([0L, 1L]));
        SpliceCase.Close(golden.Splicing("site_mean_without_position_0"), only["Value"][.., 1..].mean([0L, 1L]));
        using RunResult zero = Intervention.On(golden.Model).Zero(Site).Capture("Logits", "logits").Run(golden);
        SpliceCase.Close(golden.Splicing("logits.zero_ablated_site"), zero["Logits"].Values);
        using RunResult mean = Intervention.On(golden.Model).Mean(Site, from: "only", pooled: true).Capture("Logits", "logits").Run(golden);
        SpliceCase.Close(golden.Splicing("logits.mean_ablated_site"), mean["Logits"].Values);
        using RunResult skipping = Intervention.On(golden.Model).Splice("Sae", Site, golden.Sae).Zero($"{Site}.sae.error[pos=1..-1]")
            .Capture("Logits", "logits").Run(golden);
        SpliceCase.Close(golden.Splicing("logits.spliced_skipping_position_0"), skipping["Logits"].Values);
    }

    [SharedFact(SpliceCase.Folder)]
    public void Edited_features_are_the_references()
    {
        using SpliceCase golden = new();
        int feature = golden.Json.GetProperty("feature").GetInt32(), position = golden.Json.GetProperty("position").GetInt32();
        double value = golden.Number("set_value");
        foreach ((string where, string at) in new[] { ("one_position", $"; pos={position}"), ("all_positions", "") })
        {
            foreach ((string error, bool errorTerm) in new[] { ("spliced", false), ("with_error", true) })
            {
                Intervention spliced = Intervention.On(golden.Model).Splice("Sae", Site, golden.Sae, errorTerm: errorTerm);
                string path = $"{Site}.sae.features[feature={feature}{at}]";
                foreach ((string edit, Intervention edited) in new[]
                {
                    ("zero", spliced.Zero(path)), ("double", spliced.Scale(path, 2)),
                    ("set", spliced.Patch(path, x => full_like(x, value))),
                })
                {
                    using RunResult run = edited.Capture("Logits", "logits").Run(golden);
                    SpliceCase.Close(golden.Splicing($"logits.feature_{edit}.{where}.{error}"), run["Logits"].Values);
                }
            }
        }
    }

    [SharedFact(SpliceCase.Folder)]
    public void Gradients_before_the_splice_are_the_references()
    {
        using SpliceCase golden = new();
        string original = $"{Site}.sae.original";
        foreach ((string name, bool errorTerm, bool detach) in new[]
            { ("pass_through", true, false), ("detached_error", true, true), ("spliced", false, false) })
        {
            using RunResult run = Intervention.On(golden.Model)
                .Splice("Sae", Site, golden.Sae, errorTerm: errorTerm, detachError: detach)
                // Reading the features takes the way through them.
                .Gradient("Features", $"{Site}.sae.features").Gradient("Before", original)
                .LogitDifference("correct", "wrong").Run(golden);
            SpliceCase.Close(golden.Attribution($"site_gradient.{name}"), run.Changed("Before").Values);
            SpliceCase.Close(golden.Attribution($"gradient.{(errorTerm ? "with_error" : "spliced")}"), run.Changed("Features").Values);
        }
        using RunResult clean = Intervention.On(golden.Model).Gradient("At", Site).LogitDifference("correct", "wrong").Run(golden);
        SpliceCase.Close(golden.Attribution("site_gradient.clean"), clean.Run("only")["At"]);
    }

    /// <summary>Losses by target, divergences by position. Means over a corpus are those of <see cref="Stores.EvaluationTests"/>.</summary>
    [SharedFact(SpliceCase.Folder)]
    public void Losses_and_divergences_are_the_references()
    {
        using SpliceCase golden = new();
        Intervention model = Intervention.On(golden.Model);
        Tensor ids = golden.Splicing("tokens"), clean = Logits(model);
        Dictionary<string, Tensor> runs = new()
        {
            ["clean"] = clean,
            ["spliced"] = Logits(model.Splice("Sae", Site, golden.Sae, errorTerm: false)),
            ["zero_ablated"] = Logits(model.Zero(Site)),
            ["mean_ablated"] = Logits(model.Mean(Site, from: "only", pooled: true)),
        };
        foreach ((string name, Tensor logits) in runs)
            SpliceCase.Close(
                golden.Splicing($"loss_per_target.{name}"),
                Metrics.Loss(logits[.., ..^1].flatten(0, 1), ids[.., 1..].flatten()).view(ids.shape[0], -1));
        Tensor ofSpliced = Divergence("spliced"), ofZero = Divergence("zero_ablated");
        SpliceCase.Close(golden.Splicing("kl_per_position.spliced"), ofSpliced);
        Assert.Equal(golden.Number("kl_clean_to_spliced_without_last_position"), ofSpliced[.., ..^1].mean().item<double>(), 1e-9);
        Assert.Equal(golden.Number("kl_clean_to_zero"), ofZero.mean().item<double>(), 1e-9);
        Tensor isRight = clean[.., ..^1].argmax(-1).eq(ids[.., 1..]);
        Assert.Equal(golden.Number("accuracy_clean"), isRight.to(ScalarType.Float64).mean().item<double>(), 1e-9);

        Tensor Divergence(string run) =>
            Metrics.KullbackLeibler(runs[run].flatten(0, 1), clean.flatten(0, 1)).view(ids.shape);

        Tensor Logits(Intervention changed) => changed.Capture("Logits", "logits").Run(golden)["Logits"].Values;
    }

    [SharedFact(SpliceCase.Folder)]
    public void Metrics_of_the_dictionary_are_the_references()
    {
        using SpliceCase golden = new();
        Tensor x = golden.Splicing("resid_pre");
        SaeMetrics all = SaeMetrics.Of(golden.Sae, x), rest = SaeMetrics.Of(golden.Sae, x[.., 1..]);
        Assert.Equal(golden.Number("l0"), all.L0, 1e-9);
        Assert.Equal(golden.Number("l0_without_position_0"), rest.L0, 1e-9);
        Assert.Equal(golden.Number("explained_variance"), all.ExplainedVariance, 1e-9);
        Assert.Equal(golden.Number("explained_variance_without_position_0"), rest.ExplainedVariance, 1e-9);
    }

    /// <summary>Oracle 5 of the specification: unedited, the error term makes the splice the model; an identity is one.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void An_unedited_splice_with_its_error_is_the_model(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        using Sae sae = RandomSets.Dictionary(model, features: 40, seed: 2);
        using TranscoderSet set = RandomSets.Transcoders(model, skips: true);
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4);
        using RunResult plain = Intervention.On(model).Capture("Logits", "logits").Run(prompts);
        foreach (Intervention spliced in new[]
        {
            Intervention.On(model).Splice("Sae", "blocks.1.resid_post", sae),
            Intervention.On(model).Include("set", set.ToIntervention(model)),
        })
        {
            using RunResult run = spliced.Capture("Logits", "logits").Run(prompts);
            Assert.True(plain.Run("clean")["Logits"].Equals(run.Changed("Logits").Values));
        }
        using RunResult without = Intervention.On(model).Include("set", set.ToIntervention(model, errorTerm: false))
            .Capture("Logits", "logits").Run(prompts);
        Assert.False(plain.Run("clean")["Logits"].allclose(without.Changed("Logits").Values));
    }

    [Fact]
    public void A_dictionary_of_another_width_is_refused_with_the_site_it_is_given()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Sae sae = RandomSets.Dictionary(model, features: 40, seed: 2);
        InterventionException refused = Assert.Throws<InterventionException>(() =>
            Intervention.On(model).Splice("Sae", "blocks.1.mlp.post", sae).Run(ToyPrompts.Random(5, 6)));
        Assert.Contains(".Sae cannot encode 'blocks.1.mlp.post': ", refused.Message, StringComparison.Ordinal);
        Assert.Contains("are needed", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_identity_dictionary_returns_what_is_not_negative()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sae sae = new(new SaeConfig(), new SaeWeights { Encoder = eye(6), Decoder = eye(6), DecoderBias = zeros(6) });
        Tensor x = rand(3, 6);
        Assert.True(x.Equals(sae.Reconstruct(x)));
    }

    /// <summary>With all features off, nothing passes the detached variant, and everything the other one.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_pass_features_or_everything(bool detach)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        // No feature is ever active.
        using Sae sae = new(new SaeConfig { SubtractsDecoderBias = false }, new SaeWeights
        {
            Encoder = zeros(32, 8, ScalarType.Float64),
            EncoderBias = -ones(8, ScalarType.Float64),
            Decoder = ones(8, 32, ScalarType.Float64),
            DecoderBias = zeros(32, ScalarType.Float64),
        });
        const string site = "blocks.1.resid_post";
        ToyPrompts prompts = ToyPrompts.Random(5, 6);
        Intervention measured = Intervention.On(model).LogitDifference("correct", "wrong");
        using RunResult spliced = measured.Splice("Sae", site, sae, detachError: detach)
            .Gradient("Features", $"{site}.sae.features").Gradient("Before", $"{site}.sae.original").Run(prompts);
        using RunResult plain = measured.Gradient("Before", site).Run(prompts);
        Tensor expected = detach ? zeros_like(spliced.Changed("Before").Values) : plain.Run("clean")["Before"];
        SpliceCase.Close(expected, spliced.Changed("Before").Values, 1e-12);
    }
}
