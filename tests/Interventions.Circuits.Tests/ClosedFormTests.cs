using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>What must hold whatever the weights are, on small random decoders in float64.</summary>
public sealed class ClosedFormTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly List<DecoderModel> _models = [];

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    private static readonly InterventionGraph s_logits = new() { Name = "Logits", Metrics = [Column(7)] };

    /// <summary>With norms and without, with blocks side by side, shared keys, experts, and without feed-forward blocks.</summary>
    public static TheoryData<string> Families =>
        ["gpt2", "llama", "gpt_neox", "stablelm-parallel", "toy", "toy-norm_free", "mixtral", "bloom", "gemma"];

    public void Dispose()
    {
        foreach (DecoderModel model in _models)
            model.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void All_edges_are_the_model_and_none_the_corrupted_run(string family)
    {
        DecoderModel model = Model(family);
        CircuitGraph graph = CircuitGraph.Of(model);
        Same(Circuit.All(graph), "clean");
        Same(Circuit.None(graph), "corrupted");
        // Cuts: nothing gets from the embedding to the logits.
        Same(new Circuit(graph, graph.Edges.Where(edge => edge.Source != Component.Embed)), "corrupted");
        Same(new Circuit(graph, graph.Edges.Where(edge => edge.Target.Component != Component.Logits)), "corrupted");

        void Same(Circuit circuit, string run)
        {
            using RunResult result = circuit.Run(model, s_prompts, s_logits);
            Assert.InRange(Distance.Largest(result["Column"].Values, result.Run(run)["Column"]), 0, Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Pruning_changes_no_output(string family)
    {
        DecoderModel model = Model(family);
        CircuitGraph graph = CircuitGraph.Of(model);
        Random random = new(3);
        int pruned = 0;
        for (int i = 0; i < 4; i++)
        {
            Circuit circuit = new(graph, graph.Edges.Where(_ => random.Next(4) == 0));
            using RunResult before = circuit.Run(model, s_prompts, s_logits), after = circuit.Pruned().Run(model, s_prompts, s_logits);
            Assert.InRange(Distance.Largest(after["Column"].Values, before["Column"].Values), 0, Tolerance);
            pruned += circuit.Count - circuit.Pruned().Count;
        }
        Assert.True(pruned > 0);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void The_edges_of_a_source_add_up_to_its_own_attribution(string family)
    {
        DecoderModel model = Model(family);
        EdgeScores scores = EdgeAttribution.Of(model, s_prompts, s_logits);
        InterventionGraph nodes = s_logits with
        {
            Gradients =
            [
                Attribution("Embed", family == "bloom" ? "embed_norm" : "embed"), Attribution("Heads", "blocks.*.attn.result"),
                .. scores.Graph.HasMlps ? [Attribution("Mlps", "blocks.*.mlp_out")] : Array.Empty<GradientNode>(),
            ],
        };
        using RunResult run = nodes.Run(model, s_prompts);
        IReadOnlyDictionary<string, Tensor> clean = run.Run("clean");
        foreach (Component source in scores.Graph.Sources)
        {
            double sum = scores.Graph.Edges.Where(edge => edge.Source == source).Sum(edge => scores[edge]);
            Tensor expected = source.Kind switch
            {
                ComponentKind.Embed => clean["Embed"].sum([1L]),                                            // [batch, pos]
                ComponentKind.Head => clean["Heads"][source.Layer].sum([1L]).select(-1, source.Head),       // [batch, pos, head]
                _ => clean["Mlps"][source.Layer].sum([1L]),
            };
            Assert.Equal(expected.mean().item<double>(), sum, Tolerance);
        }

        static GradientNode Attribution(string name, string site) => new(
            name, site, [new Read.Gradient(), new Read.Value(), new Read.From("corrupted")], x => (x[0] * (x[2] - x[1])).sum(-1));
    }

    [Theory]
    [InlineData("toy")]
    [InlineData("toy-norm_free")]
    public void Without_a_final_norm_the_edges_into_the_logits_are_exact(string family)
    {
        DecoderModel model = Model(family);
        EdgeScores scores = EdgeAttribution.Of(model, s_prompts, s_logits), effects = EdgeEffects.Of(model, s_prompts, s_logits);
        Edge[] last = [.. scores.Graph.Edges.Where(edge => edge.Target.Component == Component.Logits)];
        Assert.All(last, edge => Assert.Equal(effects[edge], scores[edge], Tolerance));
        using RunResult run = s_logits.Run(model, s_prompts);
        double total = (run.Run("corrupted")["Column"] - run.Run("clean")["Column"]).mean().item<double>();
        Assert.Equal(total, last.Sum(edge => scores[edge]), Tolerance);
        Assert.Contains(scores.Graph.Edges, edge => Math.Abs(effects[edge] - scores[edge]) > 1e-6);
    }

    /// <summary>Values of the last layer enter a linear model's logits linearly; queries and keys do not.</summary>
    [Fact]
    public void Without_norms_and_neurons_the_last_layers_value_edges_are_exact()
    {
        DecoderModel model = Model("toy");
        EdgeScores scores = EdgeAttribution.Of(model, s_prompts, s_logits), effects = EdgeEffects.Of(model, s_prompts, s_logits);
        Edge[] last = [.. scores.Graph.Edges.Where(edge =>
            edge.Target.Component.Kind == ComponentKind.Head && edge.Target.Component.Layer == scores.Graph.Layers - 1)];
        Assert.All(
            last.Where(edge => edge.Target.Input == PortInput.Value), edge => Assert.Equal(effects[edge], scores[edge], Tolerance));
        Assert.Contains(
            last.Where(edge => edge.Target.Input != PortInput.Value), edge => Math.Abs(effects[edge] - scores[edge]) > 1e-6);
    }

    /// <summary>The gradient along the way from the corrupted embedding adds up to the whole way; of the embedding's edges alone.</summary>
    [Fact]
    public void Integrated_gradients_of_the_embedding_are_complete()
    {
        DecoderModel model = Model("gpt2");
        EdgeScores scores = EdgeAttribution.Of(model, s_prompts, s_logits, steps: 200);
        using RunResult run = s_logits.Run(model, s_prompts);
        double total = (run.Run("corrupted")["Column"] - run.Run("clean")["Column"]).mean().item<double>();
        double sum = scores.Graph.Edges.Where(edge => edge.Source == Component.Embed).Sum(edge => scores[edge]);
        Assert.InRange(sum, total - (0.01 * Math.Abs(total)), total + (0.01 * Math.Abs(total)));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void One_step_at_the_right_end_is_the_plain_gradient(string family)
    {
        DecoderModel model = Model(family);
        Close(
            EdgeAttribution.Of(model, s_prompts, s_logits),
            EdgeAttribution.Of(model, s_prompts, s_logits, steps: 1, IntegrationRule.Right));
        // And at the left end, with the clean prompts' changes, the corrupted run's: the mean of both ends is that of both runs.
        EdgeScores left = EdgeAttribution.Of(model, s_prompts, s_logits, steps: 1, IntegrationRule.Left);
        EdgeScores right = EdgeAttribution.Of(model, s_prompts, s_logits);
        EdgeScores both = EdgeAttribution.CleanCorrupted(model, s_prompts, s_logits);
        Assert.All(both.Graph.Edges, edge => Assert.Equal((left[edge] + right[edge]) / 2, both[edge], Tolerance));
    }

    [Fact]
    public void Equal_runs_have_no_effects()
    {
        DecoderModel model = Model("gpt2");
        ToyPrompts equal = new([.. s_prompts.Prompts.Select(prompt => new PromptTokens([prompt.Runs[0], prompt.Runs[0]], prompt.Answers))]);
        Assert.All(EdgeAttribution.Of(model, equal, s_logits).Means, score => Assert.Equal(0, score));
        Assert.All(EdgeAttribution.Of(model, equal, s_logits, steps: 2).Means, score => Assert.Equal(0, score));
        Assert.All(EdgeEffects.Of(model, equal, s_logits).Means, score => Assert.Equal(0, score, Tolerance)); // rows are computed anew
        Assert.Contains(
            "there is nothing to be faithful to",
            Assert.Throws<InterventionException>(() =>
                Circuit.All(CircuitGraph.Of(model)).Faithfulness(model, equal, s_logits)).Message);
    }

    /// <summary>The naive executor, batches of any size and a small budget give the same numbers.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("gpt_neox")]
    public void How_it_is_run_changes_nothing(string family)
    {
        DecoderModel model = Model(family);
        Random random = new(3);
        Circuit circuit = new(CircuitGraph.Of(model), CircuitGraph.Of(model).Edges.Where(_ => random.Next(2) == 0));
        RunOptions[] ways = [new() { Naive = true }, new() { BatchSize = 1 }, new() { BatchSize = 2 }];
        foreach (CircuitOptions options in ways.Select(way => new CircuitOptions { Run = way }))
        {
            Close(
                EdgeAttribution.Of(model, s_prompts, s_logits, steps: 2),
                EdgeAttribution.Of(model, s_prompts, s_logits, steps: 2, options: options));
            Close(EdgeAttribution.Of(model, s_prompts, s_logits), EdgeAttribution.Of(model, s_prompts, s_logits, options: options));
            using RunResult planned = circuit.Run(model, s_prompts, s_logits), run = circuit.Run(model, s_prompts, s_logits, options);
            Assert.InRange(Distance.Largest(run["Column"].Values, planned["Column"].Values), 0, Tolerance);
        }
        DecoderModel small = Small();
        Close(EdgeEffects.Of(small, s_prompts, s_logits), EdgeEffects.Of(small, s_prompts, s_logits, new() { Run = ways[0] }));
    }

    [Fact]
    public void A_circuit_is_a_part_of_other_interventions()
    {
        DecoderModel model = Model("gpt2");
        Circuit circuit = Circuit.Of(CircuitGraph.Of(model), [Component.OfHead(0, 1), Component.OfMlp(1)]);
        using RunResult own = circuit.Run(model, s_prompts, s_logits);
        using RunResult included = Intervention.On(model).Include("circuit", circuit.ToIntervention(model))
            .Metric("Column", x => x.select(1, 7), [Reads.Logits()]).Run(s_prompts);
        Assert.Equal(0, Distance.Largest(included["Column"].Values, own["Column"].Values));
    }

    [Fact]
    public void No_tensor_is_left()
    {
        DecoderModel model = Small();
        Everything();
        long before = LiveTensors.Count();
        Everything();
        Assert.Equal(before, LiveTensors.Count());

        void Everything()
        {
            EdgeScores scores = EdgeAttribution.Of(model, s_prompts, s_logits, steps: 2);
            EdgeEffects.Of(model, s_prompts, s_logits);
            scores.Top(5).Faithfulness(model, s_prompts, s_logits);
        }
    }

    [Fact]
    public void What_is_no_metric_or_no_run_is_refused()
    {
        DecoderModel model = Small();
        Intervention measured = Intervention.On(model).LogitDifference("correct", "wrong");
        Refused("has 0 metrics", Intervention.On(model).Graph);
        Refused("has 2 metrics", measured.Probability("correct").Graph);
        Refused("a metric only measures", measured.Zero("blocks.0.attn.z").Graph);
        Refused("keeps more than a metric", measured.Capture("Z", "blocks.0.attn.z").Graph);
        Refused("'clean' is the run that is changed", measured.Graph, new() { From = "clean" });
        Refused("did you mean 'corrupted'", measured.Graph, new() { From = "corupted" });
        Refused("there is no corrupted run", measured.Graph, new() { Ablation = Ablation.Zero }, isOfBoth: true);
        Assert.Contains(
            nameof(Ablation.OtherRun),
            Assert.Throws<ArgumentOutOfRangeException>(() => new CircuitOptions { Ablation = Ablation.Resample }).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => EdgeAttribution.Of(model, s_prompts, measured.Graph, steps: -1));
        Assert.Contains(
            "The circuit is of 3 layers of 2 heads",
            Assert.Throws<InterventionException>(() => Circuit.All(new CircuitGraph(3, 2)).Run(model, s_prompts, measured.Graph)).Message);

        void Refused(string message, InterventionGraph metric, CircuitOptions? options = null, bool isOfBoth = false) => Assert.Contains(
            message, Assert.Throws<InterventionException>(() => isOfBoth
                ? EdgeAttribution.CleanCorrupted(model, s_prompts, metric, options)
                : EdgeAttribution.Of(model, s_prompts, metric, options: options)).Message);
    }

    /// <summary>Where a norm or a factor stands between heads and the stream, edges of heads are not what is added to it.</summary>
    [Theory]
    [InlineData("gemma2", "has a norm behind attention")]
    [InlineData("olmo2", "has a norm behind attention")]
    [InlineData("granite", "by a factor")]
    public void Models_whose_heads_do_not_add_up_are_refused(string family, string reason) =>
        Assert.Contains(reason, Assert.Throws<InterventionException>(() => CircuitGraph.Of(Model(family))).Message);

    [Fact]
    public void A_model_without_ports_is_refused()
    {
        using ToyModel model = new();
        Assert.Contains(
            "has no site 'blocks.{layer}.attn.q_input'", Assert.Throws<InterventionException>(() => CircuitGraph.Of(model)).Message);
    }

    private static MetricNode Column(long token) => new("Column", [new Read.Logits("end")], x => x[0].select(1, token));

    private static void Close(EdgeScores expected, EdgeScores actual)
    {
        for (int prompt = 0; prompt < expected.PromptCount; prompt++)
            Assert.All(expected.OfPrompt(prompt).Zip(actual.OfPrompt(prompt)), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
    }

    private DecoderModel Small() => Own(DecoderModel.Random(
        SmallDecoders.Config("gpt2") with { Layers = 2, Heads = 2, KvHeads = 2, DHead = 16 }, seed: 3, dtype: ScalarType.Float64));

    private DecoderModel Model(string family) => Own(SmallDecoders.Model(family));

    private DecoderModel Own(DecoderModel model)
    {
        _models.Add(model);
        return model;
    }
}
