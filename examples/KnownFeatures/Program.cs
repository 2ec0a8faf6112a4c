// Does a dictionary find the features that values were made of, and what does it gain where dead features begin anew?
// dotnet run -c Release --project examples/KnownFeatures -- [STEPS]
using System.Globalization;
using Interventions.Examples.KnownFeatures;
using Interventions.Features;
using TorchSharp;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
int steps = args.ElementAtOrDefault(0) is { } text ? int.Parse(text) : 1500;
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
    /// <param name="Rate">The learning rate that the training began with.</param>
    /// <param name="IsResampled">Whether dead features began anew.</param>
    /// <param name="Seed">Of directions, values and weights.</param>
    /// <param name="Recovery">How well its rows are the known directions.</param>
    /// <param name="Last">The last step's metrics.</param>
    public sealed record Trained(double Rate, bool IsResampled, int Seed, FeatureRecovery Recovery, SaeTrainingStep Last);

    /// <summary>Dictionaries of known features, trained calmly and too fast, with and without resampling.</summary>
    public sealed record KnownFeaturesStudy(IReadOnlyList<Trained> Trainings)
    {
        private const int Known = 64, Width = 32, Rows = 1024;
        private const double Chance = 0.05;

        /// <summary>With the first rate no feature dies. The others, without a warm-up, push some off all values for good.</summary>
        public static IReadOnlyList<double> Rates { get; } = [0.02, 0.1, 0.15];

        /// <summary>Trains one dictionary for each rate and seed, without and with resampling.</summary>
        public static KnownFeaturesStudy Of(int steps, int seeds)
        {
            List<Trained> trainings = [];
            foreach (int seed in Enumerable.Range(1, seeds))
            {
                using KnownValues values = KnownValues.Of(Known, Width, Chance, seed);
                foreach ((double rate, bool isResampled) in Rates.SelectMany(rate => new[] { (rate, false), (rate, true) }))
                {
                    SaeTrainingOptions options = new()
                    {
                        Objective = new SaeObjective.Standard(L1: 0.4),
                        Features = Known,
                        Steps = steps,
                        LearningRate = rate,
                        WarmUpSteps = 0,
                        SparsityWarmUpSteps = 0,
                        DecayPart = 1,
                        DeadAfter = 100,
                        Resampling = isResampled
                            ? new Resampling { At = [steps / 5, 2 * steps / 5, 3 * steps / 5], Window = steps / 10 } : null,
                        RecordEvery = steps,
                        Seed = seed,
                    };
                    using SaeTrainingResult result = SaeTraining.Train(values.Batches(Rows, seed), options);
                    FeatureRecovery recovery = FeatureRecovery.Of(values.Directions, result.Sae.Weights.Decoder);
                    trainings.Add(new Trained(rate, isResampled, seed, recovery, result.History[^1]));
                }
            }
            return new KnownFeaturesStudy(trainings);
        }

        /// <summary>By how much resampling raises the mean over seeds of MMCS.</summary>
        public double GainAt(double rate) => MeanOf(rate, true) - MeanOf(rate, false);

        /// <summary>The mean over seeds of MMCS.</summary>
        public double MeanOf(double rate, bool isResampled) =>
            Trainings.Where(one => one.Rate == rate && one.IsResampled == isResampled).Average(one => one.Recovery.Mean);

        /// <summary>A row for each dictionary.</summary>
        public override string ToString() => $"""
            {Known} known features in {Width} dimensions, {Known * Chance:0.0} of them in a value on the average.
            rate  resampled  seed   MMCS  above 0.9    L0  expl. variance  dead
            {string.Join('\n', Trainings.OrderBy(one => (one.Rate, one.IsResampled, one.Seed)).Select(one =>
                $"{one.Rate,4:0.00} {(one.IsResampled ? "yes" : "no"),10} {one.Seed,5} {one.Recovery.Mean,6:0.000} "
                + $"{one.Recovery.PartAbove(0.9),10:0%} {one.Last.L0,5:0.0} {one.Last.ExplainedVariance,15:0.000} "
                + $"{one.Last.DeadFeatures,5}"))}
            At these rates resampling gains {string.Join(", ", Rates.Select(rate => $"{GainAt(rate):0.000}"))} of MMCS.

            """;
    }
}
