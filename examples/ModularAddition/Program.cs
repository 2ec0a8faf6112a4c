// A small network learns to add modulo 59 from half of the pairs: first by heart, and much later, all at once, it can add. What happens in
// between is seen in its waves (Nanda et al. 2023).
// dotnet run -c Release --project examples/ModularAddition -- [STEPS [SEED]]
using System.Globalization;
using Interventions;
using Interventions.Examples.Grokking;
using Interventions.Features;
using Interventions.ModelGraphs;
using Interventions.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
set_num_threads(1); // the order of sums, and so the result, must not depend on how many cores there are
int steps = int.Parse(args.ElementAtOrDefault(0) ?? "10000"), seed = int.Parse(args.ElementAtOrDefault(1) ?? "0");
using Adder model = new(seed);
GrokkingStudy study = GrokkingStudy.Of(model, steps, seed, Console.Error.WriteLine);
Console.WriteLine(study);
Console.WriteLine(study.Knockouts(model));

namespace Interventions.Examples.Grokking
{
    /// <summary>Two numbers, each with an embedding of its own, and one layer of neurons that reads both.</summary>
    [ModelSchema]
    [Axis("d_model", 64), Axis("neuron", 128), Axis("vocab", Modulus)]
    [Site("embed", "batch", "pos", "d_model")]
    [Site("mlp.pre", "batch", "pos", "neuron"), Site("mlp.post", "batch", "pos", "neuron")]
    [Site("logits", "batch", "pos", "vocab")]
    public sealed partial class Adder : HookedModel
    {
        /// <summary>What is added modulo.</summary>
        public const int Modulus = 59;

        /// <summary>Draws the weights, and makes the graph.</summary>
        public Adder(int seed)
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = new((ulong)seed);
            Tensor embedding = Weight(Modulus, 2 * Modulus, 64), read = Weight(128, 2, 64, 128), unembedding = Weight(128, 128, Modulus);
            Weights = [embedding, read, unembedding];
            ModelGraphBuilder graph = new();
            NodeInput embed = graph.Add("embed", graph.Tokens, graph.Positions, (ids, positions) =>
                embedding.index_select(0, (ids + (positions * Modulus)).flatten()).view(ids.shape[0], -1, 64));
            // At the second position neurons have read both numbers.
            NodeInput pre = graph.Add("mlp.pre", embed with { Reach = Reach.Causal }, x =>
                cat([x.narrow(1, 0, 1).matmul(read[0]), x.narrow(1, 1, x.shape[1] - 1).matmul(read[1])], 1).cumsum(1));
            NodeInput post = graph.Add("mlp.post", pre, x => x.relu());
            Graph = graph.Build(graph.Add("logits", post, x => x.matmul(unembedding)));

            Tensor Weight(double inputs, params long[] shape) => Own(randn(shape, generator: generator) / Math.Sqrt(inputs));
        }

        /// <summary>The weights.</summary>
        public IReadOnlyList<Tensor> Weights { get; }

        /// <inheritdoc/>
        public override ModelSchema Schema => DeclaredSchema;

        /// <inheritdoc/>
        public override ModelGraph Graph { get; }
    }

    /// <summary>All pairs, with their sum as the answer at the second number.</summary>
    [PromptSchema(Runs = ["clean"], Answers = ["sum"])]
    public sealed partial class Sums : PromptSet
    {
        /// <summary>Pair (a, b) is prompt a·p + b.</summary>
        public static Sums All => field ??= FromTokens(Enumerable.Range(0, Adder.Modulus * Adder.Modulus).Select(pair =>
        {
            (int a, int b) = Math.DivRem(pair, Adder.Modulus);
            return new PromptTokens([new RunTokens([a, b], [1])], [(a + b) % Adder.Modulus]);
        }));
    }

    /// <summary>A training, and what was found in its checkpoints.</summary>
    /// <param name="Frequencies">The frequencies that ten neurons or more are tuned to, at the end.</param>
    /// <param name="Neurons">The neurons of each frequency.</param>
    /// <param name="Checkpoints">Progress by step, with the squares of all weights and how unequal an embedding's waves are (Gini).</param>
    public sealed record GrokkingStudy(
        IReadOnlyList<int> Frequencies, ILookup<int, int> Neurons,
        IReadOnlyList<(int Step, GrokkingProgress Progress, double Squares, double Gini)> Checkpoints)
    {
        private static readonly RunOptions s_all = new() { BatchSize = Adder.Modulus * Adder.Modulus };

        /// <summary>Trains a model on half of the pairs, and looks at it some 20 times.</summary>
        public static GrokkingStudy Of(Adder model, int steps, int seed, Action<string> tell)
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = new((ulong)seed + 1);
            const int p = Adder.Modulus;
            FiniteGroup group = FiniteGroup.Cyclic(p);
            Tensor answers = GroupComposition.Products(group), order = randperm(p * p, generator: generator), train = order[..(p * p / 2)];
            Tensor isTrained = zeros(p * p, dtype: ScalarType.Bool).index_fill(0, train, true);
            Tensor pairs = cartesian_prod([arange(p), arange(p)]);
            Parameter[] weights = [.. model.Weights.Select(weight => new Parameter(weight.alias()))];
            using var optimizer = optim.AdamW(weights, lr: 1e-3, beta1: 0.9, beta2: 0.98, weight_decay: 1);
            List<(int Step, Tensor Logits, double Squares, double Gini)> seen = [];
            for (int step = 0; step <= steps; step++)
            {
                if (step % Math.Max(1, steps / 20) == 0)
                    seen.Add(Look(step));
                using DisposeScope inner = NewDisposeScope();
                optimizer.zero_grad();
                Tensor logits = GraphEvaluator.Evaluate(model.Graph, pairs[train], ["logits"])["logits"].select(1, 1);
                Tensor loss = nn.functional.cross_entropy(logits, answers[train]);
                loss.backward();
                using (Finalizers.Pause()) // no number of the step is freed under it
                    optimizer.step();
                if (step % 1000 == 0)
                    tell($"step {step}: loss {loss.item<float>():0.0000}");
            }
            Array.ForEach(weights, weight => weight.requires_grad_(false));
            using RunResult run = Intervention.On(model).Capture("Neurons", "mlp.post[pos=end]").Run(Sums.All, s_all);
            Tensor neurons = run.Run("clean")["Neurons"].squeeze(1);
            IReadOnlyList<int> keys = Fourier.KeyFrequencies(neurons, p);
            long[] tuned = [.. Fourier.NeuronShares(neurons, p).argmax(1).data<long>()];
            return new GrokkingStudy(
                keys, tuned.Index().ToLookup(neuron => (int)neuron.Item + 1, neuron => neuron.Index),
                [.. seen.Select(one => (one.Step, GrokkingProgress.Of(one.Logits, group, keys.Select(key => group.Irreps[key]), isTrained),
                    one.Squares, one.Gini))]);

            (int, Tensor, double, double) Look(int step)
            {
                using IDisposable mode = no_grad();
                using RunResult run = Intervention.On(model).Capture("Logits", "logits[pos=end]").Run(Sums.All, s_all);
                double squares = model.Weights.Sum(weight => weight.square().sum().item<float>());
                Tensor norms = Fourier.Norms(model.Weights[0].narrow(0, 0, p));
                return (step, run.Run("clean")["Logits"].squeeze(1).clone(), squares, Fourier.Gini(norms));
            }
        }

        /// <summary>The loss on all pairs without the neurons of a frequency.</summary>
        public string Knockouts(Adder model) => "frequency  neurons  loss without them\n" + string.Concat(Frequencies.Select(frequency =>
        {
            using RunResult run = Intervention.On(model)
                .Zero($"mlp.post[neuron={string.Join(',', Neurons[frequency])}; pos=end]").Loss("sum").Run(Sums.All, s_all);
            return $"{frequency,9}  {Neurons[frequency].Count(),7}  {run["Loss"].Values.mean().item<float>(),17:0.000}\n";
        }));

        /// <inheritdoc/>
        public override string ToString() =>
            "   step      train       test  right  restricted   excluded  weights²  Gini\n" + string.Concat(Checkpoints.Select(at =>
                $"{at.Step,7}  {at.Progress.TrainLoss,9:0.0e+00}  {at.Progress.TestLoss,9:0.0e+00}  {at.Progress.TestAccuracy,5:P0}  "
                + $"{at.Progress.RestrictedLoss,10:0.0e+00}  {at.Progress.ExcludedLoss,9:0.000}  {at.Squares,8:0}  {at.Gini,4:0.00}\n"));
    }
}
