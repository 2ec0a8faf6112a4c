using System.Text.Json;

namespace Interventions.Circuits.Tests;

/// <summary>Faithfulness, completeness and minimality of circuits of nodes, against golden values.</summary>
public sealed class CriteriaTests
{
    private const double Tolerance = 1e-9;

    private static readonly InterventionGraph s_ld = new() { Name = "LD", Metrics = [CircuitCase.LogitDifference] };

    private static readonly CompletenessSets s_all = new() { All = true, Greedy = 1, GreedyCandidates = 0, GreedySteps = 100 };

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Completeness_agrees(string name)
    {
        using CircuitCase circuit = new(name);
        foreach ((JsonElement golden, NodeCircuit nodes) in Variants(circuit))
        {
            Completeness found = Completeness.Of(circuit.Model, circuit, s_ld, nodes, s_all, Means(circuit));
            Assert.Equal(golden.GetProperty("F_M").GetDouble(), found.Model, Tolerance);
            Assert.Equal(golden.GetProperty("F_C").GetDouble(), found.Circuit, Tolerance);
            Assert.Equal(golden.GetProperty("faithfulness_gap").GetDouble(), found.Gap, Tolerance);
            Assert.Equal(golden.GetProperty("faithfulness_ratio").GetDouble(), found.Ratio, Tolerance);
            Same(golden.GetProperty("all_subsets"), [.. found.Sets.Where(set => set.Kind == "subset")]);
            Same(golden.GetProperty("classes"), [.. found.Sets.Where(set => set.Kind is "none" or "class")]);
            JsonElement[] steps = [.. golden.GetProperty("greedy").EnumerateArray()];
            ComparedSet grown = Assert.Single(found.Sets, set => set.Kind == "greedy");
            Assert.Equal(steps.Select(step => step.GetProperty("added").GetString()), grown.Parts);
            Assert.Equal(
                steps.Length == 0 ? found.Gap : steps[^1].GetProperty("incompleteness").GetDouble(), grown.Incompleteness, Tolerance);
        }

        static void Same(JsonElement golden, ComparedSet[] found)
        {
            Assert.Equal(golden.GetArrayLength(), found.Length);
            foreach (JsonElement set in golden.EnumerateArray())
            {
                ComparedSet same = Assert.Single(found, one => one.Parts.ToHashSet().SetEquals(Texts(set, "K")));
                Assert.Equal(set.GetProperty("F_circuit").GetDouble(), same.Circuit, Tolerance);
                Assert.Equal(set.GetProperty("F_model").GetDouble(), same.Model, Tolerance);
                Assert.Equal(set.GetProperty("incompleteness").GetDouble(), same.Incompleteness, Tolerance);
            }
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Minimality_agrees(string name)
    {
        using CircuitCase circuit = new(name);
        foreach ((JsonElement golden, NodeCircuit nodes) in Variants(circuit))
        {
            Minimality found = Minimality.Of(circuit.Model, circuit, s_ld, nodes, allSubsets: true, Means(circuit));
            Assert.Equal(golden.GetProperty("F_M").GetDouble(), found.Model, Tolerance);
            JsonElement[] parts = [.. golden.GetProperty("minimality").EnumerateArray()];
            Assert.Equal(parts.Select(part => part.GetProperty("node").GetString()), found.Parts.Select(part => part.Part));
            foreach ((JsonElement part, PartMinimality same) in parts.Zip(found.Parts))
            {
                Assert.Equal(part.GetProperty("empty_K").GetDouble(), same.Alone.Size, Tolerance);
                Assert.Equal(part.GetProperty("own_class").GetDouble(), same.WithoutClass.Size, Tolerance);
                Assert.Equal(Texts(part, "own_class_K"), same.WithoutClass.Others);
                Assert.Equal(part.GetProperty("best").GetDouble(), same.Largest.Size, Tolerance);
            }
        }
    }

    private static CircuitOptions Means(CircuitCase circuit) => new() { Ablation = Ablation.Mean, Over = circuit.Reference };

    private static IEnumerable<(JsonElement Golden, NodeCircuit Nodes)> Variants(CircuitCase circuit)
    {
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        using JsonDocument json = circuit.Json("criteria");
        foreach (JsonElement variant in json.RootElement.EnumerateArray())
            yield return (variant, new NodeCircuit(graph, variant.GetProperty("circuit").EnumerateArray().Select(node => new CircuitNode(
                Component.Parse(node.GetProperty("node").GetString()!), node.GetProperty("cls").GetString()!, At(node)))));

        static string? At(JsonElement node) => node.GetProperty("kept_at") is { ValueKind: JsonValueKind.Array } positions
            ? string.Join(',', positions.EnumerateArray()) : null;
    }

    private static string[] Texts(JsonElement json, string name) =>
        [.. json.GetProperty(name).EnumerateArray().Select(text => text.GetString()!)];
}
