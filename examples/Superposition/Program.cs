// More features than dimensions: which of them does a small model keep, alone or shared, as they become sparser? (Elhage et al. 2022)
// dotnet run -c Release --project examples/Superposition -- [STEPS]
using System.Globalization;
using Interventions.Examples.Superposed;
using Interventions.Features;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
set_num_threads(1); // the order of sums, and so the result, must not depend on how many cores there are
SuperpositionStudy study = new() { Steps = args.FirstOrDefault() is { } steps ? int.Parse(steps) : 2500 };
Console.WriteLine("Five features in two dimensions, each 0.9 times as important as the one before\n");
Console.WriteLine(study.BySparsity([0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99]));
Console.WriteLine("The second of two features in one dimension: . is absent, | has it alone, x shares\n");
Console.WriteLine(study.PhaseDiagram(sparsities: 12, importances: 12));

namespace Interventions.Examples.Superposed
{
    /// <summary>Small models, all trained at once: they are axes in front of the tensors of one.</summary>
    public sealed class SuperpositionStudy
    {
        /// <summary>How many samples a step has.</summary>
        public int Samples { get; init; } = 512;

        /// <summary>How long each model is trained.</summary>
        public int Steps { get; init; } = 2500;

        /// <summary>How many models begin elsewhere; the best of them counts.</summary>
        public int Starts { get; init; } = 6;

        /// <summary>Five features in two dimensions, by how often a feature is 0.</summary>
        public string BySparsity(IReadOnlyList<double> sparsities)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor importance = tensor(Enumerable.Range(0, 5).Select(i => (float)Math.Pow(0.9, i)).ToArray());
            (Tensor w, Tensor loss) = Train(
                tensor(sparsities.Select(sparsity => (float)(1 - sparsity)).ToArray()), importance.expand(sparsities.Count, 5),
                dimensions: 2);
            Tensor dimensionality = Superposition.Dimensionality(w), perFeature = Superposition.DimensionsPerFeature(w);
            IReadOnlyList<IReadOnlyList<FeaturePhase>> phases = Superposition.Phases(w);
            string rows = string.Concat(sparsities.Select((sparsity, i) =>
                $"{sparsity,8:0.00}  {loss[i].item<float>(),7:0.0000}  {perFeature[i].item<float>(),8:0.00}  "
                + $"{Marks(phases[i]),-7}  {string.Join("  ", Values(dimensionality[i]).Select(value => $"{value:0.00}"))}"
                + $"  {dimensionality[i].sum().item<float>(),6:0.00}\n"));
            return $"sparsity     loss  dim/feat  phases   dimensionality of each          sum\n{rows}";
        }

        /// <summary>Two features in one dimension, by sparsity and by how much more or less important the second one is.</summary>
        public string PhaseDiagram(int sparsities, int importances)
        {
            using DisposeScope scope = NewDisposeScope();
            // From 1 down to a hundredth, and from a tenth up to ten, in equal factors.
            double[] probabilities = [.. Enumerable.Range(0, sparsities).Select(i => Math.Pow(100, -(double)i / (sparsities - 1)))];
            double[] relative = [.. Enumerable.Range(0, importances).Select(i => Math.Pow(10, (2.0 * i / (importances - 1)) - 1))];
            (double Probability, double Importance)[] points =
                [.. relative.Reverse().SelectMany(importance => probabilities.Select(probability => (probability, importance)))];
            Tensor importance = tensor(points.SelectMany(point => new[] { 1, (float)point.Importance }).ToArray()).reshape(-1, 2);
            (Tensor w, _) = Train(tensor(points.Select(point => (float)point.Probability).ToArray()), importance, dimensions: 1);
            IEnumerable<string> lines = Superposition.Phases(w).Select(model => Marks([model[1]])).Chunk(sparsities)
                .Zip(relative.Reverse(), (marks, value) => $"{value,10:0.00}  {string.Join(' ', marks)}\n");
            return $"importance  sparsity 0 to 0.99\n{string.Concat(lines)}";
        }

        /// <summary>Trains models of each row, some starts each, and gives the best start's directions and loss.</summary>
        /// <param name="probability">Of each model how often a feature is there, <c>[model]</c>.</param>
        /// <param name="importance">Of each model and feature, <c>[model, n]</c>.</param>
        /// <param name="dimensions">How many dimensions there are.</param>
        public (Tensor W, Tensor Loss) Train(Tensor probability, Tensor importance, int dimensions)
        {
            (long models, long features) = (importance.shape[0], importance.shape[1]);
            using Generator generator = new(1);
            using DisposeScope scope = NewDisposeScope();
            Tensor chances = probability.repeat_interleave(Starts), weights = importance.repeat_interleave(Starts, 0);
            var w = new Parameter(randn([models * Starts, dimensions, features], generator: generator) * 0.5);
            var b = new Parameter(zeros(models * Starts, features));
            using var optimizer = optim.Adam([w, b], lr: 0.01);
            for (int step = 0; step < Steps; step++)
            {
                using DisposeScope inner = NewDisposeScope();
                foreach (var group in optimizer.ParamGroups)
                    group.LearningRate = 0.01 * 0.5 * (1 + Math.Cos(Math.PI * step / Steps));
                optimizer.zero_grad();
                Superposition.Loss(Superposition.Sample(Samples, features, chances, generator), w, b, weights).sum().backward();
                using (Finalizers.Pause()) // no number of the step is freed under it
                    optimizer.step();
            }
            using IDisposable mode = no_grad();
            // Starts are compared on the same new samples.
            Tensor x = Superposition.Sample(20 * Samples, features, probability, generator).repeat_interleave(Starts, 0);
            (Tensor loss, Tensor best) = Superposition.Loss(x, w, b, weights).reshape(models, Starts).min(1);
            Tensor rows = arange(models) * Starts + best;
            return (w.detach()[rows].MoveToOuterDisposeScope(), loss.MoveToOuterDisposeScope());
        }

        private static string Marks(IEnumerable<FeaturePhase> phases) => string.Concat(phases.Select(phase =>
            phase == FeaturePhase.Absent ? '.' : phase == FeaturePhase.Alone ? '|' : 'x'));

        private static float[] Values(Tensor values) => values.data<float>().ToArray();
    }
}
