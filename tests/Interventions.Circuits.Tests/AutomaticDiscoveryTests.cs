extern alias AutomaticDiscovery;

using System.Runtime.CompilerServices;
using AutomaticDiscovery::Interventions.Examples.AutomaticDiscovery;
using Interventions.Models.Decoder;

namespace Interventions.Circuits.Tests;

/// <summary>The example runs, is short, and finds what is there.</summary>
public sealed class AutomaticDiscoveryTests
{
    private static readonly Discovery s_small = new() { Prompts = 4, MaskSteps = 30, Thresholds = [0.01, 0.3] };

    [Fact]
    public void Known_circuits_are_found()
    {
        Table table = s_small.OnKnownCircuits();
        Assert.Equal(["ACDC", "EAP", "EAP-IG", "masks"], table.Rows.Keys);
        foreach (string method in (string[])["ACDC", "EAP-IG"])
            Assert.All(table.Rows[method][..4], area => Assert.InRange(area, 0.99, 1));
        Assert.True(table.Rows["ACDC"][4] < 0.99, $"{table}");
        Assert.All($"{table}".Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public void Few_edges_of_the_language_model_name_the_indirect_object()
    {
        using DecoderModel model = DecoderModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
        Table table = s_small.OnLanguageModel(model, out Circuit circuit, out EdgeScores scores);
        Assert.All(table.Rows.Values.SelectMany(row => row), number => Assert.True(double.IsFinite(number)));
        double[] integrated = table.Rows["EAP-IG"];
        Assert.True(integrated[1] > 0.5 && integrated[3] > 0.8, $"{table}");
        Assert.InRange(circuit.Count, 5, CircuitGraph.Of(model).CountOf(0.05));
        Assert.Equal(circuit.Graph, scores.Graph);
    }

    [Fact]
    public void It_is_short() => Assert.InRange(File.ReadLines(Program()).Count(), 50, 150);

    private static string Program([CallerFilePath] string file = "") =>
        Path.Combine(Path.GetDirectoryName(file)!, "../../examples/AutomaticDiscovery/Program.cs");
}
