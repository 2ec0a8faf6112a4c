using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Decoder;

/// <summary>Adds the mixture of experts of one layer.</summary>
internal static class ExpertNodes
{
    /// <summary>
    /// Adds a layer's router and experts on their normalised input and returns what <c>mlp_out</c> is made of. Each token is computed by
    /// its chosen experts alone, unless an intervention touches what is inside experts.
    /// </summary>
    public static NodeInput Add(DecoderParts parts, ExpertConfig config, int layer, NodeInput normalized)
    {
        ModelGraphBuilder graph = parts.Graph;
        string mlp = $"blocks.{layer}.mlp";
        Experts experts = new(
            parts.Weight($"{mlp}.experts.gate.weight"), parts.Weight($"{mlp}.experts.in.weight"), parts.Weight($"{mlp}.experts.out.weight"),
            Activations.Of(parts.Config.Activation));
        Tensor router = parts.Weight($"{mlp}.router.weight");
        ScalarType dtype = router.dtype;

        // As in transformers, the router's softmax is float32 at least.
        NodeInput probs = graph.Add($"{mlp}.router_probs", normalized, x => HalfPrecision.Widened(linear(x, router)).softmax(-1));
        NodeInput indices = graph.Add($"{mlp}.router_indices", probs, x => x.topk(config.Chosen, -1).indexes);
        NodeInput weights = graph.Add($"{mlp}.router_weights", probs, indices, (all, chosen) =>
        {
            Tensor ofChosen = all.gather(-1, chosen.to(ScalarType.Int64));
            return (config.Renormalised ? ofChosen.div(ofChosen.sum([-1L], keepdim: true)) : ofChosen).to(dtype);
        });

        long product = 2L * parts.Config.DModel * parts.Config.Neurons;
        NodeCost cost = new(product * config.Count);
        NodeInput pre = graph.Costing(graph.Add($"{mlp}.experts.pre", normalized, x => Experts.All(x, experts.Gate)), cost);
        NodeInput pre_linear = graph.Costing(graph.Add($"{mlp}.experts.pre_linear", normalized, x => Experts.All(x, experts.In)), cost);
        NodeInput post = graph.Add($"{mlp}.experts.post", pre, pre_linear, (gate, x) => experts.Activation(gate).mul(x));
        Detour Through(NodeInput site) => Detours.Through(site, [post, weights, indices], x => experts.Sum(x[0], x[1], x[2]));
        return graph.Costing(
            graph.Add(
                parts.OutputName($"blocks.{layer}.mlp_out", $"{mlp}.out"), [normalized, weights, indices],
                x => experts.Mixed(x[0], x[1], x[2]), Through(post), Through(pre), Through(pre_linear)),
            new NodeCost(3 * product * config.Chosen));
    }

}

/// <summary>The experts of one layer.</summary>
/// <param name="Gate">The projections into the activation, <c>[expert, neuron, d_model]</c>.</param>
/// <param name="In">The projections beside them, <c>[expert, neuron, d_model]</c>.</param>
/// <param name="Out">The output projections, <c>[expert, d_model, neuron]</c>.</param>
/// <param name="Activation">The nonlinearity.</param>
internal sealed record Experts(Tensor Gate, Tensor In, Tensor Out, Func<Tensor, Tensor> Activation)
{
    /// <summary>A projection of every expert: <c>[batch, pos, d_model]</c> to <c>[batch, pos, expert, neuron]</c>.</summary>
    public static Tensor All(Tensor x, Tensor weights) =>
        linear(x, weights.flatten(0, 1)).split_axis(-1, weights.shape[0], weights.shape[1]);

    /// <summary>The weighted sum of all experts' outputs, from <c>[batch, pos, expert, neuron]</c>.</summary>
    public Tensor Sum(Tensor post, Tensor weights, Tensor indices)
    {
        long[] shape = post.shape;
        long tokens = shape[0] * shape[1];
        Tensor outputs = post.reshape(tokens, shape[2], shape[3]).transpose(0, 1).bmm(Out.transpose(1, 2));
        Tensor factors = ForEachExpert(weights, indices).t().unsqueeze(-1);
        return outputs.mul(factors).sum([0L]).view(shape[0], shape[1], -1);
    }

    /// <summary>The weighted sum of the chosen experts' outputs: each expert computes its own tokens.</summary>
    public Tensor Mixed(Tensor x, Tensor weights, Tensor indices)
    {
        // Without numbers nobody knows which tokens are an expert's.
        if (x.device_type == DeviceType.META)
            return Sum(Activation(All(x, Gate)).mul(All(x, In)), weights, indices);
        long[] shape = x.shape;
        Tensor flat = x.reshape(-1, shape[^1]), factors = ForEachExpert(weights, indices), sum = zeros_like(flat);
        foreach ((int expert, long[] tokens) in TokensOf(indices))
        {
            Tensor rows = tensor(tokens, device: x.device), own = flat.Pick(0, rows);
            Tensor post = Activation(linear(own, Gate[expert])).mul(linear(own, In[expert]));
            Tensor part = linear(post, Out[expert]).mul(factors.narrow(1, expert, 1).Pick(0, rows));
            sum = sum.Put(0, rows, sum.Pick(0, rows).plus(part));
        }
        return sum.view(shape);
    }

    /// <summary>The factor of each expert, 0 where it is not chosen: <c>[token, expert]</c>.</summary>
    private Tensor ForEachExpert(Tensor weights, Tensor indices)
    {
        long chosen = indices.shape[^1];
        Tensor flat = weights.reshape(-1, chosen);
        return zeros([flat.shape[0], Gate.shape[0]], flat.dtype, flat.device)
            .scatter_add(1, indices.to(ScalarType.Int64).reshape(-1, chosen), flat);
    }

    /// <summary>The tokens of each expert that any token chose, ascending.</summary>
    private static IEnumerable<(int Expert, long[] Tokens)> TokensOf(Tensor indices)
    {
        long chosen = indices.shape[^1];
        using Tensor there = indices.detach().to(ScalarType.Int64).cpu().contiguous();
        return there.data<long>().ToArray().Select((expert, i) => (Expert: (int)expert, Token: i / chosen))
            .GroupBy(pair => pair.Expert, pair => pair.Token)
            .OrderBy(group => group.Key).Select(group => (group.Key, group.Distinct().ToArray())).ToArray();
    }
}
