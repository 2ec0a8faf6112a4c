using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>Adds the attention of one layer.</summary>
internal static class AttentionNodes
{
    /// <summary>Adds a layer's attention on <paramref name="attn_in"/> and returns <c>attn_out</c>.</summary>
    public static NodeInput Add(DecoderParts parts, PositionNodes positions, int layer, NodeInput attn_in)
    {
        ModelGraphBuilder graph = parts.Graph;
        DecoderConfig config = parts.Config;
        string attn = $"blocks.{layer}.attn";
        AttentionProjections projections = AttentionProjections.Of(parts, layer);

        // All heads read the same residual until a port is written.
        NodeInput Port(string name) => graph.Add($"{attn}.{name}", attn_in, x => PerHead(x, config.Heads));
        NodeInput q_input = Port("q_input"), k_input = Port("k_input"), v_input = Port("v_input");

        NodeInput normalized = parts.AddNorm($"blocks.{layer}.ln1", attn_in);
        NodeInput qkv = graph.Costing(
            graph.Add($"{attn}.qkv", normalized, parts.Projection($"{attn}.qkv")),
            new NodeCost(2L * config.DModel * config.DHead * (config.Heads + (2 * config.KvHeads))));
        NodeInput Heads(string name, HeadProjection projection, NodeInput port) => graph.Add(
            $"{attn}.{name}", qkv, projection.Slice,
            Detours.Through(port, [port], x => projection.Private(x[0])) with
            {
                Pullback = (x, gradient) => projection.PullBack(x[0], gradient),
            });
        NodeInput q = Heads("q", projections.Q, q_input), k = Heads("k", projections.K, k_input), v = Heads("v", projections.V, v_input);

        if (positions is { Cos: { } cos, Sin: { } sin })
        {
            NodeInput Rotated(string name, NodeInput input) =>
                graph.Add($"{attn}.{name}", [input, cos, sin], x => Rotate(x[0], x[1], x[2]));
            (q, k) = (Rotated("rot_q", q), Rotated("rot_k", k));
        }
        (k, v) = (k with { Reach = positions.KeyReach }, v with { Reach = positions.KeyReach });

        Attention attention = new(config.ScoreScaleOf(layer));
        NodeInput scores = graph.Add($"{attn}.scores", [q, k, positions.Hidden], x => attention.Scores(x[0], x[1]).filled_(x[2], 0));
        NodeInput pattern = graph.Add(
            $"{attn}.pattern", [q, k, positions.Mask], x => attention.Scores(x[0], x[1]).plus_(x[2]).softmax(-1),
            Detours.Through(scores, [scores, positions.Hidden], x => x[0].filled(x[1], double.NegativeInfinity).softmax(-1)));
        // The fused call keeps no pattern; only a write to the pattern or the scores makes one.
        Definition mixed = new([q, k, v, positions.Mask], x => attention.Fused(x[0], x[1], x[2], x[3]))
        {
            Piecewise = new Piecewise([q.Node], [k, v], attention.Attend),
        };
        Detour Through(NodeInput site) => Detours.Through(site, [pattern, v], x => Attention.Mix(x[0], x[1]));
        NodeInput z = graph.Costing(
            graph.Add($"{attn}.z", mixed, Through(pattern), Through(scores)), new NodeCost(0, 4L * config.Heads * config.DHead));

        OutputProjection output = OutputProjection.Of(parts, layer);
        NodeInput result = graph.Add($"{attn}.result", z, output.Result);
        return graph.Costing(
            graph.Add($"blocks.{layer}.attn_out", z, output.Apply, Detours.Through(result, [result], x => output.Sum(x[0]))),
            new NodeCost(2L * config.Heads * config.DHead * config.DModel));
    }

    /// <summary>One view for each head: <c>[batch, pos, d_model]</c> to <c>[batch, pos, head, d_model]</c>.</summary>
    private static Tensor PerHead(Tensor x, int heads)
    {
        long[] shape = x.shape;
        return x.unsqueeze(-2).expand([.. shape[..^1], heads, shape[^1]]);
    }

    /// <summary>
    /// Rotates each pair of coordinates (i, i + d_head/2) of <c>[batch, pos, head, d_head]</c>: the halves change places, and the sines
    /// have the signs.
    /// </summary>
    private static Tensor Rotate(Tensor x, Tensor cos, Tensor signedSin)
    {
        long half = x.shape[^1] / 2;
        Tensor swapped = cat([x.narrow(-1, half, half), x.narrow(-1, 0, half)], -1);
        return x.mul(cos).plus_product(swapped, signedSin);
    }
}
