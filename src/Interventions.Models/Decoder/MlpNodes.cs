using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>Adds the feed-forward block of one layer.</summary>
internal static class MlpNodes
{
    /// <summary>Adds a layer's feed-forward block on its normalised input and returns what <c>mlp_out</c> is made of.</summary>
    public static NodeInput Add(DecoderParts parts, int layer, NodeInput normalized)
    {
        ModelGraphBuilder graph = parts.Graph;
        string mlp = $"blocks.{layer}.mlp";
        Func<Tensor, Tensor> activation = Activations.Of(parts.Config.Activation);
        NodeCost cost = new(2L * parts.Config.DModel * parts.Config.Neurons);
        NodeInput post;
        if (parts.Config.GatedMlp)
        {
            NodeInput pre = graph.Costing(graph.Add($"{mlp}.pre", normalized, parts.Projection($"{mlp}.gate")), cost);
            NodeInput pre_linear = graph.Costing(graph.Add($"{mlp}.pre_linear", normalized, parts.Projection($"{mlp}.in")), cost);
            post = graph.Add($"{mlp}.post", pre, pre_linear, (gate, x) => activation(gate).mul(x));
        }
        else
        {
            NodeInput pre = graph.Costing(graph.Add($"{mlp}.pre", normalized, parts.Projection($"{mlp}.in")), cost);
            post = graph.Add($"{mlp}.post", pre, activation);
        }
        string output = parts.OutputName($"blocks.{layer}.mlp_out", $"{mlp}.out");
        return graph.Costing(graph.Add(output, post, parts.Projection($"{mlp}.out")), cost);
    }
}
