using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Closed forms that models with chosen weights have, and what means, batches and pruning must leave alone.</summary>
public sealed class OracleTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly List<DecoderModel> _models = [];

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    private static readonly InterventionGraph s_logits = Measured(logits => logits.select(1, 7));

    public static TheoryData<string> Families => ["gpt2", "llama", "gpt_neox", "toy"];

    public void Dispose()
    {
        foreach (DecoderModel model in _models)
            model.Dispose();
        _scope.Dispose();
    }

    /// <summary>
    /// Where nothing is bent, the first order is all there is: of every edge. What leaves the embedding, and what enters the logits, is the
    /// whole effect each; all edges together count the same paths several times.
    /// </summary>
    [Fact]
    public void In_a_linear_model_without_attention_every_edge_is_exact()
    {
        DecoderModel model = Linear(attends: false);
        EdgeScores scores = EdgeAttribution.Of(model, s_prompts, s_logits), effects = EdgeEffects.Of(model, s_prompts, s_logits);
        Assert.All(scores.Graph.Edges, edge => Assert.Equal(effects[edge], scores[edge], Tolerance));
        double total = Total(model);
        Assert.Equal(total, Sum(edge => edge.Source == Component.Embed), Tolerance);
        Assert.Equal(total, Sum(edge => edge.Target.Component == Component.Logits), Tolerance);
        Assert.True(Math.Abs(Sum(_ => true) - total) > 1e-3);
        // So are the other methods that follow gradients: they are the same everywhere.
        foreach (EdgeScores same in (EdgeScores[])
            [
                EdgeAttribution.Of(model, s_prompts, s_logits, steps: 3), EdgeAttribution.CleanCorrupted(model, s_prompts, s_logits),
                EdgeAttribution.OfActivations(model, s_prompts, s_logits, steps: 2),
            ])
            Assert.All(scores.Graph.Edges, edge => Assert.Equal(scores[edge], same[edge], Tolerance));

        double Sum(Func<Edge, bool> wanted) => scores.Graph.Edges.Where(wanted).Sum(edge => scores[edge]);
    }

    [Fact]
    public void In_a_linear_model_without_attention_parallel_edges_add_up_and_serial_ones_do_not()
    {
        DecoderModel model = Linear(attends: false);
        CircuitGraph graph = CircuitGraph.Of(model);
        Assert.Equal(Without("embed->logits") + Without("m0->logits"), Without("embed->logits", "m0->logits"), Tolerance);
        Assert.Equal(Without("embed->m1") + Without("m0->m2"), Without("embed->m1", "m0->m2"), Tolerance);
        // Without its input, the first block writes what it does in the corrupted run.
        Assert.Equal(Without("embed->m0"), Without("embed->m0", "m0->logits"), Tolerance);
        Assert.True(Math.Abs(Without("m0->logits")) > 1e-3);

        double Without(params string[] edges)
        {
            Circuit circuit = ~new Circuit(graph, edges.Select(Edge.Parse));
            using RunResult run = circuit.Run(model, s_prompts, s_logits);
            return (run["Column"].Values - run.Run("clean")["Column"]).mean().item<double>();
        }
    }

    /// <summary>With live attention, what the last layer's values are made of still enters linearly; queries and keys do not.</summary>
    [Fact]
    public void In_a_linear_model_with_attention_the_last_layers_value_edges_are_exact()
    {
        DecoderModel model = Linear(attends: true);
        EdgeScores scores = EdgeAttribution.Of(model, s_prompts, s_logits), effects = EdgeEffects.Of(model, s_prompts, s_logits);
        Edge[] last = [.. scores.Graph.Edges.Where(edge =>
            edge.Target.Component.Kind == ComponentKind.Head && edge.Target.Component.Layer == scores.Graph.Layers - 1)];
        Assert.All(
            last.Where(edge => edge.Target.Input == PortInput.Value), edge => Assert.Equal(effects[edge], scores[edge], Tolerance));
        Assert.Contains(
            last.Where(edge => edge.Target.Input != PortInput.Value), edge => Math.Abs(effects[edge] - scores[edge]) > 1e-6);
    }

    /// <summary>f = x², from 0 to 1 in five steps.</summary>
    [Theory]
    [InlineData(IntegrationRule.Left, -0.8)]
    [InlineData(IntegrationRule.Right, -1.2)]
    [InlineData(IntegrationRule.Midpoint, -1.0)]
    public void The_rules_sum_up_a_parabola(IntegrationRule rule, double expected)
    {
        DecoderModel model = Linear(attends: false);
        foreach ((string name, Tensor weight) in model.Weights)
            if (name.EndsWith("mlp.out.weight", StringComparison.Ordinal) || name.StartsWith("pos_embed", StringComparison.Ordinal)
                || name.EndsWith("bias", StringComparison.Ordinal))
                weight.zero_();
        Tensor embed = Weight(model, "embed.weight"), unembed = Weight(model, "unembed.weight");
        embed[2] = 0;
        (embed[1], unembed[7]) = (one_hot(3), one_hot(3));
        ToyPrompts prompts = new(new PromptTokens([new RunTokens([5, 1], [0, 1]), new RunTokens([5, 2], [0, 1])], [0, 0]));
        InterventionGraph square = Measured(logits => logits.select(1, 7).pow(2));
        Edge edge = Edge.Parse("embed->logits");
        Assert.Equal(expected, EdgeAttribution.Of(model, prompts, square, steps: 5, rule)[edge], Tolerance);
        Assert.Equal(expected, EdgeAttribution.OfActivations(model, prompts, square, steps: 5, rule)[edge], Tolerance);
        Assert.Equal(-1, EdgeEffects.Of(model, prompts, square)[edge], Tolerance);

        static Tensor one_hot(int place) => zeros(32, float64).index_fill(0, tensor([(long)place]), 1);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void The_divergence_from_the_clean_run_has_no_slope_there(string family)
    {
        DecoderModel model = Model(family);
        EdgeScores there = EdgeAttribution.Of(model, s_prompts, Golden.KullbackLeibler);
        Assert.All(there.Means, score => Assert.InRange(Math.Abs(score), 0, 1e-10));
        Assert.Contains(there.Warnings, warning => warning.Contains("the metric has no slope", StringComparison.Ordinal));
        EdgeScores onTheWay = EdgeAttribution.Of(model, s_prompts, Golden.KullbackLeibler, steps: 2);
        Assert.Contains(onTheWay.Means, score => Math.Abs(score) > 1e-6);
        Assert.DoesNotContain(onTheWay.Warnings, warning => warning.Contains("the metric has no slope", StringComparison.Ordinal));
        Assert.Contains(
            EdgeAttribution.OfActivations(model, s_prompts, Golden.KullbackLeibler, steps: 2).Means, score => Math.Abs(score) > 1e-6);
    }

    /// <summary>
    /// At the clean end of its own way an edge has the plain gradient. On the ways of others no gradient passes the site whose way it is,
    /// so that only the edges into the logits do.
    /// </summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void One_step_at_the_clean_end_of_activations_is_the_plain_gradient(string family)
    {
        DecoderModel model = Model(family);
        EdgeScores plain = EdgeAttribution.Of(model, s_prompts, s_logits);
        EdgeScores own = EdgeAttribution.OfActivations(model, s_prompts, s_logits, steps: 1, IntegrationRule.Right);
        EdgeScores all = EdgeAttribution.OfAllActivations(model, s_prompts, s_logits, steps: 1, IntegrationRule.Right);
        Assert.All(plain.Graph.Edges, edge => Assert.Equal(plain[edge], own[edge], Tolerance));
        Edge[] last = [.. plain.Graph.Edges.Where(edge => edge.Target.Component == Component.Logits)];
        Assert.All(last, edge => Assert.Equal(plain[edge], all[edge], Tolerance));
        Assert.Contains(plain.Graph.Edges.Except(last), edge => Math.Abs(plain[edge] - all[edge]) > 1e-6);
        Assert.Throws<ArgumentOutOfRangeException>(() => EdgeAttribution.OfActivations(model, s_prompts, s_logits, steps: 0));
    }

    /// <summary>
    /// A head or block that reads nothing still writes its biases, so that without its edges another thing happens; a model without biases
    /// and positions writes nothing from nothing.
    /// </summary>
    [Theory]
    [InlineData("gpt2", true)]
    [InlineData("gpt_neox", true)]
    [InlineData("llama", false)]
    public void Under_zero_pruning_matters_where_there_are_biases(string family, bool matters)
    {
        DecoderModel model = Model(family);
        CircuitGraph graph = CircuitGraph.Of(model);
        CircuitOptions zero = new() { Ablation = Ablation.Zero }, mean = new() { Ablation = Ablation.Mean, AcrossTemplates = true };
        Random random = new(3);
        double largest = 0, largestOfMeans = 0;
        for (int i = 0; i < 6; i++)
        {
            Circuit circuit = new(graph, graph.Edges.Where(_ => random.Next(4) == 0));
            Assert.True(circuit.Pruned().Count < circuit.Count);
            Assert.InRange(Changed(circuit, new()), 0, Tolerance);
            largest = Math.Max(largest, Changed(circuit, zero));
            largestOfMeans = Math.Max(largestOfMeans, Changed(circuit, mean));
        }
        Assert.Equal(matters, largest > Tolerance);
        Assert.True(largestOfMeans > Tolerance);

        double Changed(Circuit circuit, CircuitOptions options)
        {
            using RunResult before = circuit.Run(model, s_prompts, s_logits, options);
            using RunResult after = circuit.Pruned().Run(model, s_prompts, s_logits, options);
            return Distance.Largest(after["Column"].Values, before["Column"].Values);
        }
    }

    /// <summary>The mean over prompts that are all alike is their own value: nothing changes, and nothing has an effect.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void The_mean_of_equal_prompts_changes_nothing(string family)
    {
        DecoderModel model = Model(family);
        CircuitGraph graph = CircuitGraph.Of(model);
        PromptTokens[] some = [.. s_prompts.Prompts.Take(2).Select((prompt, i) => prompt with { Template = i })];
        ToyPrompts prompts = new(some), over = new([.. some, .. some, .. some]);
        CircuitOptions options = new() { Ablation = Ablation.Mean, Over = over };
        using RunResult none = Circuit.None(graph).Run(model, prompts, s_logits, options);
        Assert.InRange(Distance.Largest(none["Column"].Values, none.Run("clean")["Column"]), 0, Tolerance);
        Assert.All(EdgeAttribution.Of(model, prompts, s_logits, options: options).Means, score => Assert.Equal(0, score, Tolerance));
        Assert.All(EdgeEffects.Of(model, prompts, s_logits, options).Means, score => Assert.Equal(0, score, Tolerance));
        KnockoutEffects knockouts = Knockouts.OfEach(model, prompts, s_logits, options: options);
        Assert.All(knockouts.Knockouts, knockout => Assert.Equal(0, knockouts[knockout], Tolerance));
        Assert.Contains("A mean is taken over 3 of the 6 prompts of ToyPrompts at position 5 of template 0", none.Warnings[0]);
        // Over all templates they are not alike.
        EdgeScores across = EdgeAttribution.Of(model, prompts, s_logits, options: options with { AcrossTemplates = true });
        Assert.Contains(across.Means, score => Math.Abs(score) > 1e-6);
    }

    /// <summary>Where the unembedding reads the stream as it is, the circuit without edges has the mean of the prompts' logits.</summary>
    [Fact]
    public void Without_edges_the_mean_of_two_prompts_is_there()
    {
        DecoderModel model = Linear(attends: true);
        ToyPrompts prompts = ToyPrompts.Random(8, 5, 5);
        using RunResult none = Circuit.None(CircuitGraph.Of(model))
            .Run(model, prompts, s_logits, new() { Ablation = Ablation.Mean });
        double expected = none.Run("corrupted")["Column"].mean().item<double>();
        Assert.All(none["Column"].Values.data<double>().ToArray(), value => Assert.Equal(expected, value, Tolerance));
        using RunResult clean = Circuit.None(CircuitGraph.Of(model))
            .Run(model, prompts, s_logits, new() { Ablation = Ablation.Mean, From = "clean" });
        Assert.Equal(clean.Run("clean")["Column"].mean().item<double>(), clean["Column"].Values[1].item<double>(), Tolerance);
    }

    /// <summary>Batches of one have no padding, batches of three and of all have: by every way of taking edges and nodes away.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void Batches_and_padding_change_nothing(string family)
    {
        DecoderModel model = Model(family);
        CircuitGraph graph = CircuitGraph.Of(model);
        ToyPrompts prompts = ToyPrompts.Random(9, 6, 4, 5, 6, 3), over = ToyPrompts.Random(10, 6, 7, 3, 6, 5, 4, 8);
        Random random = new(3);
        Circuit circuit = new(graph, graph.Edges.Where(_ => random.Next(2) == 0));
        Knockout[] knockouts = [Component.OfHead(1, 2), Knockout.Parse("a0.h1, a0.h3@end"), Knockout.Parse("a0.h0, a2.h3@mid,end")];
        CircuitOptions[] kinds =
        [
            new(), new() { Ablation = Ablation.Zero }, new() { Ablation = Ablation.Mean, Over = over },
            new() { Ablation = Ablation.Mean, Over = over, AcrossTemplates = true },
            new() { Ablation = Ablation.Mean, Over = over, Pooled = true },
        ];
        foreach (CircuitOptions kind in kinds)
        {
            double[][] whole = Everything(kind with { Run = new() { BatchSize = 5 } });
            foreach (RunOptions run in (RunOptions[])
                [new() { BatchSize = 1 }, new() { BatchSize = 3 }, .. kind.Pooled ? [new() { Naive = true }] : Array.Empty<RunOptions>()])
                Close(whole, Everything(kind with { Run = run }), $"{kind.Ablation}, {run.BatchSize}, {run.Naive}");
            // A prompt alone.
            if (kind.Ablation == Ablation.OtherRun)
                Close([.. whole.Select(values => values[1..2])], Everything(kind, 1), "alone");
        }

        double[][] Everything(CircuitOptions options, int? only = null)
        {
            ToyPrompts some = only is int prompt ? prompts.Only(prompt) : prompts;
            using RunResult run = circuit.Run(model, some, s_logits, options);
            KnockoutEffects effects = Knockouts.Of(model, some, s_logits, knockouts, options);
            EdgeScores[] scores =
            [
                EdgeAttribution.Of(model, some, s_logits, options: options),
                EdgeAttribution.Of(model, some, s_logits, steps: 2, options: options),
                EdgeAttribution.OfActivations(model, some, s_logits, steps: 2, options: options),
                EdgeAttribution.OfAllActivations(model, some, s_logits, steps: 2, options: options),
            ];
            return
            [
                run["Column"].Values.data<double>().ToArray(), .. knockouts.Select(knockout => effects.ValuesOfPrompts(knockout).ToArray()),
                .. scores.SelectMany(one => Enumerable.Range(0, one.Graph.EdgeCount)
                    .Select(edge => Enumerable.Range(0, one.PromptCount).Select(prompt => one.OfPrompt(prompt)[edge]).ToArray())),
            ];
        }

        static void Close(double[][] expected, double[][] actual, string what)
        {
            double worst = expected.Zip(actual).Max(pair => pair.First.Zip(pair.Second).Max(one => Math.Abs(one.First - one.Second)));
            Assert.True(worst <= Tolerance, $"{what}: differs by {worst}");
        }
    }

    /// <summary>Both ends of the scale are measured with the first circuit, not with each.</summary>
    [Fact]
    public void A_curve_measures_the_circuit_without_edges_once()
    {
        DecoderModel model = Model("gpt2");
        EdgeScores scores = EdgeAttribution.Of(model, s_prompts, s_logits);
        foreach ((Ablation ablation, int expected) in ((Ablation, int)[])
            [(Ablation.Zero, 4), (Ablation.Mean, 4), (Ablation.OtherRun, 3)])
        {
            Ends runs = new();
            CircuitOptions options = new() { Ablation = ablation, Run = new() { Progress = runs } };
            FaithfulnessCurve curve = FaithfulnessCurve.Of(
                count => scores.Top(count), model, s_prompts, s_logits, [0.2, 0.5, 1], options);
            Assert.Equal(expected, runs.Count);
            Assert.Equal(ablation == Ablation.Mean, curve.Warnings.Any(one => one.Contains("over 2 of the 3", StringComparison.Ordinal)));
            Assert.Equal(1, curve.Faithfulness[^1], Tolerance);
            Assert.Equal(
                scores.Top(scores.Graph.CountOf(0.5)).Pruned().Faithfulness(model, s_prompts, s_logits, options), curve.Faithfulness[1],
                Tolerance);
        }
    }

    /// <summary>Of several runs there is one progress, which only grows; and a cancelled one stops.</summary>
    [Fact]
    public void Long_work_reports_one_progress_and_can_be_cancelled()
    {
        DecoderModel model = Model("gpt2");
        List<RunProgress> progress = [];
        CircuitOptions options = new() { Run = new() { Progress = new Listed(progress) } };
        EdgeAttribution.OfActivations(model, s_prompts, s_logits, steps: 2, options: options);
        Grown(7000);
        Knockouts.Of(
            model, s_prompts, s_logits, [Component.OfHead(0, 0), Component.OfMlp(0), Knockout.Parse("a0.h0, m1")], options);
        Grown(3000);
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            EdgeAttribution.OfActivations(model, s_prompts, s_logits, cancellationToken: cancelled.Token));
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Knockouts.OfEach(model, s_prompts, s_logits, cancellationToken: cancelled.Token));
        Assert.ThrowsAny<OperationCanceledException>(() =>
            OptimalAblation.Of(model, s_prompts, s_logits, Component.OfMlp(0), cancellationToken: cancelled.Token));

        void Grown(int total)
        {
            Assert.All(progress, step => Assert.Equal(total, step.Total));
            Assert.Equal(progress.Select(step => step.Done).Order(), progress.Select(step => step.Done));
            Assert.Equal(total, progress[^1].Done);
            progress.Clear();
        }
    }

    [Fact]
    public void What_is_said_of_means_alone_is_refused_elsewhere()
    {
        DecoderModel model = Model("toy");
        foreach ((CircuitOptions options, string unread) in ((CircuitOptions, string)[])
            [
                (new() { Over = s_prompts }, "CircuitOptions.Over"), (new() { Pooled = true }, "CircuitOptions.Pooled"),
                (new() { Ablation = Ablation.Zero, AcrossTemplates = true }, "CircuitOptions.AcrossTemplates"),
            ])
        {
            Assert.Contains(unread, Refused(() => EdgeAttribution.Of(model, s_prompts, s_logits, options: options)));
            Assert.Contains(unread, Refused(() => Circuit.None(CircuitGraph.Of(model)).ToIntervention(model, options)));
            Assert.Contains(unread, Refused(() => Knockouts.ToIntervention(model, Component.OfHead(0, 0), options)));
        }
        Assert.Contains("template 0, of which", Refused(() => EdgeAttribution.Of(
            model, s_prompts, s_logits, options: new()
            {
                Ablation = Ablation.Mean,
                Over = new ToyPrompts([.. s_prompts.Prompts.Select(prompt => prompt with { Template = 1 })]),
            })));
        Assert.Contains("Ablation is Mean", Refused(() => EdgeAttribution.CleanCorrupted(
            model, s_prompts, s_logits, new() { Ablation = Ablation.Mean })));

        static string Refused(Action action) => Assert.Throws<InterventionException>(action).Message;
    }

    private static InterventionGraph Measured(Func<Tensor, Tensor> metric) =>
        new() { Name = "Column", Metrics = [new MetricNode("Column", [new Read.Logits("end")], x => metric(x[0]))] };

    private double Total(DecoderModel model)
    {
        using RunResult run = s_logits.Run(model, s_prompts);
        return (run.Run("corrupted")["Column"] - run.Run("clean")["Column"]).mean().item<double>();
    }

    /// <summary>A model without norms whose neurons never come near their kink; with what heads write, or without.</summary>
    private DecoderModel Linear(bool attends)
    {
        DecoderModel model = Own(SmallDecoders.Model(SmallDecoders.Config("toy-norm_free") with { Activation = Activation.Relu }));
        using var mode = no_grad();
        foreach ((string name, Tensor weight) in model.Weights)
        {
            if (name.EndsWith("mlp.in.bias", StringComparison.Ordinal))
                weight.fill_(100);
            else if (name.EndsWith("mlp.out.weight", StringComparison.Ordinal))
                weight.mul_(0.02);
            else if (!attends && name.EndsWith("attn.out.weight", StringComparison.Ordinal))
                weight.zero_();
        }
        return model;
    }

    private static Tensor Weight(DecoderModel model, string name) => model.Weights.Single(weight => weight.Key == name).Value;

    private DecoderModel Model(string family) => Own(SmallDecoders.Model(family));

    private DecoderModel Own(DecoderModel model)
    {
        _models.Add(model);
        return model;
    }

    private sealed class Listed(List<RunProgress> progress) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => progress.Add(value);
    }

    /// <summary>Counts runs: each ends with its last step.</summary>
    private sealed class Ends : IProgress<RunProgress>
    {
        public int Count { get; private set; }

        public void Report(RunProgress value) => Count += value.Done == value.Total ? 1 : 0;
    }
}
