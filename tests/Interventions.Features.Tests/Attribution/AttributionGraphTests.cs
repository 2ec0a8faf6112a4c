using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>What a target reads is the sum of what its sources write, and each part is what an intervention measures.</summary>
public sealed class AttributionGraphTests
{
    private const double Tolerance = 1e-9;

    private static readonly long[] s_tokens = [7, 31, 2, 55, 7, 19];

    /// <summary>Families whose blocks, norms, positions and caps differ.</summary>
    public static TheoryData<string> Families =>
    [
        "gpt2", "llama", "gemma2", "olmo2", "gpt_neox", "stablelm-parallel", "granite", "bloom", "mixtral", "toy-norm_free",
    ];

    [Theory]
    [MemberData(nameof(Families))]
    public void Every_targets_value_is_the_sum_of_its_inputs_and_a_constant(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        foreach (bool skips in (bool[])[false, true])
        {
            using TranscoderSet set = RandomSets.Transcoders(model, skips: skips);
            AttributionGraph graph = AttributionGraph.Of(model, set, s_tokens);
            IsComplete(graph, model, set);
            Assert.Equal(graph.ActiveFeatures, graph.FeatureCount);
            Assert.All(graph.Terms, terms => Assert.Equal(0, terms.Others, Tolerance));
            Assert.Contains(graph.Terms, terms => Math.Abs(terms.Constant) > 1e-3);
        }
    }

    [Theory]
    [InlineData("topk", "mlp_in")]
    [InlineData("jumprelu", "ln2.normalized")]
    [InlineData("gated", "mlp_in")]
    [InlineData("relu", "ln2.normalized")]
    public void All_activations_and_both_inputs_are_explained(string activation, string reads)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("llama");
        foreach (bool skips in (bool[])[false, true])
        {
            using TranscoderSet set = RandomSets.Transcoders(model, skips: skips, activation: Named(activation), reads: reads);
            IsComplete(AttributionGraph.Of(model, set, s_tokens), model, set);
        }
    }

    /// <summary>Of fewer features the others are counted; every edge is the one of the whole graph.</summary>
    [Fact]
    public void A_limited_graph_has_the_edges_of_the_whole_one()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using TranscoderSet set = RandomSets.Transcoders(model);
        AttributionGraph whole = AttributionGraph.Of(model, set, s_tokens);
        AttributionGraph some = AttributionGraph.Of(model, set, s_tokens, new() { MostFeatures = 9, Run = new() { BatchSize = 2 } });
        Assert.Equal(9, some.FeatureCount);
        Assert.Equal(whole.ActiveFeatures, some.ActiveFeatures);
        IsComplete(some, model, set);
        Assert.Contains(some.Terms, terms => Math.Abs(terms.Others) > 1e-3);
        foreach (AttributionNode target in some.Terms.Select(terms => terms.Target))
            foreach (AttributionEdge edge in some.InputsOf(target))
                Assert.Equal(whole[edge.Source, edge.Target], edge.Weight, Tolerance);
    }

    /// <summary>With one ranking, the features are those that have the largest shares of the logits' inputs.</summary>
    [Fact]
    public void The_strongest_features_are_chosen()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using TranscoderSet set = RandomSets.Transcoders(model);
        AttributionGraph whole = AttributionGraph.Of(model, set, s_tokens);
        AttributionNode[] logits = [.. whole.Nodes.Where(node => node.Kind == AttributionNodeKind.Logit)];
        AttributionNode[] expected = [.. whole.Nodes.Take(whole.FeatureCount).OrderByDescending(feature => logits.Sum(logit =>
            logit.Probability * Math.Abs(whole[feature, logit]) / whole.InputsOf(logit).Sum(edge => Math.Abs(edge.Weight)))).Take(5)];
        AttributionGraph some = AttributionGraph.Of(model, set, s_tokens, new() { MostFeatures = 5 });
        Assert.Equal(expected.ToHashSet(), some.Nodes.Take(5).ToHashSet());
    }

    /// <summary>
    /// Under the frozen model, written as an intervention, half as much again of what a source writes moves each target by half its effect.
    /// </summary>
    [Theory]
    [InlineData("gpt2", false, "mlp_in")]
    [InlineData("gpt2", true, "mlp_in")]
    [InlineData("llama", true, "ln2.normalized")]
    [InlineData("olmo2", false, "mlp_in")]
    public void Direct_effects_are_those_of_interventions_under_the_frozen_model(string family, bool skips, string reads)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        using TranscoderSet set = RandomSets.Transcoders(model, skips: skips, reads: reads);
        AttributionGraph graph = AttributionGraph.Of(model, set, s_tokens);
        FrozenRuns runs = new(model, set, s_tokens);
        AttributionNode[] sources =
        [
            .. graph.Nodes.Take(graph.FeatureCount).Where((_, i) => i % 13 == 0),
            .. graph.Nodes.Where(node => node is { Kind: AttributionNodeKind.Error or AttributionNodeKind.Token, Position: 1 or 4 }),
        ];
        int effective = 0;
        double tolerance = Tolerance * Scale(graph);
        foreach (RunOptions options in (RunOptions[])[new(), new() { Naive = true }])
        {
            foreach (AttributionNode source in options.Naive ? sources.Take(2) : sources)
            {
                Dictionary<AttributionNode, double> moved = runs.Moved(graph, source, 0.5, options);
                effective += moved.Values.Any(change => Math.Abs(change) > 1e-4) ? 1 : 0;
                foreach ((AttributionNode target, double change) in moved)
                    Assert.Equal(0.5 * graph[source, target], change, tolerance);
            }
        }
        Assert.True(effective > sources.Length / 2); // nothing reads the last layer's errors before the last position
    }

    [Fact]
    public void Batches_and_the_naive_executor_change_nothing()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("llama");
        using TranscoderSet set = RandomSets.Transcoders(model, features: 8, skips: true);
        AttributionGraph usual = AttributionGraph.Of(model, set, s_tokens);
        double tolerance = Tolerance * Scale(usual);
        foreach (RunOptions run in (RunOptions[])[new() { BatchSize = 3 }, new() { Naive = true, BatchSize = 16 }])
        {
            AttributionGraph other = AttributionGraph.Of(model, set, s_tokens, new() { Run = run });
            Assert.Equal(usual.Nodes.Length, other.Nodes.Length);
            for (int row = 0; row < usual.Terms.Length; row++)
                Assert.All(usual.Row(row).Zip(other.Row(row)), pair => Assert.Equal(pair.First, pair.Second, tolerance));
        }
    }

    [Fact]
    public void Logits_are_chosen_by_probability_or_named()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using TranscoderSet set = RandomSets.Transcoders(model, features: 8);
        double[] likely = [.. nn.functional.softmax(model.Forward(tensor(s_tokens).unsqueeze(0))[0, -1], 0).data<double>()];
        AttributionNode[] Logits(AttributionGraphOptions options) =>
            [.. AttributionGraph.Of(model, set, s_tokens, options).Nodes.Where(node => node.Kind == AttributionNodeKind.Logit)];
        AttributionNode[] chosen = Logits(new() { MostLogits = 60, LogitProbability = 0.7 });
        Assert.All(
            likely.OrderDescending().Zip(chosen), pair => Assert.Equal(pair.First, pair.Second.Probability, Tolerance));
        Assert.True(chosen.Sum(node => node.Probability) >= 0.7 && chosen.SkipLast(1).Sum(node => node.Probability) < 0.7);
        Assert.Equal(2, Logits(new() { MostLogits = 2 }).Length);
        AttributionNode difference = Assert.Single(Logits(new() { Targets = [new LogitTarget(4, Against: 9)] }));
        Assert.Equal((4, 9), (difference.Index, difference.Against));
    }

    /// <summary>Before the first position, what is written is all error, and nothing of the sum is lost.</summary>
    [Fact]
    public void Features_of_the_first_positions_can_be_errors()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using TranscoderSet set = RandomSets.Transcoders(model, skips: true);
        AttributionGraph graph = AttributionGraph.Of(model, set, s_tokens, new() { FirstPosition = 2 });
        Assert.Equal(2, graph.Nodes.Take(graph.FeatureCount).Min(node => node.Position));
        IsComplete(graph, model, set);
    }

    /// <summary>A transcoder that was trained a little explains more than one of random weights.</summary>
    [Fact]
    public void Training_moves_influence_from_errors_to_features()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using TranscoderSet random = RandomSets.Transcoders(model, features: 64), trained = Trained(model, 64, steps: 150);
        AttributionGraph before = AttributionGraph.Of(model, random, s_tokens), after = AttributionGraph.Of(model, trained, s_tokens);
        IsComplete(after, model, trained);
        Assert.True(after.ReplacementScore > before.ReplacementScore, $"{before.ReplacementScore:0.000} to {after.ReplacementScore:0.000}");
        Assert.True(after.CompletenessScore > before.CompletenessScore);
    }

    [Fact]
    public void Progress_rises_work_can_be_cancelled_and_nothing_leaks()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using TranscoderSet set = RandomSets.Transcoders(model);
        List<RunProgress> seen = [];
        AttributionGraphOptions options = new() { MostFeatures = 20, Run = new() { BatchSize = 4, Progress = new Told(seen) } };
        AttributionGraph.Of(model, set, s_tokens, options);
        Assert.True(seen.Count > 3 && seen.Zip(seen.Skip(1)).All(pair => pair.First.Done < pair.Second.Done));
        Assert.All(seen, progress => Assert.Equal(seen[^1].Done, progress.Total));
        using CancellationTokenSource stop = new();
        AttributionGraphOptions stopping = options with { Run = new() { BatchSize = 4, Progress = new Stopping(stop) } };
        long alive = LiveTensors.Count();
        Assert.ThrowsAny<OperationCanceledException>(() => AttributionGraph.Of(model, set, s_tokens, stopping, stop.Token));
        AttributionGraph.Of(model, set, s_tokens, options);
        Assert.Equal(alive, LiveTensors.Count());
    }

    [Fact]
    public void What_cannot_be_explained_is_refused()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2"), clipped = SmallDecoders.Model("olmo");
        using TranscoderSet set = RandomSets.Transcoders(model);
        Refused("limits values", () => AttributionGraph.Of(clipped, set, s_tokens));
        Refused("no tokenizer", () => AttributionGraph.Of(model, set, "a text"));
        Refused("no token 61", () => AttributionGraph.Of(model, set, s_tokens, new() { Targets = [new LogitTarget(61)] }));
        Refused("less itself", () => AttributionGraph.Of(model, set, s_tokens, new() { Targets = [new LogitTarget(4, 4)] }));
        using TranscoderSet normed = new([.. Enumerable.Range(0, 3).Select(layer => new Sae(
            new SaeConfig { IsTranscoder = true, SubtractsDecoderBias = false, InputNorm = InputNorm.LayerNorm },
            new SaeWeights
            {
                Encoder = ones(32, 4, ScalarType.Float64),
                Decoder = ones(4, 32, ScalarType.Float64),
                DecoderBias = ones(32, ScalarType.Float64),
            }))]);
        Refused("normalises its input", () => AttributionGraph.Of(model, normed, s_tokens));

        static void Refused(string reason, Func<object> call) =>
            Assert.Contains(reason, Assert.Throws<InterventionException>(call).Message, StringComparison.Ordinal);
    }

    /// <summary>The largest value that is explained: rounding is relative to it.</summary>
    private static double Scale(AttributionGraph graph) => Math.Max(1, graph.Terms.Max(terms => graph.InputsOf(terms.Target)
        .Select(edge => Math.Abs(edge.Weight)).DefaultIfEmpty(0).Max()));

    private static void IsComplete(AttributionGraph graph, DecoderModel model, TranscoderSet set)
    {
        double tolerance = Tolerance * Scale(graph);
        Assert.True(graph.FeatureCount > 5 && graph.Terms.Length > graph.FeatureCount);
        // The values are the model's own.
        Tensor ids = tensor(graph.Tokens.ToArray()).unsqueeze(0), logits = model.Forward(ids)[0, -1];
        foreach (TargetTerms terms in graph.Terms)
        {
            Assert.InRange(Math.Abs(terms.Unexplained), 0, tolerance);
            Assert.Equal(terms.Inputs, graph.InputsOf(terms.Target).Sum(edge => edge.Weight), tolerance);
            AttributionNode target = terms.Target;
            if (target.Kind == AttributionNodeKind.Feature)
                Assert.All(graph.InputsOf(target), edge => Assert.True(
                    edge.Source.Layer < target.Layer && edge.Source.Position <= target.Position));
            else if (model.Config.LogitCap is null)
                Assert.Equal((logits[target.Index] - logits.mean()).item<double>(), terms.Value, tolerance);
        }
        ToyPrompts prompts = FrozenRuns.Prompts([.. graph.Tokens]);
        foreach (IGrouping<int, TargetTerms> layer in graph.Terms.Take(graph.FeatureCount).GroupBy(terms => terms.Target.Layer))
        {
            using RunResult run = Intervention.On(model).Capture("Read", $"blocks.{layer.Key}.{set.Reads}").Run(prompts);
            Tensor z = set[layer.Key].PreActivations(run.Run("clean")["Read"])[0], f = set[layer.Key].Encode(run.Run("clean")["Read"])[0];
            foreach (TargetTerms terms in layer)
            {
                Assert.Equal(z[terms.Target.Position, terms.Target.Index].item<double>(), terms.Value, tolerance);
                Assert.Equal(f[terms.Target.Position, terms.Target.Index].item<double>(), terms.Target.Activation, tolerance);
            }
        }
    }

    private static Activation Named(string name) => name switch
    {
        "topk" => new Activation.TopK(6),
        "jumprelu" => new Activation.JumpRelu(),
        "gated" => new Activation.Gated(),
        _ => new Activation.Relu(),
    };

    /// <summary>A set trained on what the model's blocks read and write.</summary>
    private static TranscoderSet Trained(DecoderModel model, int features, int steps)
    {
        using Generator generator = new(9, CPU);
        ToyPrompts prompts = new([.. Enumerable.Range(0, 40).Select(_ => randint(0, 61, [9], ScalarType.Int64, generator: generator))
            .Select(ids => FrozenRuns.Prompts([.. ids.data<long>()]).Prompts[0])]);
        return new TranscoderSet([.. Enumerable.Range(0, model.Config.Layers).Select(layer =>
        {
            using RunResult run = Intervention.On(model).Capture("X", $"blocks.{layer}.mlp_in").Capture("Y", $"blocks.{layer}.mlp_out")
                .Run(prompts);
            Tensor x = run.Run("clean")["X"].flatten(0, 1), y = run.Run("clean")["Y"].flatten(0, 1);
            Sae start = RandomSets.Transcoder(32, features, skips: false, new Activation.Relu(), (ulong)layer);
            Tensor[] weights =
                [.. new[] { start.Weights.Encoder!, start.Weights.EncoderBias!, start.Weights.Decoder, start.Weights.DecoderBias }
                    .Select(weight => weight.clone().requires_grad_())];
            start.Dispose();
            // Adam by hand.
            Tensor[] means = [.. weights.Select(weight => zeros_like(weight))], squares = [.. weights.Select(weight => zeros_like(weight))];
            for (int step = 0; step < steps; step++)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor f = (x.matmul(weights[0]) + weights[1]).relu();
                Tensor loss = (f.matmul(weights[2]) + weights[3] - y).pow(2).sum(-1).mean();
                IList<Tensor> gradients = autograd.grad([loss], weights);
                using IDisposable mode = no_grad();
                for (int i = 0; i < weights.Length; i++)
                {
                    means[i].mul_(0.9).add_(gradients[i] * 0.1);
                    squares[i].mul_(0.99).add_(gradients[i] * gradients[i] * 0.01);
                    weights[i].sub_(means[i] / (squares[i].sqrt() + 1e-8) * 3e-2);
                }
            }
            return new Sae(
                new SaeConfig { SubtractsDecoderBias = false, IsTranscoder = true },
                new SaeWeights
                {
                    Encoder = weights[0].detach().clone(),
                    EncoderBias = weights[1].detach().clone(),
                    Decoder = weights[2].detach().clone(),
                    DecoderBias = weights[3].detach().clone(),
                });
        })]);
    }

    private sealed class Told(List<RunProgress> all) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => all.Add(value);
    }

    private sealed class Stopping(CancellationTokenSource stop) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => stop.Cancel();
    }
}
