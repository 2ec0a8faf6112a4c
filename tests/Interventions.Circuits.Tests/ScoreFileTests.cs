using System.Text.Json;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Scores in files: our own, the benchmark's, and those of work that was stopped.</summary>
public sealed class ScoreFileTests : IDisposable
{
    private static readonly InterventionGraph s_column = new()
    {
        Name = "Logits",
        Metrics = [new("Column", [new Read.Logits("end")], x => x[0].select(1, 7))],
    };

    private readonly TemporaryFolder _folder = new();
    private readonly DecoderModel _model = DecoderModel.Random(
        SmallDecoders.Config("gpt2") with { Layers = 2, Heads = 2, KvHeads = 2, DHead = 16 }, seed: 3);

    private readonly ToyPrompts _prompts = ToyPrompts.Random(5, 6, 4, 6);

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Scores_come_back_bit_for_bit()
    {
        EdgeScores scores = EdgeAttribution.Of(_model, _prompts, s_column);
        scores.Save(_folder["scores.json"]);
        Same(scores, EdgeScores.Load(_folder["scores.json"]));
        scores.SaveCsv(_folder["scores.csv"]);
        string[] lines = File.ReadAllLines(_folder["scores.csv"]);
        Assert.Equal("edge,prompt,score", lines[0]);
        Assert.Equal(1 + (scores.Graph.EdgeCount * 4), lines.Length);
        Assert.Equal(scores.Means[0], double.Parse(lines[1].Split(',')[2], System.Globalization.CultureInfo.InvariantCulture));
        File.WriteAllText(_folder["scores.json"], "{\"layers\":1}");
        Assert.Contains("holds no scores: 'heads' is missing", Refused(() => EdgeScores.Load(_folder["scores.json"])));
    }

    /// <summary>The names, sizes and signs that the benchmark's program reads.</summary>
    [Fact]
    public void A_file_of_the_benchmark_says_sizes_names_and_what_is_in_the_graph()
    {
        EdgeScores scores = EdgeAttribution.Of(_model, _prompts, s_column);
        Circuit circuit = scores.Top(9, Ranking.MostNegative);
        MibFile.Write(_folder["mib.json"], _model, scores, circuit);
        using (JsonDocument json = JsonDocument.Parse(File.ReadAllText(_folder["mib.json"])))
        {
            JsonElement root = json.RootElement, sizes = root.GetProperty("cfg"), edges = root.GetProperty("edges");
            Assert.Equal((2, 2, 32, false), (
                sizes.GetProperty("n_layers").GetInt32(), sizes.GetProperty("n_heads").GetInt32(), sizes.GetProperty("d_model").GetInt32(),
                sizes.GetProperty("parallel_attn_mlp").GetBoolean()));
            Assert.Equal(
                ["input", "a0.h0", "a0.h1", "m0", "a1.h0", "a1.h1", "m1", "logits"],
                root.GetProperty("nodes").EnumerateObject().Select(node => node.Name));
            Assert.Equal(scores.Graph.EdgeCount, edges.EnumerateObject().Count());
            Assert.Equal(-scores[Edge.Parse("embed->a1.h0.k")], edges.GetProperty("input->a1.h0<k>").GetProperty("score").GetDouble());
            Assert.Equal(
                circuit.Contains(Edge.Parse("m0->logits")), edges.GetProperty("m0->logits").GetProperty("in_graph").GetBoolean());
            // High scores come first there.
            Assert.Equal(
                circuit.Count, edges.EnumerateObject().OrderByDescending(edge => edge.Value.GetProperty("score").GetDouble()).Take(9)
                    .Count(edge => edge.Value.GetProperty("in_graph").GetBoolean()));
        }
        MibFile read = MibFile.Read(_folder["mib.json"]);
        Assert.Equal(scores.Means, read.Scores.Means);
        Assert.Equal(circuit, read.Circuit);
        MibFile.Write(_folder["mib.json"], _model, scores, ranking: Ranking.MostPositive);
        read = MibFile.Read(_folder["mib.json"], Ranking.MostPositive);
        Assert.Equal(scores.Means, read.Scores.Means);
        Assert.Equal(Circuit.All(scores.Graph), read.Circuit);
        Assert.Throws<ArgumentException>(() => MibFile.Write(_folder["mib.json"], _model, scores, ranking: Ranking.Absolute));
        Assert.Throws<ArgumentException>(() => MibFile.Write(_folder["mib.json"], _model, new(new(1, 1), [new double[8]])));
    }

    [Theory]
    [InlineData("gpt_neox")]
    [InlineData("toy")]
    public void Files_of_the_benchmark_know_parallel_blocks_and_models_without_blocks(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        EdgeScores scores = EdgeAttribution.Of(model, _prompts, s_column);
        MibFile.Write(_folder["mib.json"], model, scores);
        Assert.Equal((scores.Graph, scores.Means), (MibFile.Read(_folder["mib.json"]).Scores.Graph, scores.Means));
    }

    [Fact]
    public void What_the_benchmark_cannot_have_written_is_refused()
    {
        File.WriteAllText(
            _folder["mib.json"], """{"cfg":{"n_layers":1,"n_heads":1,"parallel_attn_mlp":false},"nodes":{},"edges":{}}""");
        Assert.Contains("lacks the edge 'input->a0.h0<q>'", Refused(() => MibFile.Read(_folder["mib.json"])));
        File.WriteAllText(_folder["mib.json"], "{}");
        Assert.Contains("holds no scores of the MIB benchmark", Refused(() => MibFile.Read(_folder["mib.json"])));
    }

    [Fact]
    public void Effects_that_were_stopped_go_on_and_end_the_same()
    {
        string whole = _folder["whole.json"], parts = _folder["parts.json"];
        EdgeScores expected = EdgeEffects.Of(_model, _prompts, s_column, path: whole);
        for (int after = 2; ; after += 4)
        {
            using CancellationTokenSource stop = new();
            CircuitOptions options = new() { Run = new() { Progress = new Stop(stop, after) } };
            try
            {
                Same(expected, EdgeEffects.Of(_model, _prompts, s_column, options, parts, stop.Token));
                Assert.True(after > 2, "it was stopped");
                break;
            }
            catch (OperationCanceledException)
            {
                Assert.Contains("measuring them was stopped", Refused(() => EdgeScores.Load(parts)));
            }
        }
        Assert.Equal(File.ReadAllText(whole), File.ReadAllText(parts));
        Same(expected, EdgeScores.Load(parts));
        Assert.Contains(
            "and this is exact effects; removed edges carry 0",
            Refused(() => EdgeEffects.Of(_model, _prompts, s_column, new() { Ablation = Ablation.Zero }, parts)));
    }

    /// <summary>
    /// One head over one token: queries and keys decide nothing, so three edges carry everything. D comes over the direct edge, H over the
    /// head, which needs both of its own.
    /// </summary>
    [Fact]
    public void The_integral_of_three_edges_is_that_by_hand()
    {
        using DecoderModel model = DecoderModel.Random(
            AttentionOnlyModel.Configure(layers: 1, heads: 1, d_model: 8, vocabularySize: 61, contextLength: 4), seed: 2,
            dtype: ScalarType.Float64);
        ToyPrompts prompts = ToyPrompts.Random(7, 1, 1, 1);
        EdgeScores effects = EdgeEffects.Of(model, prompts, s_column);
        Edge direct = Edge.Parse("embed->logits"), into = Edge.Parse("embed->a0.h0.v"), from = Edge.Parse("a0.h0->logits");
        double d = effects[direct], h = effects[from], part = d / (d + h);
        Assert.Equal(h, effects[into], 1e-9);
        Assert.True(Math.Abs(part) > 1e-4 && Math.Abs(1 - part) > 1e-4, $"both ways matter: {part}");
        CircuitGraph graph = effects.Graph;
        Edge[] others = [.. graph.Edges.Where(edge => edge.Target.Input is PortInput.Query or PortInput.Key)];
        Assert.All(others, edge => Assert.Equal(0, effects[edge], 1e-9));
        Edge[] order = [direct, into, from, .. others];
        FaithfulnessCurve curve = FaithfulnessCurve.Of(
            count => new Circuit(graph, order.Take(count)), model, prompts, s_column, [0.2, 0.4, 0.6, 1]);
        // One edge, two of which the second leads nowhere, three, and all five.
        Assert.All(curve.Faithfulness.Zip([part, part, 1, 1]), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.Equal((0.2 * part) + (0.2 * (part + 1) / 2) + 0.4, curve.Cpr, 1e-9);
        Assert.Equal((0.2 * Math.Abs(1 - part)) + (0.2 * Math.Abs(1 - part) / 2), curve.Cmd, 1e-9);
    }

    private static void Same(EdgeScores expected, EdgeScores actual)
    {
        Assert.Equal(expected.Graph, actual.Graph);
        Assert.Equal(expected.PromptCount, actual.PromptCount);
        for (int prompt = 0; prompt < expected.PromptCount; prompt++)
            Assert.Equal(expected.OfPrompt(prompt), actual.OfPrompt(prompt));
    }

    private static string Refused(Action action) => Assert.Throws<InterventionException>(action).Message;

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
