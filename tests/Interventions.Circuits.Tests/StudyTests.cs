using System.Runtime.CompilerServices;
using Interventions.Examples;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Circuits of nodes, trees and studies on models.</summary>
public sealed class StudyTests
{
    private const double Tolerance = 1e-9;

    private static readonly InterventionGraph s_ld = new()
    {
        Name = "LD",
        Metrics = [new("LD", [new Read.Logit("IO", "end"), new Read.Logit("S", "end")], x => x[0] - x[1])],
    };

    private static readonly CompletenessSets s_few = new() { Random = 3, Greedy = 2, GreedySteps = 2, GreedyCandidates = 2 };

    [Fact]
    public void The_published_circuit_runs_on_its_geometry()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = Twelve();
        People prompts = new(6);
        CircuitOptions means = new() { Ablation = Ablation.Mean };
        Completeness found = Completeness.Of(model, prompts, s_ld, PublishedCircuits.Ioi, s_few, means);
        Assert.Equal(
            ["none", .. Enumerable.Repeat("class", 7), .. Enumerable.Repeat("random", 3)], found.Sets.Take(11).Select(set => set.Kind));
        using RunResult run = PublishedCircuits.Ioi.Run(model, prompts, s_ld, means);
        Assert.Equal(run["LD"].Values.mean().item<double>(), found.Circuit, Tolerance);
        Assert.Equal(run.Run("clean")["LD"].mean().item<double>(), found.Model, Tolerance);
        Assert.NotEqual(found.Circuit, Completeness.Of(model, prompts, s_ld, PublishedCircuits.NaiveIoi, s_few, means).Circuit);
        Assert.True(double.IsFinite(PublishedCircuits.IoiEdges.Faithfulness(model, prompts, s_ld)));
        Assert.All($"{found}".Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.Contains(found.Warnings, warning => warning.Contains("over 3 of the 6 prompts"));
        // The same seed draws the same sets.
        Completeness again = Completeness.Of(model, prompts, s_ld, PublishedCircuits.Ioi, s_few, means);
        Assert.Equal(found.Sets.Select(set => string.Join(',', set.Parts)), again.Sets.Select(set => string.Join(',', set.Parts)));
    }

    [Fact]
    public void The_published_circuit_is_refused_on_other_geometry()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        const string reason = "The circuit is of 12 layers of 12 heads and feed-forward blocks, and ";
        People prompts = new(2);
        Assert.Contains(reason, Refused(() => Completeness.Of(model, prompts, s_ld, PublishedCircuits.Ioi)));
        Assert.Contains("has 3 layers of 4 heads", Refused(() => PublishedCircuits.NaiveIoi.Run(model, prompts, s_ld)));
        Assert.Contains(reason, Refused(() => PublishedCircuits.IoiEdges.Run(model, prompts, s_ld)));
        // Twelve by twelve side by side, as a Pythia has them, are other heads still.
        using DecoderModel parallel = SmallDecoders.Model(
            SmallDecoders.Config("gpt_neox") with { Layers = 12, Heads = 12, KvHeads = 12, DHead = 2, DModel = 24, Rotary = null });
        Assert.Contains("beside feed-forward blocks", Refused(() => PublishedCircuits.Ioi.Run(parallel, prompts, s_ld)));
    }

    /// <summary>
    /// Oracle 29: two equal heads, either of which is enough. One of them is faithful, and incomplete without itself; both are minimal.
    /// </summary>
    [Fact]
    public void Either_of_two_equal_heads_is_faithful_and_not_complete()
    {
        using DecoderModel model = Either();
        ToyPrompts prompts = new(new PromptTokens([new([1], [0, 0]), new([0], [0, 0])], [1, 0]));
        InterventionGraph ld = Golden.LogitDifference;
        CircuitGraph graph = CircuitGraph.Of(model);
        CircuitNode first = new(Component.OfHead(0, 0), "either"), second = new(Component.OfHead(0, 1), "either");
        CompletenessSets all = new() { All = true, Greedy = 1, GreedyCandidates = 0 };
        foreach (CircuitParts one in (CircuitParts[])
            [
                new NodeCircuit(graph, [first]),
                CircuitParts.Of(
                    Circuit.Of(graph, [first.Component, Component.OfMlp(0)]),
                    edge => edge.Source == first.Component ? "a0.h0" : "rest"),
            ])
        {
            Completeness found = Completeness.Of(model, prompts, ld, one, all);
            Assert.Equal((1, 1), (found.Model, found.Circuit));
            Assert.Equal(0, found.Gap, Tolerance);
            Assert.Equal(1, found.Sets.Single(set => set.Kind == "subset" && set.Parts is ["a0.h0"]).Incompleteness, Tolerance);
            Assert.Equal(1, found.Worst.Incompleteness, Tolerance);
            Assert.Equal("a0.h0", found.Sets.Single(set => set.Kind == "greedy").Parts[0]);
        }
        Minimality both = Minimality.Of(model, prompts, ld, new NodeCircuit(graph, [first, second]));
        foreach (PartMinimality part in both.Parts)
        {
            Assert.Equal(0, part.Alone.Size, Tolerance);
            Assert.Equal(1, part.WithoutClass.Size, Tolerance);
        }
        Assert.Equal(1, both.Least, Tolerance);
        Completeness whole = Completeness.Of(model, prompts, ld, new NodeCircuit(graph, [first, second]), all);
        Assert.Equal(0, whole.Worst.Incompleteness, Tolerance);
    }

    /// <summary>A set without itself, of edges: C∖K and M∖K are the circuits that lack the edges.</summary>
    [Fact]
    public void Criteria_of_edges_run_the_circuits_that_lack_them()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        People prompts = new(4);
        CircuitGraph graph = CircuitGraph.Of(model);
        Circuit circuit = Circuit.Of(graph, [Component.OfHead(0, 1), Component.OfMlp(1), Component.OfHead(2, 3)]);
        Completeness found = Completeness.Of(model, prompts, s_ld, circuit, s_few);
        Assert.Contains(found.Sets, set => set.Kind == "class" && set.Parts is ["a2.h3->logits"]);
        foreach (ComparedSet set in found.Sets)
        {
            Circuit without = new(graph, set.Parts.Select(Edge.Parse));
            Assert.Equal(Mean(circuit - without), set.Circuit, Tolerance);
            Assert.Equal(Mean(~without), set.Model, Tolerance);
        }
        Minimality minimal = Minimality.Of(model, prompts, s_ld, CircuitParts.Of(circuit, edge => $"{edge.Source}"));
        Assert.Equal(["embed", "a0.h1", "m1", "a2.h3"], minimal.Parts.Select(part => part.Part));
        Circuit ofMlp = new(graph, circuit.Edges.Where(edge => edge.Source == Component.OfMlp(1)));
        Assert.Equal(Mean(circuit - ofMlp), minimal.Parts[2].Alone.After, Tolerance);
        Assert.All($"{found}{minimal}".Split('\n'), line => Assert.InRange(line.Length, 0, 80));

        double Mean(Circuit of)
        {
            using RunResult run = of.Run(model, prompts, s_ld);
            return run["LD"].Values.mean().item<double>();
        }
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("gpt_neox")]
    [InlineData("gemma2")]
    public void Circuits_of_nodes_are_those_of_the_naive_run(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        People prompts = new(5);
        CircuitNode[] heads = [new(Component.OfHead(0, 1), "early", "S2,end"), new(Component.OfHead(2, 3), "late")];
        NodeCircuit circuit = new(CircuitSites.Sizes(model), [.. heads, new(Component.OfMlp(1), "block", "end")], knocksOutMlps: true);
        foreach (Ablation ablation in (Ablation[])[Ablation.OtherRun, Ablation.Mean, Ablation.Zero])
        {
            CircuitOptions options = new() { Ablation = ablation }, naive = options with { Run = new() { Naive = true, BatchSize = 2 } };
            Completeness planned = Completeness.Of(model, prompts, s_ld, circuit, s_few, options);
            Completeness oracle = Completeness.Of(model, prompts, s_ld, circuit, s_few, naive);
            Assert.All(planned.Sets.Zip(oracle.Sets), pair =>
            {
                Assert.Equal(string.Join(',', pair.First.Parts), string.Join(',', pair.Second.Parts));
                Assert.Equal(pair.Second.Circuit, pair.First.Circuit, Tolerance);
                Assert.Equal(pair.Second.Model, pair.First.Model, Tolerance);
            });
            Assert.Equal(
                circuit.Faithfulness(model, prompts, s_ld, naive), circuit.Faithfulness(model, prompts, s_ld, options), Tolerance);
        }
        NodeCircuit all = new(circuit.Graph, circuit.Graph.Sources.Skip(1).Select(source => new CircuitNode(source)), knocksOutMlps: true);
        Assert.Equal(1, all.Faithfulness(model, prompts, s_ld), Tolerance);
        Assert.Equal(0, new NodeCircuit(circuit.Graph, []).Faithfulness(model, prompts, s_ld), Tolerance);
    }

    [Fact]
    public void What_criteria_cannot_answer_is_refused()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        People prompts = new(2);
        CircuitGraph graph = CircuitGraph.Of(model);
        Assert.Contains("has no part", Refused(() => Minimality.Of(model, prompts, s_ld, Circuit.None(graph))));
        Assert.Contains(
            "subsets: all are measured of 16 parts at most",
            Refused(() => Completeness.Of(model, prompts, s_ld, Circuit.All(graph), new() { All = true })));
        Assert.Throws<ArgumentException>(() => PathTree.Of(model, prompts, s_ld, [new PathLevel("a", "end", "b", PortInput.Query)]));
        Assert.Contains("'S3'", Refused(() => PathTree.Of(model, prompts, s_ld, [new PathLevel("a", "S3")])));
    }

    /// <summary>Each question of the tree is path patching from all heads, into those that the question before found.</summary>
    [Fact]
    public void A_tree_is_path_patching_backwards()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        People prompts = new(4);
        PathLevel[] levels =
        [
            new("direct", "end") { Ranking = Ranking.Absolute }, new("against", "end") { Ranking = Ranking.MostPositive },
            new("turning", "end", "direct", PortInput.Query) { Ranking = Ranking.Absolute },
        ];
        PathTree tree = PathTree.Of(model, prompts, s_ld, levels, most: 3, least: 0);
        NodeScores direct = PathEffects.Of(
            model, prompts, s_ld, [new Port(Component.Logits)], paths: new() { SendersAt = "end", ReceiversAt = "end" });
        Assert.Equal(3, tree["direct"].Senders.Length);
        Assert.Equal(direct.Means.Max(Math.Abs), Math.Abs(tree["direct"].Senders[0].Effect), Tolerance);
        Assert.Equal(direct.Clean.Average(), tree.Clean, Tolerance);
        Assert.All(tree["against"].Senders, sender => Assert.True(sender.Effect > 0));
        NodeScores turning = PathEffects.Of(
            model, prompts, s_ld,
            [.. tree["direct"].Senders.Where(sender => sender.Head.Layer > 0).Select(sender => new Port(sender.Head, PortInput.Query))],
            paths: new() { SendersAt = "end", ReceiversAt = "end" });
        PathSender best = tree["turning"].Senders[0];
        Assert.Equal(turning[("layer", best.Head.Layer), ("head", best.Head.Head)], best.Effect, Tolerance);
        Assert.Equal(best.Effect / tree.Clean, best.Relative, Tolerance);
        Assert.All($"{tree}".Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.Contains("  queries at end <- turning: a", $"{tree}");
        Assert.Throws<ArgumentException>(() => tree["turn"]);
    }

    /// <summary>On the repository's model: what the issue of this library's circuits promises.</summary>
    [Fact]
    public void A_twentieth_of_the_edges_names_the_indirect_object()
    {
        using DecoderModel model = DecoderModel.Load(Path.Combine(Here(), "../../examples/TrainNames/model"));
        InterventionGraph metric = Intervention.On(model).LogitDifference("IO", "S").Graph;
        IoiTask known = Sample(32, 1, IoiCorruption.FlippedSubject), held = Sample(32, 2, IoiCorruption.FlippedSubject, known);
        EdgeScores scores = EdgeAttribution.Of(model, known, metric, steps: 5);
        Circuit circuit = scores.Top(scores.Graph.CountOf(0.05)).Pruned();
        Assert.InRange(circuit.Count, 1, scores.Graph.CountOf(0.05));
        Assert.InRange(circuit.Faithfulness(model, held, metric), 0.9, 1.1);
        Assert.InRange((~circuit).Faithfulness(model, held, metric), -0.1, 0.1);

        IoiTask prompts = Sample(32, 1, IoiCorruption.OtherNames);
        IoiStudy study = IoiStudy.Of(model, prompts, metric);
        IoiHead first = study.Heads[0];
        Assert.Equal("a0.h3", $"{first.Head}");
        Assert.InRange(first.Relative, -1.5, -0.8);
        using DisposeScope scope = NewDisposeScope();
        using RunResult look = Intervention.On(model).Capture("ToS2", "blocks.0.attn.pattern[query=end; key=S2; head=3]").Run(prompts);
        Assert.Equal(look.Run("clean")["ToS2"].mean().item<float>(), first.ToS2, 1e-6);
        Assert.Equal(
            CopyingScores.Of(model, prompts, ["IO", "S1", "S2"])[CopyingScores.Copying, 0, 3], first.Copying, Tolerance);
        Assert.Contains(study.Circuit.Nodes, node => node is { Component: { Layer: 0, Head: 3 }, At: "end" });
        Assert.All($"{study}".Split('\n'), line => Assert.InRange(line.Length, 0, 80));

        IoiTask Sample(int count, int seed, IoiCorruption corruption, IoiTask? except = null) => IoiTask.Sample(
            model.Tokenizer, count, seed, new IoiOptions
            {
                Corruption = corruption,
                Templates =
                [
                    "When {IO} and {S1} went to the {place}, {S2} gave a {object} to",
                    "Then {IO} and {S1} met at the {place}, and {S2} passed a {object} to",
                ],
                Names = Sentences.Names,
                Words = new Dictionary<string, IReadOnlyList<string>> { ["place"] = Sentences.Places, ["object"] = Sentences.Objects },
            },
            except);
    }

    private static string Refused(Action action) => Assert.Throws<InterventionException>(action).Message;

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    private static DecoderModel Twelve() => SmallDecoders.Model(
        SmallDecoders.Config("gpt2") with { Layers = 12, Heads = 12, KvHeads = 12, DHead = 2, DModel = 24, Neurons = 16 });

    /// <summary>Two heads that both write whether token 1 is there, and neurons that make the least of 1 and their sum.</summary>
    private static DecoderModel Either()
    {
        DecoderModel model = DecoderModel.Random(
            NormFreeModel.Configure(layers: 1, heads: 2, d_model: 4, neurons: 2, vocabularySize: 2, contextLength: 1) with
            {
                Activation = Activation.Relu,
            },
            seed: 1, dtype: ScalarType.Float64);
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (Tensor weight in model.Weights.Values)
            weight.zero_();
        model.Weights["embed.weight"][1, 0] = 1.0;
        Tensor values = model.Weights["blocks.0.attn.qkv.weight"];                       // rows of queries, keys, values
        (values[8, 0], values[10, 0]) = (1.0, 1.0);
        Tensor outputs = model.Weights["blocks.0.attn.out.weight"];
        (outputs[1, 0], outputs[1, 2]) = (1.0, 1.0);
        Tensor neurons = model.Weights["blocks.0.mlp.in.weight"];
        (neurons[0, 1], neurons[1, 1]) = (1.0, 1.0);
        model.Weights["blocks.0.mlp.in.bias"][1] = -1.0;
        Tensor sums = model.Weights["blocks.0.mlp.out.weight"];
        (sums[2, 0], sums[2, 1]) = (1.0, -1.0);
        model.Weights["unembed.weight"][1, 2] = 1.0;
        return model;
    }

    /// <summary>Random tokens with the positions of indirect objects, in two templates.</summary>
    private sealed class People(int count) : IPromptSet
    {
        public PromptVocabulary Vocabulary { get; } = new(
            nameof(People), EquatableArray.Of("clean", "corrupted"), EquatableArray.Of("IO", "S1", "S2", "end"),
            EquatableArray.Of("IO", "S"));

        public IReadOnlyList<PromptTokens> Prompts { get; } = [.. Enumerable.Range(0, count).Select(i =>
        {
            Random random = new(i);
            bool isLong = i % 2 == 1;
            return new PromptTokens([Run(), Run()], [random.Next(61), random.Next(61)]) { Template = i % 2 };

            RunTokens Run() => new(
                [.. Enumerable.Range(0, isLong ? 9 : 7).Select(_ => (long)random.Next(61))], isLong ? [3, 1, 6, 8] : [1, 3, 5, 6]);
        })];
    }
}
