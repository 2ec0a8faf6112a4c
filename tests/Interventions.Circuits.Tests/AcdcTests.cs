using System.Collections.Immutable;
using System.Text.Json;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Planning;
using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>The search edge by edge: against golden traces, gates by hand, and itself when it was stopped.</summary>
public sealed class AcdcTests : IDisposable
{
    private const double Tolerance = 1e-9;

    /// <summary>One that leaves some edges of the small model.</summary>
    private const double Threshold = 1e-4;

    private static readonly InterventionGraph s_ld = Golden.LogitDifference, s_kl = Golden.KullbackLeibler;

    private readonly TemporaryFolder _folder = new();
    private readonly DecoderModel _model = DecoderModel.Random(
        SmallDecoders.Config("gpt2") with { Layers = 2, Heads = 2, KvHeads = 2, DHead = 16 }, seed: 3, dtype: ScalarType.Float64);

    private readonly ToyPrompts _prompts = ToyPrompts.Random(5, 6, 4, 6);

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Every_decision_agrees(string name)
    {
        using CircuitCase circuit = new(name);
        using JsonDocument json = circuit.Json("acdc");
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        foreach (JsonElement run in json.RootElement.GetProperty("runs").EnumerateArray())
        {
            string trace = run.GetProperty("name").GetString()!;
            bool isZero = run.GetProperty("corruption").GetString()!.StartsWith("zero", StringComparison.Ordinal);
            bool isLd = run.GetProperty("metric").GetString() == "minus_ld";
            AcdcResult found = Acdc.Of(
                circuit.Model, circuit, isLd ? s_ld : s_kl, run.GetProperty("threshold").GetDouble(), new AcdcOptions
                {
                    Circuit = new() { Ablation = isZero ? Ablation.Zero : Ablation.OtherRun },
                    Order = run.GetProperty("order").GetString() == "heads_first" ? AcdcOrder.HeadsFirst : AcdcOrder.LettersFirst,
                    Absolute = run.GetProperty("absolute").GetBoolean(),
                    HigherIsBetter = isLd,
                });
            Edge[] edges = [.. graph.Edges];
            int[] order = [.. circuit["acdc", $"{trace}.edge"].to_type(ScalarType.Int32).data<int>()];
            Assert.Equal(order.Select(edge => edges[edge]), found.Steps.Select(step => step.Edge));
            Assert.Equal(Marks("removed"), found.Steps.Select(step => step.IsRemoved));
            Assert.Equal(Marks("evaluated"), found.Steps.Select(step => step.Candidate is not null));
            double[] candidates = Numbers("candidate"), metrics = Numbers("metric");
            foreach ((int i, AcdcStep step) in found.Steps.Index())
            {
                if (step.Candidate is { } candidate)
                    Close(candidates[i], candidate);
                Close(metrics[i], step.Metric);
            }
            Close(run.GetProperty("initial_metric").GetDouble(), found.InitialMetric);
            Close(run.GetProperty("final_metric").GetDouble(), found.FinalMetric);
            Assert.Equal(Edges("edges"), found.Circuit.Edges.Select(edge => $"{edge}").Order());
            Assert.Equal(Edges("edges_before_final_cleaning"), found.BeforeCleaning.Edges.Select(edge => $"{edge}").Order());

            IEnumerable<bool> Marks(string value) =>
                circuit["acdc", $"{trace}.{value}"].to_type(ScalarType.Int32).data<int>().Select(mark => mark != 0);

            double[] Numbers(string value) => [.. circuit["acdc", $"{trace}.{value}"].data<double>()];

            IEnumerable<string> Edges(string list) => run.GetProperty(list).ValueKind == JsonValueKind.Array
                ? run.GetProperty(list).EnumerateArray().Select(edge => edge.GetString()!).Order()
                : throw new InvalidOperationException(list);

            void Close(double expected, double actual) => Assert.InRange(
                Math.Abs(expected - actual), 0, Tolerance * Math.Max(1, metrics.Max(Math.Abs)));
        }
    }

    /// <summary>Oracle 21: all edges at +∞, none at −∞, and a run of what is left gives the last metric again.</summary>
    [Theory]
    [InlineData(AcdcOrder.HeadsFirst)]
    [InlineData(AcdcOrder.LettersFirst)]
    public void Infinite_thresholds_are_the_two_ends(AcdcOrder order)
    {
        ImmutableArray<AcdcResult> found = Acdc.Of(
            _model, _prompts, s_kl, [double.PositiveInfinity, double.NegativeInfinity, Threshold], new AcdcOptions { Order = order });
        using RunResult run = s_kl.Run(_model, _prompts);
        Assert.Equal(Circuit.None(found[0].Graph), found[0].BeforeCleaning);
        Assert.Equal(run.Run("corrupted")["KL"].mean().item<double>(), found[0].FinalMetric, Tolerance);
        Assert.Equal(Circuit.All(found[1].Graph), found[1].Circuit);
        Assert.Equal(0, found[1].FinalMetric, Tolerance);
        Assert.InRange(found[2].BeforeCleaning.Count, 1, found[2].Graph.EdgeCount - 1);
        foreach (Circuit circuit in (Circuit[])[found[2].BeforeCleaning, found[2].Circuit])
        {
            using RunResult again = circuit.Run(_model, _prompts, s_kl, new() { Run = new() { Naive = true } });
            Assert.Equal(again["KL"].Values.mean().item<double>(), found[2].FinalMetric, Tolerance);
        }
    }

    /// <summary>
    /// Oracle 21: both inputs of an AND are needed; of an OR the one that is visited last stays. Queries are visited after values, or with
    /// their head, of which the higher one comes first.
    /// </summary>
    [Theory]
    [InlineData(AcdcOrder.HeadsFirst, "a0.h1->a1.h0.v")]
    [InlineData(AcdcOrder.LettersFirst, "a0.h0->a1.h1.q")]
    public void An_and_keeps_both_inputs_and_an_or_the_last_one(AcdcOrder order, string last)
    {
        CircuitGraph graph = new(2, 2);
        Edge one = Edge.Parse("a0.h1->a1.h0.v"), other = Edge.Parse("a0.h0->a1.h1.q");
        // The readers have ways on, else their edges would be left out unmeasured.
        Edge[] needed = [Edge.Parse("a1.h0->logits"), Edge.Parse("a1.h1->logits")];
        Assert.Equal([one, other, .. needed], Kept(circuit => circuit.Contains(one) && circuit.Contains(other)));
        Assert.Equal([Edge.Parse(last), .. needed], Kept(circuit => circuit.Contains(one) || circuit.Contains(other)));

        IEnumerable<Edge> Kept(Func<Circuit, bool> isOn)
        {
            AcdcSearch search = new(graph, 0.5, new AcdcOptions { Order = order });
            search.Run(circuit => (isOn(circuit) ? 0 : 1) + needed.Count(edge => !circuit.Contains(edge)), _ => { }, default);
            return search.Result.BeforeCleaning.Edges;
        }
    }

    /// <summary>Oracle 29: of two circuits that do the same, either is faithful, and without one the other is found.</summary>
    [Fact]
    public void Of_two_circuits_that_do_the_same_one_is_found()
    {
        CircuitGraph graph = new(2, 2);
        Circuit c1 = Path("embed->a0.h0.v", "a0.h0->a1.h0.v", "a1.h0->logits");
        Circuit c2 = Path("embed->a0.h1.v", "a0.h1->a1.h1.v", "a1.h1->logits");
        Circuit found = Found(Circuit.All(graph));
        // Higher heads are visited first, so that the lower ones stay.
        Assert.Equal(c1, found);
        Assert.Equal(0, Loss(found));
        // Complete it is not: what is left of the model without it does what it did, what is left of it does not.
        Assert.Equal((1, 0), (Loss(found - c1), Loss(Circuit.All(graph) - c1)));
        // The union of both is minimal and complete: without either, both agree.
        Circuit both = c1 | c2;
        Assert.All((Circuit[])[c1, c2, both], without => Assert.Equal(Loss(Circuit.All(graph) - without), Loss(both - without)));
        Assert.Equal(c2, Found(Circuit.All(graph) - c1));

        double Loss(Circuit circuit) => circuit.Contains(c1) || circuit.Contains(c2) ? 0 : 1;

        Circuit Found(Circuit whole)
        {
            AcdcSearch search = new(graph, 0.5, new AcdcOptions());
            search.Run(circuit => Loss(circuit & whole), _ => { }, default);
            return search.Result.Circuit;
        }

        Circuit Path(params string[] edges) => new(graph, edges.Select(Edge.Parse));
    }

    /// <summary>Oracle 4: the published program's count has an edge more from each port to its projection.</summary>
    [Theory]
    [InlineData(2, 2, 46, 58)]
    [InlineData(1, 1, 8, 11)]
    [InlineData(12, 12, 32_491, 32_923)]
    public void The_published_program_counts_projections_too(int layers, int heads, int edges, int published)
    {
        CircuitGraph graph = new(layers, heads);
        Assert.Equal(edges, graph.EdgeCount);
        Assert.Equal(published, graph.EdgeCount + graph.Ports.Count(port => port.Component.Kind == ComponentKind.Head));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("gpt_neox")]
    [InlineData("toy")]
    [InlineData("bloom")]
    public void What_is_held_changes_no_number(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        CircuitGraph graph = CircuitGraph.Of(model);
        Random random = new(4);
        foreach (Ablation ablation in (Ablation[])[Ablation.OtherRun, Ablation.Zero])
        {
            Measurement plain = Measurement.Of(
                model, _prompts, s_kl, new() { Ablation = ablation, Run = new() { BatchSize = 2 } });
            Measurement holding = plain.Holding(out HeldRuns? held, default);
            using (held)
            {
                for (int layer = graph.Layers; layer >= 0; layer--)
                {
                    Circuit circuit = new(graph, graph.Edges.Where(edge =>
                        (edge.Target.Component.Layer < layer && edge.Target.Component != Component.Logits) || random.Next(3) > 0));
                    Assert.Equal(Measured(plain, circuit), Measured(holding, circuit), Tolerance);
                }
            }
        }

        static double Measured(Measurement measurement, Circuit circuit) =>
            measurement.Mean(circuit.ToIntervention(measurement.Model, measurement.Options), default);
    }

    [Fact]
    public void A_run_begins_at_the_port_that_is_visited()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        CircuitGraph graph = CircuitGraph.Of(model);
        Measurement holding = Measurement.Of(model, _prompts, s_kl, null).Holding(out HeldRuns? held, default);
        using (held)
        {
            for (int layer = 0; layer < graph.Layers; layer++)
            {
                Circuit circuit = new(
                    graph, graph.Edges.Where(edge => edge.Target.Component.Layer != layer || edge.Source != Component.Embed));
                InterventionGraph run = circuit.ToIntervention(model) with { Metrics = s_kl.Metrics };
                HashSet<string> computed = [];
                foreach (ExecutionPlan plan in InterventionRunner.Plans(run, model, _prompts, holding.Options.Run))
                    foreach (PlanStep step in plan.Passes.SelectMany(pass => pass.Nodes))
                        if (step.Tables.Any(table => table.Definition is not null))
                            computed.Add(plan.Expansion.Name(step.Node));
                Assert.DoesNotContain(computed, node => Enumerable.Range(0, layer).Any(before =>
                    node.StartsWith($"blocks.{before}.", StringComparison.Ordinal)));
                Assert.Contains(computed, node => node.StartsWith($"blocks.{layer}.attn", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public void A_search_that_was_stopped_goes_on_and_ends_the_same()
    {
        using DecoderModel model = DecoderModel.Random(
            SmallDecoders.Config("gpt2") with { Layers = 2, Heads = 2, KvHeads = 2, DHead = 16 }, seed: 3);
        string path = Path.Combine(_folder.Path, "acdc.json");
        AcdcOptions options = new() { Path = path, SaveEvery = 7 };
        AcdcResult whole = Acdc.Of(model, _prompts, s_kl, Threshold);
        int stops = 0;
        foreach (int after in (int[])[10, 9, 17])
        {
            using CancellationTokenSource stop = new();
            CircuitOptions stopped = new() { Run = new() { Progress = new Stop(stop, after) } };
            Assert.ThrowsAny<OperationCanceledException>(() => Acdc.Of(
                model, _prompts, s_kl, Threshold, options with { Circuit = stopped }, stop.Token));
            stops++;
            Assert.Contains("that was stopped after", Assert.Throws<InterventionException>(() => AcdcResult.Load(path)).Message);
        }
        Assert.Equal(3, stops);
        List<RunProgress> seen = [];
        AcdcResult resumed = Acdc.Of(
            model, _prompts, s_kl, Threshold, options with { Circuit = new() { Run = new() { Progress = new Seen(seen) } } });
        Assert.True(seen[0].Done > 21, "it went on");
        Assert.Equal((whole.Graph.EdgeCount, whole.Graph.EdgeCount), (seen[^1].Done, seen[^1].Total));
        // Immutable arrays are equal where they are one and the same; lists are compared step by step.
        Assert.Equal(whole.Steps.ToList(), resumed.Steps.ToList());
        Assert.Equal(whole.InitialMetric, resumed.InitialMetric);
        Assert.Equal(whole.Steps.ToList(), AcdcResult.Load(path).Steps.ToList());
        Assert.Equal(whole.Steps.ToList(), Acdc.Of(model, _prompts, s_kl, Threshold, options).Steps.ToList()); // nothing is left to do
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.tmp"));
        Refused("ACDC with threshold 0.0001", 0.02, s_kl);
        Refused("with another declaration", Threshold, s_ld);
        File.WriteAllText(path, "{}");
        Refused("is no search", Threshold, s_kl);

        void Refused(string message, double threshold, InterventionGraph metric) => Assert.Contains(
            message, Assert.Throws<InterventionException>(() => Acdc.Of(model, _prompts, metric, threshold, options)).Message);
    }

    [Fact]
    public void What_cannot_be_searched_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Acdc.Of(_model, _prompts, s_kl, double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AcdcOptions { SaveEvery = 0 });
        InterventionGraph broken = s_kl with { Metrics = [new("Broken", [new Read.Logits("end")], x => x[0].sum(-1) * double.NaN)] };
        Assert.Contains(
            "The metric is NaN of the model", Assert.Throws<InterventionException>(() => Acdc.Of(_model, _prompts, broken, 1)).Message);
    }

    [Fact]
    public void It_prints_and_saves_its_decisions()
    {
        AcdcResult found = Acdc.Of(_model, _prompts, s_kl, Threshold, new AcdcOptions { Order = AcdcOrder.HeadsFirst });
        string[] lines = $"{found}".Split('\n');
        Assert.StartsWith($"{found.Circuit}; threshold 0.0001, metric ", lines[0], StringComparison.Ordinal);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 80));
        Assert.Contains(found.BeforeCleaning.Edges, edge => lines[2].StartsWith($"{edge} ", StringComparison.Ordinal));
        string csv = Path.Combine(_folder.Path, "acdc.csv"), json = Path.Combine(_folder.Path, "saved.json");
        found.SaveCsv(csv);
        Assert.Equal(found.Graph.EdgeCount + 1, File.ReadLines(csv).Count());
        Assert.Equal("edge,candidate,removed,metric", File.ReadLines(csv).First());
        found.Save(json);
        AcdcResult loaded = AcdcResult.Load(json);
        Assert.Equal(found.Steps.ToList(), loaded.Steps.ToList());
        Assert.Equal((found.Threshold, found.Order, found.IsCleaned), (loaded.Threshold, loaded.Order, loaded.IsCleaned));
    }

    [Fact]
    public void No_tensor_is_left()
    {
        Acdc.Of(_model, _prompts, s_kl, Threshold);
        long before = LiveTensors.Count();
        Acdc.Of(_model, _prompts, s_kl, Threshold);
        Assert.Equal(before, LiveTensors.Count());
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

    private sealed class Seen(List<RunProgress> all) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => all.Add(value);
    }
}
