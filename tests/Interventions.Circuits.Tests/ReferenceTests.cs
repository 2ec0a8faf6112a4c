using System.Collections.Immutable;
using System.Text.Json;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Every number against golden values of a plain float64 transformer, which repeats the forward pass for each of them.</summary>
public sealed class ReferenceTests
{
    /// <summary>Relative to the largest value, absolute where that is below 1; the reference's own tolerance is 1e-8.</summary>
    private const double Tolerance = 1e-9;

    private static readonly InterventionGraph s_ld = new() { Name = "LD", Metrics = [CircuitCase.LogitDifference] };

    private static readonly InterventionGraph s_kl = new()
    {
        Name = "KL",
        Metrics =
        [
            new("KL", [new Read.Logits("end"), new Read.Logits("end", "clean")], x => Metrics.KullbackLeibler(x[0], x[1])),
        ],
    };

    private static readonly CircuitOptions s_zero = new() { Ablation = Ablation.Zero };

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void The_graph_is_the_references(string name)
    {
        using CircuitCase circuit = new(name);
        using JsonDocument json = circuit.Json("../graph");
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        Assert.Equal(Texts(json.RootElement, "sources"), graph.Sources.Select(source => $"{source}"));
        Assert.Equal(Texts(json.RootElement, "ports"), graph.Ports.Select(port => $"{port}"));
        Assert.Equal(Texts(json.RootElement, "edges"), graph.Edges.Select(edge => $"{edge}"));
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Attribution_agrees(string name)
    {
        using CircuitCase circuit = new(name);
        Agree(circuit, "eap", EdgeAttribution.Of(circuit.Model, circuit, s_ld));
        Agree(circuit, "eap_zero", EdgeAttribution.Of(circuit.Model, circuit, s_ld, options: s_zero));
        Agree(circuit, "eap_kl", EdgeAttribution.Of(circuit.Model, circuit, s_kl));
        Agree(circuit, "clean_corrupted", EdgeAttribution.CleanCorrupted(circuit.Model, circuit, s_ld));
        foreach (IntegrationRule rule in Enum.GetValues<IntegrationRule>())
        {
            string stored = $"eap_ig_inputs_{$"{rule}".ToLowerInvariant()}";
            Agree(circuit, stored, EdgeAttribution.Of(circuit.Model, circuit, s_ld, steps: 5, rule));
            Agree(circuit, $"{stored}_kl", EdgeAttribution.Of(circuit.Model, circuit, s_kl, steps: 5, rule));
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Exact_effects_agree(string name)
    {
        using CircuitCase circuit = new(name);
        Agree(circuit, "exact", EdgeEffects.Of(circuit.Model, circuit, s_ld));
        Agree(circuit, "exact_zero", EdgeEffects.Of(circuit.Model, circuit, s_ld, s_zero));
        Agree(circuit, "exact_kl", EdgeEffects.Of(circuit.Model, circuit, s_kl));
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Edge_sets_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        using JsonDocument json = circuit.Json("edge_sets");
        int i = 0;
        foreach (JsonElement set in json.RootElement.EnumerateArray())
        {
            Circuit edges = Of(graph, set, "edges"), pruned = Of(graph, set, "pruned");
            Assert.Equal(pruned, edges.Pruned());
            Measured("patched", ~edges, new());
            Measured("circuit", edges, new());
            Measured("pruned_circuit", pruned, new());
            Measured("circuit_zero", edges, s_zero);
            Measured("pruned_circuit_zero", pruned, s_zero);
            i++;
        }
        Assert.Equal(20, i);

        void Measured(string stored, Circuit measured, CircuitOptions options)
        {
            using RunResult run = measured.Run(circuit.Model, circuit, s_ld, options);
            Close(run["LD"].Values, circuit["edge_sets", $"{stored}.ld"][i], $"{stored}, set {i}");
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Selections_and_their_faithfulness_agree(string name)
    {
        using CircuitCase circuit = new(name);
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        EdgeScores scores = EdgeAttribution.Of(circuit.Model, circuit, s_ld, steps: 5);
        using JsonDocument json = circuit.Json("selection");
        foreach (JsonElement selection in json.RootElement.GetProperty("selections").EnumerateArray())
        {
            Circuit chosen = Selected(selection, selection.GetProperty("n").GetInt32());
            Assert.Equal(Of(graph, selection, "edges"), chosen);
            Assert.Equal(Of(graph, selection, "pruned"), chosen.Pruned());
            Assert.Equal(
                selection.GetProperty("faithfulness").GetDouble(), chosen.Pruned().Faithfulness(circuit.Model, circuit, s_ld), Tolerance);
        }
        foreach (JsonElement curve in json.RootElement.GetProperty("curves").EnumerateArray())
        {
            ImmutableArray<double> sizes = [.. curve.GetProperty("sizes").EnumerateArray().Select(size => size.GetDouble())];
            Assert.Equal(
                curve.GetProperty("counts").EnumerateArray().Select(count => count.GetInt32()), sizes.Select(graph.CountOf));
            FaithfulnessCurve found = FaithfulnessCurve.Of(count => Selected(curve, count), circuit.Model, circuit, s_ld, sizes);
            Assert.All(
                curve.GetProperty("faithfulness").EnumerateArray().Zip(found.Faithfulness),
                pair => Assert.Equal(pair.First.GetDouble(), pair.Second, Tolerance));
            Assert.Equal(curve.GetProperty("cpr").GetDouble(), found.Cpr, Tolerance);
            Assert.Equal(curve.GetProperty("cmd").GetDouble(), found.Cmd, Tolerance);
        }

        Circuit Selected(JsonElement how, int count)
        {
            Ranking ranking = how.GetProperty("rank").GetString() == "signed" ? Ranking.MostNegative : Ranking.Absolute;
            return how.GetProperty("method").GetString() == "greedy" ? scores.Greedy(count, ranking) : scores.Top(count, ranking);
        }
    }

    private static Circuit Of(CircuitGraph graph, JsonElement json, string edges) => new(graph, Texts(json, edges).Select(Edge.Parse));

    private static string[] Texts(JsonElement json, string name) =>
        [.. json.GetProperty(name).EnumerateArray().Select(text => text.GetString()!)];

    private static void Agree(CircuitCase circuit, string stored, EdgeScores scores)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor prompts = stack(Enumerable.Range(0, scores.PromptCount).Select(i => tensor(scores.OfPrompt(i).ToArray())), 1);
        Close(prompts, circuit["edge_scores", $"{stored}.per_example"], stored);
        Close(tensor(scores.Means.ToArray()), circuit["edge_scores", $"{stored}.mean"], $"{stored}, mean");
    }

    private static void Close(Tensor actual, Tensor expected, string what)
    {
        double worst = Distance.Largest(actual, expected), largest = Math.Max(1, expected.abs().max().item<double>());
        Assert.True(worst <= Tolerance * largest, $"{what}: differs by {worst}, and the largest value is {largest}");
    }
}
