using System.Text.Json;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Edges that carry means: against golden values.</summary>
public sealed class MeanAblationTests
{
    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Attribution_with_means_agrees(string name)
    {
        using CircuitCase circuit = new(name);
        foreach (string kind in (string[])["mean_template", "mean_position", "mean_pooled"])
        {
            EdgeScores scores = EdgeAttribution.Of(
                circuit.Model, circuit, Golden.LogitDifference, options: Golden.Options(circuit, kind));
            Golden.Agree(circuit, $"eap_{kind}", scores);
            Assert.Empty(scores.Warnings); // five prompts of each template
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Exact_effects_of_means_agree(string name)
    {
        using CircuitCase circuit = new(name);
        Golden.Agree(circuit, "exact_mean", EdgeEffects.Of(
            circuit.Model, circuit, Golden.LogitDifference, Golden.Options(circuit, "mean_template")));
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Circuits_among_means_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        CircuitGraph graph = CircuitGraph.Of(circuit.Model);
        CircuitOptions options = Golden.Options(circuit, "mean_template");
        using JsonDocument json = circuit.Json("edge_sets");
        foreach ((int i, JsonElement set) in json.RootElement.EnumerateArray().Index())
            foreach ((string edges, string stored) in ((string, string)[])[("edges", "circuit_mean"), ("pruned", "pruned_circuit_mean")])
            {
                Circuit measured = new(graph, Golden.Texts(set.GetProperty(edges)).Select(Edge.Parse));
                using RunResult run = measured.Run(circuit.Model, circuit, Golden.LogitDifference, options);
                Golden.Close(run["LD"].Values, circuit["edge_sets", $"{stored}.ld"][i], $"{stored}, set {i}");
            }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Gradients_along_activations_agree(string name)
    {
        using CircuitCase circuit = new(name);
        foreach (IntegrationRule rule in Enum.GetValues<IntegrationRule>())
        {
            string stored = $"{rule}".ToLowerInvariant();
            Golden.Agree(
                circuit, $"eap_ig_activations_principled_{stored}",
                EdgeAttribution.OfActivations(circuit.Model, circuit, Golden.LogitDifference, steps: 5, rule));
            Golden.Agree(
                circuit, $"eap_ig_activations_common_{stored}",
                EdgeAttribution.OfAllActivations(circuit.Model, circuit, Golden.LogitDifference, steps: 5, rule));
        }
    }

    /// <summary>What a site holds, once its mean is written, is the mean.</summary>
    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void The_means_themselves_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        CircuitSites sites = CircuitSites.Of(circuit.Model);
        string[] senders = [.. sites.Senders(sites.Graph.Sources.Length)];
        foreach (string kind in (string[])["mean_template", "mean_position", "mean_pooled"])
        {
            CircuitOptions options = Golden.Options(circuit, kind);
            InterventionGraph graph = new()
            {
                Name = "Means",
                IsUnanalyzed = true,
                Writes = [.. senders.Select(site => new WriteNode($"Mean of {site}", site, options.Replacement(), x => x[0]))],
                Captures = [.. senders.Select(site => new CaptureNode(site, site, [new Read.Value()], x => x[0]))],
            };
            using RunResult run = graph.Run(circuit.Model, circuit);
            Tensor found = cat([.. senders.Select(site => Sources.WithAxis(run[site].Values))], 2);         // [batch, pos, source, d_model]
            foreach ((int i, PromptTokens prompt) in circuit.Prompts.Index())
            {
                int length = prompt.Runs[0].Ids.Count;
                Tensor stored = circuit["knockouts", kind];
                Tensor expected = kind switch
                {
                    "mean_template" => stored[prompt.Template].narrow(0, 0, length),
                    "mean_position" => stored.narrow(0, 0, length),
                    _ => stored.unsqueeze(0).expand(length, -1, -1),
                };
                Golden.Close(found[i].narrow(0, 0, length), expected, $"{kind}, prompt {i}");
            }
        }
    }
}
