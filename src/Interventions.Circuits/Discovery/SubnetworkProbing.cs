using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// A circuit by learned gates of heads and feed-forward blocks (Cao et al. 2021, arXiv:2104.03514, as used for circuits by Conmy et al.
/// 2023): what a component adds to the stream is mixed with what stands for it, for all readers alike.
/// </summary>
public static class SubnetworkProbing
{
    /// <summary>Trains a gate a head and feed-forward block.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else, which is better the smaller it is.</param>
    /// <param name="options">Sparsity or price, steps, seed.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>
    /// An edge's score is the smaller chance of its two ends to be open; the circuit has all edges between the open components, the
    /// embedding and the logits.
    /// </returns>
    /// <exception cref="InterventionException">
    /// The model has no edges of single heads, the declaration is not one metric, a name is not in the prompt set, the metric does not
    /// depend on components; or the file was begun with something else.
    /// </exception>
    public static LearnedMask Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        MaskOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new MaskOptions();
        Measurement measurement = Measurement.Of(model, prompts, metric, options.Circuit);
        CheckMeans(measurement.Options);
        CircuitGraph graph = measurement.Sites.Graph;
        Component[] nodes = [.. graph.Sources.Where(source => source != Component.Embed)];
        ImmutableArray<double> open = MaskTraining.Train(
            measurement, metric, nameof(SubnetworkProbing), nodes.Length, options,
            gates => Gated(measurement, gates), out ImmutableArray<double> metrics, cancellationToken);
        Dictionary<Component, double> chances = nodes.Zip(open).ToDictionary(node => node.First, node => node.Second);
        return new LearnedMask(
            new EdgeScores(graph, [graph.Edges.Select(edge => Math.Min(Chance(edge.Source), Chance(edge.Target.Component))).ToArray()]),
            Circuit.Of(graph, nodes.Where(node => chances[node] > 0.5)), metrics);

        double Chance(Component component) => chances.GetValueOrDefault(component, 1);
    }

    /// <summary>A mask mixes with means as <c>[Mix]</c> takes them.</summary>
    private static void CheckMeans(CircuitOptions options)
    {
        if (options.OfMeans is { } unread)
            throw new InterventionException(
                $"{nameof(SubnetworkProbing)} takes means over the prompts that are measured, by template and position: leave "
                + $"{nameof(CircuitOptions)}.{unread} out, or use {nameof(EdgePruning)}.");
    }

    /// <summary>Masks of heads and of feed-forward blocks, out of one tensor: layer by layer the heads and the block.</summary>
    private static InterventionGraph Gated(Measurement measurement, Tensor gates)
    {
        CircuitGraph graph = measurement.Sites.Graph;
        Tensor layers = gates.view(graph.Layers, -1);
        CircuitOptions options = measurement.Options;
        (Ablation ablation, string? from) = (options.Ablation, options.Ablation == Ablation.Zero ? null : options.From);
        Intervention masked = Intervention.On(measurement.Model)
            .Mix("blocks.*.attn.z", layers.narrow(1, 0, graph.Heads), ["layer", "head"], ablation, from, name: "Heads");
        if (graph.HasMlps)
            masked = masked.Mix("blocks.*.mlp_out", layers.select(1, graph.Heads), ["layer"], ablation, from, name: "Mlps");
        return masked.Graph with { Parameters = [new ParameterNode("Gates", gates)] };
    }
}
