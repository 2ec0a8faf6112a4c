using System.Collections.Immutable;
using System.Text.Json;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Every number against golden values of a plain float64 transformer, which repeats the forward pass for each of them.</summary>
public sealed class ReferenceTests
{
    private static readonly CircuitOptions s_zero = new() { Ablation = Ablation.Zero };

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void The_graph_is_the_references(string name)
    {
        using CircuitCase circuit = new(name);
        using JsonDocument json = circuit.Json("../graph");
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        Assert.Equal(Golden.Texts(json.RootElement.GetProperty("sources")), graph.Sources.Select(source => $"{source}"));
        Assert.Equal(Golden.Texts(json.RootElement.GetProperty("ports")), graph.Ports.Select(port => $"{port}"));
        Assert.Equal(Golden.Texts(json.RootElement.GetProperty("edges")), graph.Edges.Select(edge => $"{edge}"));
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Attribution_agrees(string name)
    {
        using CircuitCase circuit = new(name);
        Golden.Agree(circuit, "eap", EdgeAttribution.Of(circuit.Model, circuit, Golden.LogitDifference));
        Golden.Agree(circuit, "eap_zero", EdgeAttribution.Of(circuit.Model, circuit, Golden.LogitDifference, options: s_zero));
        Golden.Agree(circuit, "eap_kl", EdgeAttribution.Of(circuit.Model, circuit, Golden.KullbackLeibler));
        Golden.Agree(circuit, "clean_corrupted", EdgeAttribution.CleanCorrupted(circuit.Model, circuit, Golden.LogitDifference));
        foreach (IntegrationRule rule in Enum.GetValues<IntegrationRule>())
        {
            string stored = $"eap_ig_inputs_{$"{rule}".ToLowerInvariant()}";
            Golden.Agree(circuit, stored, EdgeAttribution.Of(circuit.Model, circuit, Golden.LogitDifference, steps: 5, rule));
            Golden.Agree(circuit, $"{stored}_kl", EdgeAttribution.Of(circuit.Model, circuit, Golden.KullbackLeibler, steps: 5, rule));
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Exact_effects_agree(string name)
    {
        using CircuitCase circuit = new(name);
        Golden.Agree(circuit, "exact", EdgeEffects.Of(circuit.Model, circuit, Golden.LogitDifference));
        Golden.Agree(circuit, "exact_zero", EdgeEffects.Of(circuit.Model, circuit, Golden.LogitDifference, s_zero));
        Golden.Agree(circuit, "exact_kl", EdgeEffects.Of(circuit.Model, circuit, Golden.KullbackLeibler));
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
            using RunResult run = measured.Run(circuit.Model, circuit, Golden.LogitDifference, options);
            Golden.Close(run["LD"].Values, circuit["edge_sets", $"{stored}.ld"][i], $"{stored}, set {i}");
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Selections_and_their_faithfulness_agree(string name)
    {
        using CircuitCase circuit = new(name);
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        EdgeScores scores = EdgeAttribution.Of(circuit.Model, circuit, Golden.LogitDifference, steps: 5);
        using JsonDocument json = circuit.Json("selection");
        foreach (JsonElement selection in json.RootElement.GetProperty("selections").EnumerateArray())
        {
            Circuit chosen = Selected(selection, selection.GetProperty("n").GetInt32());
            Assert.Equal(Of(graph, selection, "edges"), chosen);
            Assert.Equal(Of(graph, selection, "pruned"), chosen.Pruned());
            Assert.Equal(
                selection.GetProperty("faithfulness").GetDouble(),
                chosen.Pruned().Faithfulness(circuit.Model, circuit, Golden.LogitDifference), Golden.Tolerance);
        }
        foreach (JsonElement curve in json.RootElement.GetProperty("curves").EnumerateArray())
        {
            ImmutableArray<double> sizes = [.. curve.GetProperty("sizes").EnumerateArray().Select(size => size.GetDouble())];
            Assert.Equal(
                curve.GetProperty("counts").EnumerateArray().Select(count => count.GetInt32()), sizes.Select(graph.CountOf));
            FaithfulnessCurve found = FaithfulnessCurve.Of(
                count => Selected(curve, count), circuit.Model, circuit, Golden.LogitDifference, sizes);
            Assert.All(
                curve.GetProperty("faithfulness").EnumerateArray().Zip(found.Faithfulness),
                pair => Assert.Equal(pair.First.GetDouble(), pair.Second, Golden.Tolerance));
            Assert.Equal(curve.GetProperty("cpr").GetDouble(), found.Cpr, Golden.Tolerance);
            Assert.Equal(curve.GetProperty("cmd").GetDouble(), found.Cmd, Golden.Tolerance);
        }

        Circuit Selected(JsonElement how, int count)
        {
            Ranking ranking = how.GetProperty("rank").GetString() == "signed" ? Ranking.MostNegative : Ranking.Absolute;
            return how.GetProperty("method").GetString() == "greedy" ? scores.Greedy(count, ranking) : scores.Top(count, ranking);
        }
    }

    private static Circuit Of(CircuitGraph graph, JsonElement json, string edges) =>
        new(graph, Golden.Texts(json.GetProperty(edges)).Select(Edge.Parse));
}
