using System.Text.Json;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Reference;

/// <summary>Sets of edges at once: a reader's port without what some senders of its own run add, and with what another run's add.</summary>
public sealed class EdgeSetTests
{
    /// <summary>KL(clean ‖ the changed run) at the end.</summary>
    private static readonly MetricNode s_divergence = new(
        "KL", [new Read.Logits("end", "clean"), new Read.Logits("end")],
        x => (x[0].softmax(-1) * (x[0].log_softmax(-1) - x[1].log_softmax(-1))).sum(-1));

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Edge_sets_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        string[] all = Edges(circuit);
        Tensor[] patched = [.. Values("patched")], rest = [.. Values("circuit")];
        string[][] sets = Sets(circuit);
        for (int i = 0; i < sets.Length; i++)
        {
            Agree(circuit, "patched", i, Corrupted(circuit, sets[i]), patched);
            Agree(circuit, "circuit", i, Corrupted(circuit, all.Except(sets[i])), rest);
        }

        IEnumerable<Tensor> Values(string what) =>
            new[] { "ld", "kl", "logits_end" }.Select(value => circuit["edge_sets", $"{what}.{value}"]);
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Circuits_of_edges_under_ablation_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        string[] all = Edges(circuit);
        Tensor zero = circuit["edge_sets", "circuit_zero.ld"], mean = circuit["edge_sets", "circuit_mean.ld"];
        string[][] sets = Sets(circuit);
        for (int i = 0; i < sets.Length; i += 3)
        {
            Agree(circuit, "zero", i, Replaced(circuit, all.Except(sets[i]), null), [zero]);
            Agree(circuit, "mean", i, Means(circuit, Replaced(circuit, all.Except(sets[i]), "means")), [mean]);
        }
    }

    private static InterventionGraph Corrupted(CircuitCase circuit, IEnumerable<string> edges) => Replaced(circuit, edges, "corrupted") with
    {
        Metrics = [CircuitCase.LogitDifference, s_divergence],
        Captures = [new CaptureNode("End", "logits[pos=end]", [new Read.Value()], x => x[0].squeeze(1))],
    };

    /// <summary>A derived run in which every sender is its template's mean: its heads' results are the means of their results.</summary>
    private static InterventionGraph Means(CircuitCase circuit, InterventionGraph graph)
    {
        string[] senders = circuit.Model.Graph.Contains(
            "blocks.0.mlp_out") ? ["embed", "blocks.*.attn.z", "blocks.*.mlp_out"] : ["embed", "blocks.*.attn.z"];
        IPromptSet reference = circuit.Reference;
        return graph with
        {
            Runs = [new DerivedRun("means")],
            Writes = [.. senders.Select(site => BuiltInWrites.Mean(site, null, pooled: false, "means", reference)), .. graph.Writes],
        };
    }

    /// <summary>
    /// One write a reader: its port, which adds up what all senders before it send, with some of them replaced by those of another run, or
    /// by nothing.
    /// </summary>
    private static InterventionGraph Replaced(CircuitCase circuit, IEnumerable<string> edges, string? donor) => new()
    {
        Name = "Edges",
        Metrics = [CircuitCase.LogitDifference],
        Writes = [.. edges.Select(edge => edge.Split("->")).GroupBy(edge => edge[1], edge => Sender(edge[0])).Select(reader =>
        {
            string[] senders = [.. reader];
            return new WriteNode(
                reader.Key, Port(circuit, reader.Key),
                [new Read.Value(), .. senders.Select(site => new Read.Of(site)), .. donor is null ? [] : senders.Select(
                    site => new Read.From(donor, site))],
                arguments =>
                {
                    Tensor port = arguments[0], sent = zeros_like(port);
                    for (int i = 0; i < senders.Length; i++)
                    {
                        sent = sent - arguments[1 + i].view_as(port);
                        if (donor is not null)
                            sent = sent + arguments[1 + senders.Length + i].view_as(port);
                    }
                    return port + sent;
                })
            {
                Pointwise = true,
            };
        })],
    };

    private static string Sender(string node) =>
        node == "embed" ? node : node[0] == 'm' ? $"blocks.{node[1..]}.mlp_out" : $"blocks.{Layer(node)}.attn.result[head={Head(node)}]";

    private static string Port(CircuitCase circuit, string node) =>
        node == "logits" ? $"blocks.{circuit.Model.Schema.SizeOf("layer") - 1}.resid_post"
        : node[0] == 'm' ? $"blocks.{node[1..]}.mlp_in"
        : $"blocks.{Layer(node)}.attn.{node[^1]}_input[head={Head(node)}]";

    private static string Layer(string node) => node.Split('.')[0][1..];

    private static string Head(string node) => node.Split('.')[1][1..];

    private static string[] Edges(CircuitCase circuit)
    {
        using JsonDocument json = circuit.Json("../graph");
        return Names(json.RootElement.GetProperty("edges"));
    }

    private static string[][] Sets(CircuitCase circuit)
    {
        using JsonDocument json = circuit.Json("edge_sets");
        return [.. json.RootElement.EnumerateArray().Select(set => Names(set.GetProperty("edges")))];
    }

    private static string[] Names(JsonElement edges) => [.. edges.EnumerateArray().Select(edge => edge.GetString()!)];

    private static void Agree(CircuitCase circuit, string what, int set, InterventionGraph graph, Tensor[] expected)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = InterventionRunner.Run(graph, circuit.Model, circuit);
        string[] kept = [.. graph.Metrics.Select(metric => metric.Name), .. graph.Captures.Select(capture => capture.Name)];
        for (int i = 0; i < kept.Length; i++)
        {
            double worst = Distance.Largest(run.Changed(kept[i]).Values, expected[i][set]);
            Assert.True(
                worst <= 1e-9 * Math.Max(1, expected[i].abs().max().item<double>()), $"{what}, set {set}, {kept[i]}: differs by {worst}");
        }
    }
}
