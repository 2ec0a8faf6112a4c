using System.Globalization;
using Interventions.Circuits;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;
using CircuitMeasurement = Interventions.Circuits.Measurement;

namespace Interventions.Benchmarks;

/// <summary>
/// What the methods of circuits cost, in plain forward passes, or in plain forward and backward passes: each row's rival is as many of them
/// as the goal allows, so that the goal is met where the rival takes as long.
/// </summary>
/// <param name="model">GPT-2 small's geometry.</param>
/// <param name="repeats">How often each side is measured.</param>
/// <param name="only">Rows whose name contains it.</param>
internal sealed class CircuitsTable(DecoderModel model, int repeats, string only)
{
    private readonly RandomPairs _prompts = new(8, 16, 0), _single = new(8, 16, 0, runs: 1);

    public void Print()
    {
        InterventionGraph metric = Work.Measured;
        CircuitGraph graph = CircuitGraph.Of(model);
        BenchmarkRow.PrintHeader();
        string edges = $"{graph.EdgeCount:#,0} edges";
        Passes($"EAP, {edges}", () => EdgeAttribution.Of(model, _prompts, metric), 2, isBackward: true);
        Passes("EAP-IG, 5 steps", () => EdgeAttribution.Of(model, _prompts, metric, steps: 5), 16, isBackward: false);
        Random random = new(1);
        Circuit half = new(graph, graph.Edges.Where(_ => random.Next(2) == 0));
        Circuit few = new(graph, graph.Edges.Where(_ => random.Next(100) == 0));
        CircuitOptions alone = new() { Run = new RunOptions { KeptRuns = [] } };
        Passes("circuit of every second edge", () => half.Run(model, _prompts, metric, alone).Dispose(), 2.5, isBackward: false);
        Passes("circuit of every 100th edge", () => few.Run(model, _prompts, metric, alone).Dispose(), 2.5, isBackward: false);
        // The metric of the first run is one pass more.
        Passes("the same, and both unchanged runs", () => few.Run(model, _prompts, metric).Dispose(), 3.5, isBackward: false);
        Search();
        Exact();
        Memory();
    }

    private bool IsWanted(string name) => name.Contains(only, StringComparison.Ordinal);

    private void Passes(string name, Action ours, double goal, bool isBackward)
    {
        if (!IsWanted(name))
            return;
        Action plain = isBackward ? () => Work.ForwardAndBackward(model, _single) : () => StraightLine.Gpt2(model, Work.Ids(_single));
        Measurement[] measured = Interleaved.Measure(repeats, new Side(ours), new Side(plain, goal, plain));
        string passes = isBackward ? "plain forward and backward" : "plain forward passes";
        new BenchmarkRow(name, measured[0], string.Create(CultureInfo.InvariantCulture, $"{goal:0.#} {passes}"), measured[1])
        {
            Goal = 1,
            Remark = string.Create(
                CultureInfo.InvariantCulture,
                $"{goal * measured[0].Minimum / measured[1].Minimum:0.00} {passes}, "
                    + $"median {goal * measured[0].Median / measured[1].Median:0.00}"),
        }.Print();
    }

    /// <summary>
    /// What an edge of a search costs on average beside a whole run of the same circuit: a search that removes 97 of 100 edges, looked at
    /// where edges lie evenly along its way.
    /// </summary>
    private void Search()
    {
        const string Name = "ACDC, an edge";
        const double Goal = 0.6;
        const int Sampled = 20;
        if (!IsWanted(Name))
            return;
        CircuitMeasurement whole = CircuitMeasurement.Of(model, _prompts, Work.Measured, null);
        CircuitMeasurement held = whole.Holding(out HeldRuns? runs, default);
        CircuitGraph graph = whole.Sites.Graph;
        Random random = new(1);
        bool[] present = [.. Enumerable.Repeat(true, graph.EdgeCount)];
        List<Circuit> circuits = [];
        (Edge Edge, int Place)[] visits = [.. AcdcSearch.Visits(graph, AcdcOrder.LettersFirst)];
        for (int i = 0; i < visits.Length; i++)
        {
            present[visits[i].Place] = random.Next(100) < 3;
            if (i % (visits.Length / Sampled) == visits.Length / Sampled / 2)
                circuits.Add(new Circuit(graph, [.. present]));
        }
        using (runs)
        {
            Measurement[] measured = Interleaved.Measure(repeats, Of(held, 1), Of(whole, Goal));
            new BenchmarkRow(Name, measured[0], string.Create(CultureInfo.InvariantCulture, $"{Goal} whole runs"), measured[1])
            {
                Goal = 1,
                Remark = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Goal * measured[0].Minimum / measured[1].Minimum:0.00} of a whole run, "
                        + $"{1000 / measured[0].Minimum:0.0} edges a second"),
            }.Print();
        }

        Side Of(CircuitMeasurement measurement, double scale)
        {
            void Measure(Circuit circuit) => measurement.Mean(circuit.ToIntervention(model, measurement.Options), default);

            return new Side(() => circuits.ForEach(Measure), scale / circuits.Count, () => Measure(circuits[circuits.Count / 2]));
        }
    }

    /// <summary>All edges of 4 layers of 8 heads, each alone, against the naive run of some of them.</summary>
    private void Exact()
    {
        const string Name = "exact effects, 4 layers of 8";
        if (!IsWanted(Name))
            return;
        using DecoderModel small = DecoderModel.Random(
            Gpt2Model.Configure(layers: 4, heads: 8, d_model: 512, vocabularySize: 50257, contextLength: 1024));
        InterventionGraph metric = Work.Measured;
        int edges = CircuitGraph.Of(small).EdgeCount;
        // What a full pass costs does not depend on the edge.
        InterventionGraph sample = Work.Measured with
        {
            Writes = [BuiltInWrites.Freeze("blocks.{layer}.attn.q_input[head={head}]", "corrupted")],
        };
        const int Sampled = 32;
        Measurement[] measured = Interleaved.Measure(
            repeats,
            new Side(() => EdgeEffects.Of(small, _prompts, metric)),
            new Side(Work.Run(sample, small, _prompts, new RunOptions { Naive = true }), (double)edges / Sampled));
        new BenchmarkRow(Name, measured[0], $"naive run, {Sampled} of {edges:#,0} sampled", measured[1]) { Goal = 10 }.Print();
    }

    /// <summary>What edge attribution holds: the changes of all sources, the values of two runs, and the ports of one layer.</summary>
    private void Memory()
    {
        if (!IsWanted("memory"))
            return;
        CircuitGraph graph = CircuitGraph.Of(model);
        const double MiB = 1 << 20;
        double rows = 8 * 16 * 768 * sizeof(float) / MiB, changes = rows * graph.Sources.Length, ports = rows * 3 * graph.Heads;
        Action attribution = () => EdgeAttribution.Of(model, _prompts, Work.Measured);
        Action plain = () => Work.ForwardAndBackward(model, _single);
        Interleaved.Time(attribution);
        Interleaved.Time(plain);
        double Growth(Action action) => PeakMemory.Of(() => Interleaved.Time(action)).Growth / MiB;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"memory: EAP grows by {Growth(attribution):0} MiB, plain forward and backward by {Growth(plain):0}; changes of all sources "
                + $"are {changes:0}, one layer's port gradients {ports:0}, those of all layers {ports * graph.Layers:0}"));
    }
}
