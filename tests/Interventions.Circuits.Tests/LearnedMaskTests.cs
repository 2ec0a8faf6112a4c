using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Circuits.Tests;

/// <summary>
/// Circuits by learned gates: gradients by finite differences, gates with a known answer, seeds, and work that was stopped.
/// </summary>
public sealed class LearnedMaskTests : IDisposable
{
    private static readonly InterventionGraph s_kl = new()
    {
        Name = "KL",
        Metrics =
        [
            new("KL", [new Read.Logits("end"), new Read.Logits("end", "clean")], x => Metrics.KullbackLeibler(x[0], x[1])),
        ],
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Five of forty gates are worth something: they stay open, and the rest closes as far as is demanded.</summary>
    [Fact]
    public void Gates_that_are_worth_something_stay_open()
    {
        HashSet<int> worth = [3, 8, 17, 30, 31];
        MaskOptions options = new() { Sparsity = 0.875, Steps = 400 };
        HardConcreteGates gates = new(40, options, null);
        gates.Train(Measure, default);
        Assert.Equal(worth.Order(), Open(gates));
        Assert.Equal(400, gates.Metrics.Length);
        HardConcreteGates priced = new(40, options with { Price = 0.3 }, null);
        priced.Train(Measure, default);
        Assert.Equal(worth.Order(), Open(priced));
        HardConcreteGates dear = new(40, options with { Price = 5 }, null);
        dear.Train(Measure, default);
        Assert.Empty(Open(dear));

        static IEnumerable<int> Open(HardConcreteGates gates) =>
            gates.Open.Index().Where(gate => gate.Item > 0.5).Select(gate => gate.Index);

        (double, double[]) Measure(double[] values)
        {
            double[] gradient = [.. values.Select((value, i) => worth.Contains(i) ? -2 * (1 - value) : 0)];
            return (values.Index().Where(gate => worth.Contains(gate.Index)).Sum(gate => (1 - gate.Item) * (1 - gate.Item)), gradient);
        }
    }

    [Fact]
    public void A_metric_that_no_gate_changes_is_refused() => Assert.Contains(
        "so there is nothing to find",
        Assert.Throws<InterventionException>(() =>
            new HardConcreteGates(3, new(), null).Train(_ => (1, new double[3]), default)).Message);

    /// <summary>What is learned is better than most circuits of as many edges that are drawn at random.</summary>
    [Theory]
    [InlineData("gpt2", false)]
    [InlineData("llama", false)]
    [InlineData("gpt_neox", true)]
    [InlineData("toy", true)]
    public void The_learned_circuit_is_closer_to_the_model_than_others_of_its_size(string family, bool isOfNodes)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4, 6);
        MaskOptions options = new() { Sparsity = isOfNodes ? 0.5 : 0.8, Steps = 120, LearningRate = 0.2 };
        LearnedMask mask = isOfNodes
            ? SubnetworkProbing.Of(model, prompts, s_kl, options)
            : EdgePruning.Of(model, prompts, s_kl, options);
        CircuitGraph graph = mask.Scores.Graph;
        Assert.Equal(120, mask.Metrics.Length);
        Assert.InRange(mask.Circuit.Count, 1, graph.EdgeCount - 1);
        Assert.All(mask.Scores.Means, chance => Assert.InRange(chance, 0, 1));
        Assert.Equal(mask.Scores.Top(mask.Circuit.Count, Ranking.MostPositive).Pruned(), mask.Circuit.Pruned());
        Random random = new(1);
        int better = 0;
        for (int i = 0; i < 10; i++)
        {
            Edge[] edges = [.. graph.Edges];
            random.Shuffle(edges);
            better += Loss(new Circuit(graph, edges.Take(mask.Circuit.Count))) < Loss(mask.Circuit) ? 1 : 0;
        }
        Assert.InRange(better, 0, 1);
        Assert.All($"{mask}".Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.StartsWith($"{mask.Circuit}; metric ", $"{mask}", StringComparison.Ordinal);

        double Loss(Circuit circuit)
        {
            using RunResult run = circuit.Run(model, prompts, s_kl);
            return run["KL"].Values.mean().item<double>();
        }
    }

    [Fact]
    public void Equal_seeds_learn_the_same_and_others_something_else()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4, 6);
        MaskOptions options = new() { Steps = 4, Seed = 3 };
        double[] first = Learned(options);
        Assert.Equal(first, Learned(options));
        Assert.NotEqual(first, Learned(options with { Seed = 4 }));

        double[] Learned(MaskOptions options) =>
        [
            .. EdgePruning.Of(model, prompts, s_kl, options).Scores.Means,
            .. SubnetworkProbing.Of(model, prompts, s_kl, options).Scores.Means,
        ];
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Training_that_was_stopped_goes_on_and_ends_the_same(bool isOfNodes)
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4, 6);
        MaskOptions options = new() { Steps = 12, Seed = 3 }, saved = options with { Path = _folder["gates.json"], SaveEvery = 3 };
        LearnedMask whole = Learned(options);
        using CancellationTokenSource stop = new();
        Assert.ThrowsAny<OperationCanceledException>(() => Learned(
            saved with { Circuit = new() { Run = new() { Progress = new Stop(stop, 7) } } }, stop.Token));
        LearnedMask resumed = Learned(saved);
        Assert.Equal(whole.Scores.Means, resumed.Scores.Means);
        Assert.Equal(whole.Metrics.ToList(), resumed.Metrics.ToList());
        Assert.Contains("sparsity 0.9", Assert.Throws<InterventionException>(() => Learned(saved with { Sparsity = 0.9 })).Message);

        LearnedMask Learned(MaskOptions options, CancellationToken stop = default) => isOfNodes
            ? SubnetworkProbing.Of(model, prompts, s_kl, options, stop)
            : EdgePruning.Of(model, prompts, s_kl, options, stop);
    }

    /// <summary>Gates of 0 and 1 are circuits, and the metric's slope by a gate is that between its neighbours.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void A_gates_gradient_is_the_metrics_slope(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4, 6);
        foreach (Ablation ablation in (Ablation[])[Ablation.OtherRun, Ablation.Zero])
        {
            Measurement measurement = Measurement.Of(model, prompts, s_kl, new() { Ablation = ablation });
            CircuitGraph graph = measurement.Sites.Graph;
            Random random = new(2);
            double[] gates = [.. graph.Edges.Select(_ => 0.2 + (0.6 * random.NextDouble()))];
            double[] gradient = Measured(gates).Gradient;
            for (int i = 0; i < graph.EdgeCount; i += 17)
                Assert.Equal((Metric(i, 1e-5) - Metric(i, -1e-5)) / 2e-5, gradient[i], 1e-7);
            Circuit circuit = new(graph, graph.Edges.Where(_ => random.Next(2) == 0));
            gates = [.. graph.Edges.Select(edge => circuit.Contains(edge) ? 1.0 : 0)];
            Assert.Equal(measurement.Mean(circuit.ToIntervention(model, measurement.Options), default), Metric(0, 0), 1e-9);

            double Metric(int gate, double step)
            {
                double[] moved = [.. gates];
                moved[gate] += step;
                return Measured(moved).Metric;
            }

            (double Metric, double[] Gradient) Measured(double[] gates) =>
                MaskTraining.Measure(measurement, gates, tensor => EdgePruning.Gated(measurement, tensor), default);
        }
    }

    [Fact]
    public void No_tensor_is_left()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Everything();
        long before = LiveTensors.Count();
        Everything();
        Assert.Equal(before, LiveTensors.Count());

        void Everything()
        {
            EdgePruning.Of(model, ToyPrompts.Random(5, 6, 4), s_kl, new() { Steps = 2 });
            SubnetworkProbing.Of(model, ToyPrompts.Random(5, 6, 4), s_kl, new() { Steps = 2 });
        }
    }

    [Fact]
    public void Options_are_checked()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new MaskOptions { Steps = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MaskOptions { Sparsity = 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MaskOptions { Price = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MaskOptions { LearningRate = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MaskOptions { SaveEvery = 0 });
    }

    private sealed class Stop(CancellationTokenSource source, int after) : IProgress<RunProgress>
    {
        private int _seen;

        public void Report(RunProgress value)
        {
            if (++_seen == after)
                source.Cancel();
        }
    }
}
