using System.Diagnostics;
using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Results;
using Interventions.Runtime;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>
/// What an edge of a search costs in GPT-2 small's geometry, 8 pairs of 16 tokens, beside a whole run of the same circuit.
/// </summary>
public sealed class AcdcSpeedTests(ITestOutputHelper output)
{
    private const double Goal = 0.6;

    private const int Sampled = 30;

    [Fact, Trait("Duration", "long")]
    public void An_edge_costs_a_part_of_a_whole_run()
    {
        set_num_threads(2);
        using DecoderModel model = DecoderModel.Random(
            Gpt2Model.Configure(layers: 12, heads: 12, d_model: 768, vocabularySize: 50257, contextLength: 1024));
        ToyPrompts prompts = ToyPrompts.Random(1, [.. Enumerable.Repeat(16, 8)]);
        InterventionGraph metric = new()
        {
            Name = "KL",
            Metrics =
            [
                new("KL", [new Read.Logits("end"), new Read.Logits("end", "clean")], x => Metrics.KullbackLeibler(x[0], x[1])),
            ],
        };
        Measurement whole = Measurement.Of(model, prompts, metric, null), held = whole.Holding(out HeldRuns? runs, default);
        CircuitGraph graph = whole.Sites.Graph;
        Random random = new(1);
        // A search that removes 97 of 100 edges, stopped at edges that lie evenly along its way.
        bool[] present = [.. Enumerable.Repeat(true, graph.EdgeCount)];
        (Edge Edge, int Place)[] visits = [.. AcdcSearch.Visits(graph, AcdcOrder.LettersFirst)];
        Stopwatch ofEdges = new(), ofRuns = new(), ofPlans = new();
        using (runs)
        {
            Measure(held, Circuit.None(graph), new());
            Measure(whole, Circuit.None(graph), new());
            for (int i = 0, next = visits.Length / Sampled / 2; i < visits.Length; i++)
            {
                present[visits[i].Place] = random.Next(100) < 3;
                if (i != next)
                    continue;
                Circuit circuit = new(graph, [.. present]);
                Assert.Equal(Measure(whole, circuit, ofRuns), Measure(held, circuit, ofEdges), 1e-3);
                ofPlans.Start();
                InterventionRunner.Plans(
                    circuit.ToIntervention(model) with { Metrics = metric.Metrics }, model, prompts, held.Options.Run);
                ofPlans.Stop();
                next += visits.Length / Sampled;
            }
        }
        double edges = Sampled / ofEdges.Elapsed.TotalSeconds, part = ofEdges.Elapsed / ofRuns.Elapsed;
        output.WriteLine($"{edges:0.00} edges a second; an edge costs {part:0.00} of a whole run in edge mode, which takes "
            + $"{ofRuns.Elapsed.TotalSeconds / Sampled:0.00} s; {ofPlans.Elapsed.TotalMilliseconds / Sampled:0} ms of it are planning");
        Assert.InRange(part, 0, Goal);
    }

    private static double Measure(Measurement measurement, Circuit circuit, Stopwatch watch)
    {
        watch.Start();
        double mean = measurement.Mean(circuit.ToIntervention(measurement.Model, measurement.Options), default);
        watch.Stop();
        return mean;
    }
}
