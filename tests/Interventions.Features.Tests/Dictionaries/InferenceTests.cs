using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Dictionaries;

/// <summary>Every dictionary of the reference is read from its files and gives the values of the program that wrote it.</summary>
public sealed class InferenceTests
{
    private const double Tolerance = 1e-5;

    [SharedTheory("reference/features/sae")]
    [SaeCases]
    public void Values_agree(string name)
    {
        using SaeCase golden = new(name);
        Tensor features = golden.Sae.Encode(golden.X);
        Near(golden["feature_acts"], features);
        Assert.True(features.ne(0).eq(golden["feature_acts"].ne(0)).all().item<bool>());
        Near(golden["reconstruction"], golden.Sae.Decode(features, golden.X));
        if (golden.Has("pre_activations"))
            Near(golden["pre_activations"], golden.Sae.PreActivations(golden.X));
    }

    [SharedTheory("reference/features/sae")]
    [SaeCases]
    public void Folding_norms_gives_the_stored_weights_and_values(string name)
    {
        using SaeCase golden = new(name);
        if (!golden.Has("fold_norm.W_dec"))
            return;
        using Sae folded = golden.Sae.FoldNorms();
        IsStored(golden, "fold_norm", folded);
    }

    [SharedTheory("reference/features/sae")]
    [SaeCases]
    public void Folding_a_scale_gives_the_stored_weights_and_values(string name)
    {
        using SaeCase golden = new(name);
        if (!golden.Has("fold_scale.scale"))
            return;
        using Sae folded = golden.Sae.FoldScale(golden["fold_scale.scale"].item<double>());
        IsStored(golden, "fold_scale", folded);
    }

    [SharedTheory("reference/features/sae")]
    [SaeCases]
    public void Metrics_agree(string name)
    {
        using SaeCase golden = new(name);
        if (golden.Metrics() is not { } stored || !stored.TryGetProperty("explained_variance", out _))
            return;
        Tensor x = Flat(golden.X), y = Flat(golden["reconstruction"]);
        SaeMetrics metrics = SaeMetrics.Of(x, golden["feature_acts"], y);
        Dictionary<string, double> ours = new()
        {
            ["l0"] = metrics.L0,
            ["l1"] = metrics.L1,
            ["mse_sum_over_dims"] = metrics.SquaredError,
            ["normalized_mse_per_token"] = metrics.RelativeError,
            ["explained_variance"] = metrics.ExplainedVariance,
            ["explained_variance_mean_of_token_ratios"] = metrics.MeanOfExplainedVariances,
            ["explained_variance_of_residual"] = metrics.ExplainedVarianceOfResidual,
            ["cosine_similarity"] = metrics.CosineSimilarity,
            ["l2_ratio"] = metrics.NormRatio,
            ["relative_reconstruction_bias"] = metrics.RelativeBias,
            ["dead_features"] = metrics.DeadFeatures,
        };
        Assert.All(ours, pair => Assert.Equal(stored.GetProperty(pair.Key).GetDouble(), pair.Value, 1e-9));
        Assert.All(
            stored.GetProperty("log10_frequency_eps1e-10").EnumerateArray().Zip(metrics.Frequencies),
            pair => Assert.Equal(pair.First.GetDouble(), Math.Log10(pair.Second + 1e-10), 1e-6));

        static Tensor Flat(Tensor value) => value.dim() == 3 ? value.flatten(-2) : value;
    }

    [SharedFact("reference/features/sae/oracles.json")]
    public void Explained_variance_of_known_predictors()
    {
        using DisposeScope scope = NewDisposeScope();
        using SaeCase golden = new("standard");
        using JsonDocument oracles = JsonDocument.Parse(File.ReadAllText(SharedData.Path("reference/features/sae/oracles.json")));
        Tensor x = golden.X.to_type(ScalarType.Float64), mean = x.mean([0L]).expand_as(x);
        foreach ((string name, Tensor y) in new (string, Tensor)[]
            { ("mean_predictor", mean), ("halfway", mean + ((x - mean) * 0.5)), ("perfect", x) })
        {
            SaeMetrics metrics = SaeMetrics.Of(x, golden["feature_acts"], y);
            JsonElement stored = oracles.RootElement.GetProperty(name);
            Assert.Equal(stored.GetProperty("explained_variance").GetDouble(), metrics.ExplainedVariance, 1e-9);
            Assert.Equal(stored.GetProperty("mse_sum_over_dims").GetDouble(), metrics.SquaredError, 1e-9);
            Assert.Equal(stored.GetProperty("cosine_similarity").GetDouble(), metrics.CosineSimilarity, 1e-9);
        }
    }

    [SharedTheory("reference/features/sae")]
    [SaeCases]
    public void What_is_saved_is_read_again_bit_by_bit(string name)
    {
        using SaeCase golden = new(name);
        using TemporaryFolder folder = new();
        golden.Sae.Save(folder.Path);
        using Sae read = Sae.Load(folder.Path);
        Assert.Equal(golden.Sae.Config with { }, read.Config);
        Assert.True(golden.Sae.Encode(golden.X).Equals(read.Encode(golden.X)));
        Assert.True(golden.Sae.Reconstruct(golden.X).Equals(read.Reconstruct(golden.X)));
    }

    private static void IsStored(SaeCase golden, string name, Sae folded)
    {
        foreach ((string weight, Tensor value) in folded.Weights.Named)
            Near(golden[$"{name}.{weight}"], value);
        Tensor features = folded.Encode(golden.X);
        Near(golden[$"{name}.feature_acts"], features);
        Near(golden[$"{name}.reconstruction"], folded.Decode(features, golden.X));
    }

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        double worst = (expected - actual).abs().max().to_type(ScalarType.Float64).item<double>();
        Assert.True(worst <= Tolerance, $"off by {worst}");
    }
}
