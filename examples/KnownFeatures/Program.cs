// Does a dictionary find the features that values were made of, and what does it gain where dead features begin anew?
// dotnet run -c Release --project examples/KnownFeatures -- [STEPS]
using System.Globalization;
using Interventions.Examples.KnownFeatures;
using Interventions.Features;
using TorchSharp;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
int steps = args.ElementAtOrDefault(0) is { } text ? int.Parse(text) : 5000;
Console.Write(KnownFeaturesStudy.Of(steps, seeds: 3));

namespace Interventions.Examples.KnownFeatures
{
    /// <summary>Sparse sums of known directions, more of them than dimensions.</summary>
    /// <param name="Directions">Of norm 1, <c>[known, d]</c>.</param>
    /// <param name="Chance">How often each is part of a value.</param>
    public sealed record KnownValues(Tensor Directions, double Chance) : IDisposable
    {
        /// <summary>Random directions.</summary>
        public static KnownValues Of(int known, int width, double chance, int seed)
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = new((ulong)seed);
            Tensor rows = nn.functional.normalize(randn([known, width], generator: generator));
            return new KnownValues(rows.DetachFromDisposeScope(), chance);
        }

        /// <summary>Batches without an end: each feature for itself with its chance, between 0.75 and 1.25 large.</summary>
        public IActivationBatches Batches(int size, int seed) => ActivationBatches.Of(step =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = new(unchecked((uint)((seed * 1_000_003L) + step)));
            long[] shape = [size, Directions.shape[0]];
            Tensor isThere = rand(shape, generator: generator).lt(Chance).to_type(ScalarType.Float32);
            Tensor sizes = rand(shape, generator: generator).mul(0.5).add(0.75).mul(isThere);
            return new ActivationBatch(sizes.mm(Directions).MoveToOuterDisposeScope());
        });

        /// <inheritdoc/>
        public void Dispose() => Directions.Dispose();
    }

    /// <summary>One trained dictionary.</summary>
    /// <param name="Training">Which training.</param>
    /// <param name="Seed">Of directions, values and weights.</param>
    /// <param name="Recovery">How well its rows are the known directions.</param>
    /// <param name="Last">The last step's metrics.</param>
    public sealed record Trained(string Training, int Seed, FeatureRecovery Recovery, SaeTrainingStep Last);

    /// <summary>Dictionaries of known features, trained with and without resampling.</summary>
    public sealed record KnownFeaturesStudy(IReadOnlyList<Trained> Trainings)
    {
        private const int Known = 64, Width = 32;
        private const double Chance = 0.05;

        public const string Calm = "calm", Rough = "rough", Resampled = "rough, resampled";

        /// <summary>
        /// Trains. A calm training warms up and finds nearly all; a rough one starts with all of its learning rate and penalty, which kills
        /// features for good.
        /// </summary>
        public static KnownFeaturesStudy Of(int steps, int seeds)
        {
            SaeTrainingOptions calm = new()
            {
                Objective = new SaeObjective.Standard(L1: 0.4),
                Features = Known,
                Steps = steps,
                LearningRate = 1e-3,
                WarmUpSteps = steps / 10,
                SparsityWarmUpSteps = steps / 10,
                DeadAfter = 100,
                RecordEvery = steps,
            };
            SaeTrainingOptions rough = calm with { LearningRate = 0.02, WarmUpSteps = 0, SparsityWarmUpSteps = 0 };
            Resampling resampling = new() { At = [steps / 4, steps / 2], Window = steps / 10 };
            List<Trained> trainings = [];
            foreach (int seed in Enumerable.Range(1, seeds))
            {
                using KnownValues values = KnownValues.Of(Known, Width, Chance, seed);
                foreach ((string name, SaeTrainingOptions options) in new[]
                    { (Calm, calm), (Rough, rough), (Resampled, rough with { Resampling = resampling }) })
                {
                    using SaeTrainingResult result = SaeTraining.Train(values.Batches(2048, seed), options with { Seed = seed });
                    trainings.Add(new Trained(
                        name, seed, FeatureRecovery.Of(values.Directions, result.Sae.Weights.Decoder), result.History[^1]));
                }
            }
            return new KnownFeaturesStudy(trainings);
        }

        /// <summary>The mean over seeds of MMCS.</summary>
        public double MeanOf(string training) =>
            Trainings.Where(one => one.Training == training).Average(one => one.Recovery.Mean);

        /// <summary>A row for each dictionary.</summary>
        public override string ToString() => $"""
            {Known} known features in {Width} dimensions, {Known * Chance:0.0} of them in a value on the average.
            training          seed   MMCS  above 0.9    L0  expl. variance  dead
            {string.Join('\n', Trainings.OrderBy(one => one.Training).Select(one =>
                $"{one.Training,-16} {one.Seed,5} {one.Recovery.Mean,6:0.000} {one.Recovery.PartAbove(0.9),10:0%} {one.Last.L0,5:0.0}"
                + $" {one.Last.ExplainedVariance,15:0.000} {one.Last.DeadFeatures,5}"))}
            Resampling gains {MeanOf(Resampled) - MeanOf(Rough):0.000} of MMCS.

            """;
    }
}
