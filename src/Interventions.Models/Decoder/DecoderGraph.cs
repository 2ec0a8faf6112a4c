using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Decoder;

/// <summary>A decoder's forward pass as a graph.</summary>
public static class DecoderGraph
{
    /// <summary>Builds the graph on weights, which it borrows; gradients flow to those that require them.</summary>
    /// <param name="config">The decoder.</param>
    /// <param name="weights">By canonical name, see <see cref="DecoderWeights.Shapes"/>.</param>
    /// <exception cref="ArgumentException">A weight is missing or has another shape.</exception>
    public static ModelGraph Build(DecoderConfig config, IReadOnlyDictionary<string, Tensor> weights)
    {
        config.Checked();
        foreach ((string name, long[] shape) in DecoderWeights.Shapes(config))
            if (!weights.TryGetValue(name, out Tensor? weight) || !weight.shape.AsSpan().SequenceEqual(shape))
                throw new ArgumentException($"The decoder needs a weight '{name}' of shape [{string.Join(", ", shape)}].", nameof(weights));

        DecoderParts parts = new(config, weights, new ModelGraphBuilder(holdsNumbers: true));
        ModelGraphBuilder graph = parts.Graph;
        PositionNodes positions = PositionNodes.Add(parts);
        NodeInput stream = AddEmbeddings(parts);
        for (int layer = 0; layer < config.Layers; layer++)
            stream = AddBlock(parts, positions, layer, stream);
        NodeInput normalized = parts.AddNorm("ln_final", stream);
        Tensor unembedding = weights[config.TiedUnembedding ? "embed.weight" : "unembed.weight"];
        Definition logits = new([normalized], x => linear(x[0], unembedding))
        {
            Entries = (x, entries) => linear(x[0], Rows(unembedding, entries)),
        };
        return graph.Build(graph.Costing(graph.Add("logits", logits), new NodeCost(2L * config.DModel * config.VocabularySize)));
    }

    private static NodeInput AddEmbeddings(DecoderParts parts)
    {
        ModelGraphBuilder graph = parts.Graph;
        Tensor embedding = parts.Weight("embed.weight");
        NodeInput embed = graph.Add("embed", graph.Tokens, ids => Rows(embedding, ids));
        if (parts.Config.Rotary is not null)
            return graph.Add("blocks.0.resid_pre", embed, x => x);
        Tensor learned = parts.Weight("pos_embed.weight");
        // Padding before the first real token has negative positions; it reads the first row, and real tokens never see it.
        NodeInput pos_embed = graph.Add("pos_embed", graph.Positions, positions => Rows(learned, positions.at_least(0)));
        return graph.Add("blocks.0.resid_pre", embed, pos_embed, (x, p) => x.plus(p));
    }

    /// <summary>Rows of a table: <c>[rows, d_model]</c> at <c>[batch, pos]</c> is <c>[batch, pos, d_model]</c>.</summary>
    // Indexing would count negative ids from the end.
    private static Tensor Rows(Tensor table, Tensor indices) => table.Pick(0, indices.reshape(-1)).view([.. indices.shape, table.shape[1]]);

    /// <summary>
    /// Adds a block and returns what the next part reads: the next block's <c>resid_pre</c>, or the last <c>resid_post</c>.
    /// </summary>
    private static NodeInput AddBlock(DecoderParts parts, PositionNodes positions, int layer, NodeInput resid_pre)
    {
        ModelGraphBuilder graph = parts.Graph;
        string block = $"blocks.{layer}";
        NodeInput attn_in = graph.Add($"{block}.attn_in", resid_pre, x => x);
        NodeInput attn_out = AttentionNodes.Add(parts, positions, layer, attn_in);
        NodeInput resid_mid = graph.Add($"{block}.resid_mid", resid_pre, attn_out, (x, y) => x.plus(y));
        NodeInput mlp_in = graph.Add($"{block}.mlp_in", resid_mid, x => x);
        NodeInput mlp_out = MlpNodes.Add(parts, layer, parts.AddNorm($"{block}.ln2", mlp_in));
        NodeInput resid_post = graph.Add($"{block}.resid_post", resid_mid, mlp_out, (x, y) => x.plus(y));
        return layer + 1 == parts.Config.Layers ? resid_post : graph.Add($"blocks.{layer + 1}.resid_pre", resid_post, x => x);
    }
}
