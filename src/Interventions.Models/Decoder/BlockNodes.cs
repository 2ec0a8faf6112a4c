using Interventions.ModelGraphs;

namespace Interventions.Models.Decoder;

/// <summary>Adds one block: attention and the feed-forward block, after each other or side by side, or attention alone.</summary>
internal static class BlockNodes
{
    /// <summary>
    /// Adds a block and returns what the next part reads: the next block's <c>resid_pre</c>, or the last <c>resid_post</c>.
    /// </summary>
    public static NodeInput Add(DecoderParts parts, PositionNodes positions, int layer, NodeInput resid_pre)
    {
        ModelGraphBuilder graph = parts.Graph;
        string block = $"blocks.{layer}";
        BlockKind kind = parts.Config.Block;
        NodeInput attn_in = graph.Add($"{block}.attn_in", resid_pre, x => x);
        AttentionNodes attention = new(parts, positions, layer);
        HeadPorts ports = attention.AddPorts(attn_in);
        NodeInput normalized = AddNormBefore(parts, $"{block}.ln1", kind == BlockKind.ParallelWithOneNorm ? resid_pre : attn_in);
        NodeInput attn_out = parts.AddOutput($"{block}.attn_out", $"{block}.ln1_post", attention.Add(ports, Read("attn", attn_in)));
        if (kind == BlockKind.AttentionOnly)
            return Next(graph.Add($"{block}.resid_post", resid_pre, attn_out, (x, y) => x.plus(y)));

        NodeInput resid_mid = kind == BlockKind.Sequential
            ? graph.Add($"{block}.resid_mid", resid_pre, attn_out, (x, y) => x.plus(y))
            : resid_pre;
        NodeInput mlp_in = graph.Add($"{block}.mlp_in", resid_mid, x => x);
        if (kind != BlockKind.ParallelWithOneNorm)
            normalized = AddNormBefore(parts, $"{block}.ln2", mlp_in);
        NodeInput projected = parts.Config.Experts is { } experts
            ? ExpertNodes.Add(parts, experts, layer, Read("mlp", mlp_in))
            : MlpNodes.Add(parts, layer, Read("mlp", mlp_in));
        NodeInput mlp_out = parts.AddOutput($"{block}.mlp_out", $"{block}.ln2_post", projected);

        return Next(kind == BlockKind.Sequential
            ? graph.Add($"{block}.resid_post", resid_mid, mlp_out, (x, y) => x.plus(y))
            : graph.Add($"{block}.resid_post", [resid_pre, attn_out, mlp_out], x => x[0].plus(x[1]).plus(x[2])));

        NodeInput Next(NodeInput resid_post) =>
            layer + 1 == parts.Config.Layers ? resid_post : graph.Add($"blocks.{layer + 1}.resid_pre", resid_post, x => x);

        // Where both share a norm, a written port gives its reader a norm of its own, and the shared one stays.
        NodeInput Read(string reader, NodeInput port)
        {
            if (kind != BlockKind.ParallelWithOneNorm)
                return normalized;
            Norm norm = parts.Norm($"{block}.ln1");
            return graph.Add($"{block}.{reader}.normalized", normalized, x => x, Detours.Through(port, [port], x => norm.Apply(x[0])));
        }
    }

    private static NodeInput AddNormBefore(DecoderParts parts, string name, NodeInput input) =>
        parts.Config.NormsBefore ? parts.AddNorm(name, input) : input;
}
