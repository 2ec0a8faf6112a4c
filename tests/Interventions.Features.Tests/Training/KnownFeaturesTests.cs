extern alias KnownFeaturesExample;

using System.Text.Json;
using KnownFeaturesExample::Interventions.Examples.KnownFeatures;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Training;

/// <summary>Features that values were made of are found again.</summary>
public sealed class KnownFeaturesTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [SharedFact("reference/features/superposition/superposition.json")]
    public void Recovery_is_that_of_the_reference()
    {
        Dictionary<string, Tensor> golden = SafeTensors.Load(SharedData.Path("reference/features/superposition/superposition.safetensors"));
        JsonElement stored = JsonDocument.Parse(File.ReadAllText(SharedData.Path("reference/features/superposition/superposition.json")))
            .RootElement.GetProperty("mmcs");
        FeatureRecovery recovery = FeatureRecovery.Of(golden["mmcs.true"], golden["mmcs.learned"]);
        Assert.Equal(stored.GetProperty("mean").GetDouble(), recovery.Mean, 1e-12);
        Assert.Equal(stored.GetProperty("above_0_9").GetDouble(), recovery.PartAbove(0.9), 1e-12);
        Assert.Equal(golden["mmcs.best_row"].data<long>().ToArray(), recovery.Rows);
        Assert.True(tensor(recovery.Cosines.ToArray()).allclose(golden["mmcs.best_cosine"], 1e-12, 1e-12));
    }

    [Fact]
    public void Recovery_does_not_depend_on_norms_or_the_order_of_rows()
    {
        Tensor rows = randn(5, 4, float64), mixed = cat([rows.flip(0).mul(3.0), zeros(1, 4, float64)]);
        FeatureRecovery recovery = FeatureRecovery.Of(rows, mixed);
        Assert.Equal(1, recovery.Mean, 1e-12);
        Assert.Equal([4L, 3, 2, 1, 0], recovery.Rows.ToArray());
        Assert.Throws<ArgumentException>(() => FeatureRecovery.Of(rows, randn(5, 3, float64)));
    }

    /// <summary>The example for one seed and fewer steps.</summary>
    [Fact]
    public void A_short_training_finds_most_known_features()
    {
        using KnownValues values = KnownValues.Of(known: 16, width: 12, chance: 0.08, seed: 1);
        SaeTrainingOptions options = new()
        {
            Objective = new SaeObjective.Standard(0.3),
            Features = 16,
            Steps = 1500,
            LearningRate = 3e-3,
            WarmUpSteps = 100,
            SparsityWarmUpSteps = 300,
        };
        using SaeTrainingResult result = SaeTraining.Train(values.Batches(256, 1), options);
        FeatureRecovery recovery = FeatureRecovery.Of(values.Directions, result.Sae.Weights.Decoder);
        Assert.True(recovery.Mean > 0.95, $"{recovery}\n{result}");
    }

    [Fact]
    [Trait("Duration", "long")]
    public void A_calm_training_finds_nearly_all_and_resampling_mends_fast_ones()
    {
        KnownFeaturesStudy study = KnownFeaturesStudy.Of(steps: 1500, seeds: 3);
        Assert.True(study.MeanOf(KnownFeaturesStudy.Rates[0], isResampled: false) > 0.97, $"{study}");
        Assert.All(KnownFeaturesStudy.Rates.Skip(1), rate => Assert.True(study.GainAt(rate) > 0.003, $"{study}"));
        Assert.All(study.ToString().Split('\n'), line => Assert.True(line.Length <= 80, line));
    }
}
