// A small network learns to multiply the elements of a group from some of the pairs. Of which representations does it make its answers, and
// in what order do they come? (Chughtai et al. 2023)
// dotnet run -c Release --project examples/GroupComposition -- [GROUP [STEPS [SEED]]], GROUP: S4 (orders of four things), D7, Z31, …
using System.Globalization;
using Interventions;
using Interventions.Examples.Groups;
using Interventions.Features;
using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Runtime;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
set_num_threads(1); // the order of sums, and so the result, must not depend on how many cores there are
FiniteGroup group = FiniteGroup.Named(args.ElementAtOrDefault(0) ?? "S4");
int steps = int.Parse(args.ElementAtOrDefault(1) ?? "12000"), seed = int.Parse(args.ElementAtOrDefault(2) ?? "0");
using Multiplier model = new(group, seed);
CompositionStudy study = CompositionStudy.Of(group, model, steps, seed, Console.Error.WriteLine);
Console.WriteLine($"{group}\n{study}\n{study.Knockouts(model)}");

namespace Interventions.Examples.Groups
{
    /// <summary>Two elements, each with an embedding of its own, and one layer of neurons that reads both.</summary>
    public sealed class Multiplier : HookedModel
    {
        private const int Width = 64, Neurons = 128;

        /// <summary>Draws the weights, and makes the graph.</summary>
        public Multiplier(FiniteGroup group, int seed)
        {
            Schema = new ModelSchema(
                nameof(Multiplier),
                EquatableArray.Of(new AxisSize("d_model", Width), new AxisSize("neuron", Neurons), new AxisSize("vocab", group.Order)),
                EquatableArray.Of(
                    Site("embed", "d_model"), Site("mlp.pre", "neuron"), Site("mlp.post", "neuron"), Site("logits", "vocab")));
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = new((ulong)seed);
            Tensor embedding = Weight(group.Order, 2 * group.Order, Width), read = Weight(2 * Width, 2, Width, Neurons),
                unembedding = Weight(Neurons, Neurons, group.Order);
            Weights = [embedding, read, unembedding];
            ModelGraphBuilder graph = new();
            NodeInput embed = graph.Add("embed", graph.Tokens, graph.Positions, (ids, positions) =>
                embedding.index_select(0, (ids + (positions * group.Order)).flatten()).view(ids.shape[0], -1, Width));
            // At the second position neurons have read both elements.
            NodeInput pre = graph.Add("mlp.pre", embed with { Reach = Reach.Causal }, x =>
                cat([x.narrow(1, 0, 1).matmul(read[0]), x.narrow(1, 1, x.shape[1] - 1).matmul(read[1])], 1).cumsum(1));
            NodeInput post = graph.Add("mlp.post", pre, x => x.relu());
            Graph = graph.Build(graph.Add("logits", post, x => x.matmul(unembedding)));

            Tensor Weight(double inputs, params long[] shape) => Own(randn(shape, generator: generator) / Math.Sqrt(inputs));

            static SiteDefinition Site(string path, string axis) => new(path, EquatableArray.Of("batch", "pos", axis));
        }

        /// <summary>The weights.</summary>
        public IReadOnlyList<Tensor> Weights { get; }

        /// <inheritdoc/>
        public override ModelSchema Schema { get; }

        /// <inheritdoc/>
        public override ModelGraph Graph { get; }
    }

    /// <summary>All pairs, (a, b) at a·n + b, with their product as the answer.</summary>
    [PromptSchema(Runs = ["clean"], Answers = ["product"])]
    public sealed partial class Products : PromptSet
    {
        public static Products Of(FiniteGroup group) => FromTokens(
            Enumerable.Range(0, group.Order).SelectMany(a => Enumerable.Range(0, group.Order).Select(b =>
                new PromptTokens([new RunTokens([a, b], [1])], [group.Product(a, b)]))));
    }

    /// <summary>A training, and what was found in its checkpoints.</summary>
    /// <param name="Group">What was multiplied.</param>
    /// <param name="Keys">The representations of which the logits are made at the end, the largest first.</param>
    /// <param name="Checkpoints">Progress by step, and the score of each of the group's representations.</param>
    public sealed record CompositionStudy(
        FiniteGroup Group, IReadOnlyList<Irrep> Keys,
        IReadOnlyList<(int Step, GrokkingProgress Progress, IReadOnlyList<double> Scores)> Checkpoints)
    {
        private static readonly RunOptions s_all = new() { BatchSize = 1 << 16 };

        /// <summary>Trains a model on three quarters of the pairs, and looks at it some 20 times.</summary>
        public static CompositionStudy Of(FiniteGroup group, Multiplier model, int steps, int seed, Action<string> tell)
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = new((ulong)seed + 1);
            int n = group.Order;
            Tensor answers = GroupComposition.Products(group), train = randperm(n * n, generator: generator)[..(n * n * 3 / 4)];
            Tensor isTrained = zeros(n * n, dtype: ScalarType.Bool).index_fill(0, train, true);
            Tensor pairs = cartesian_prod([arange(n), arange(n)]);
            Parameter[] weights = [.. model.Weights.Select(weight => new Parameter(weight.alias()))];
            using var optimizer = optim.AdamW(weights, lr: 1e-3, beta1: 0.9, beta2: 0.98, weight_decay: 1);
            List<(int Step, Tensor Logits)> seen = [];
            for (int step = 0; step <= steps; step++)
            {
                if (step % Math.Max(1, steps / 20) == 0)
                    seen.Add((step, Logits(model, Products.Of(group))));
                using DisposeScope inner = NewDisposeScope();
                optimizer.zero_grad();
                Tensor loss = nn.functional.cross_entropy(
                    GraphEvaluator.Evaluate(model.Graph, pairs[train], ["logits"])["logits"].select(1, 1), answers[train]);
                loss.backward();
                using (Finalizers.Pause()) // no number of the step is freed under it
                    optimizer.step();
                if (step % 1000 == 0)
                    tell($"step {step}: loss {loss.item<float>():0.0000}");
            }
            Array.ForEach(weights, weight => weight.requires_grad_(false));
            IReadOnlyList<double> scores = GroupComposition.Scores(seen[^1].Logits, group);
            Irrep[] keys = [.. GroupComposition.KeyIrreps(seen[^1].Logits, group).OrderBy(key => -scores[group.Irreps.IndexOf(key)])];
            return new CompositionStudy(group, keys, [.. seen.Select(one => (
                one.Step, GrokkingProgress.Of(one.Logits, group, keys, isTrained), GroupComposition.Scores(one.Logits, group)))]);
        }

        /// <summary>The loss on all pairs without a representation's part of the neurons.</summary>
        public string Knockouts(Multiplier model) => "irrep       score  loss without its part\n" + string.Concat(Keys.Select(key =>
        {
            using Tensor directions = GroupComposition.Directions(Group, [key]);
            using RunResult run = Intervention.On(model)
                .Patch("mlp.post[pos=end]", post => post - GroupComposition.Part(post, directions).to(post.dtype), acrossBatch: true)
                .Loss("product").Run(Products.Of(Group), s_all);
            float loss = run["Loss"].Values.mean().item<float>();
            return $"{key.Name,-10}  {Checkpoints[^1].Scores[Group.Irreps.IndexOf(key)],5:0.000}  {loss,21:0.000}\n";
        }));

        /// <inheritdoc/>
        public override string ToString()
        {
            int[] shown = [.. Keys.Take(4).Select(key => Group.Irreps.IndexOf(key))];
            return $"  step    train     test  right  restrict  exclude{Cells(shown, irrep => Group.Irreps[irrep].Name)}\n"
                + string.Concat(Checkpoints.Select(at =>
                    $"{at.Step,6}  {at.Progress.TrainLoss:0.0e+00}  {at.Progress.TestLoss:0.0e+00}  {at.Progress.TestAccuracy,5:P0}  "
                    + $" {at.Progress.RestrictedLoss:0.0e+00}  {at.Progress.ExcludedLoss,7:0.00}"
                    + $"{Cells(shown, irrep => $"{at.Scores[irrep]:0.00}")}\n"));

            static string Cells(int[] irreps, Func<int, string> cell) => string.Concat(irreps.Select(irrep => $"{cell(irrep),8}"));
        }

        private static Tensor Logits(Multiplier model, Products pairs)
        {
            using IDisposable mode = no_grad();
            using RunResult run = Intervention.On(model).Capture("Logits", "logits[pos=end]").Run(pairs, s_all);
            return run.Run("clean")["Logits"].squeeze(1).clone();
        }
    }
}
