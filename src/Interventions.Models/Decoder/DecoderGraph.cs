using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

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
        PositionNodes positions = new(parts);
        NodeInput stream = AddEmbeddings(parts);
        for (int layer = 0; layer < config.Layers; layer++)
            stream = BlockNodes.Add(parts, positions, layer, stream);
        NodeInput normalized = parts.AddNorm("ln_final", stream);
        Unembedding unembedding = Unembedding.Of(config, weights);
        Definition logits = new([normalized], x => unembedding.Logits(x[0]))
        {
            Entries = (x, entries) => unembedding.Logits(x[0], entries),
        };
        return graph.Build(graph.Costing(graph.Add("logits", logits), new NodeCost(2L * config.DModel * config.VocabularySize)));
    }

    private static NodeInput AddEmbeddings(DecoderParts parts)
    {
        ModelGraphBuilder graph = parts.Graph;
        DecoderConfig config = parts.Config;
        Tensor embedding = parts.Weight("embed.weight");
        double scale = config.EmbeddingScale;
        // The factor has the weights' type, as in transformers: in half precision it is rounded.
        NodeInput embed = graph.Add("embed", graph.Tokens, ids =>
        {
            Tensor rows = Rows(embedding, ids);
            return scale == 1 ? rows : rows.mul(tensor([scale], rows.dtype, rows.device));
        });
        NodeInput stream = config.EmbeddingNorm ? graph.Add("embed_norm", embed, parts.Norm("embed_norm").Apply) : embed;
        if (!config.LearnedPositions)
            return graph.Add("blocks.0.resid_pre", stream, x => x);
        Tensor learned = parts.Weight("pos_embed.weight");
        int offset = config.PositionOffset;
        // Padding before the first real token has negative positions; it reads the first row, and real tokens never see it.
        NodeInput pos_embed = graph.Add("pos_embed", graph.Positions,
            positions => Rows(learned, offset == 0 ? positions.at_least(0) : positions.at_least(0).plus(offset)));
        return graph.Add("blocks.0.resid_pre", stream, pos_embed, (x, p) => x.plus(p));
    }

    /// <summary>Rows of a table: <c>[rows, d_model]</c> at <c>[batch, pos]</c> is <c>[batch, pos, d_model]</c>.</summary>
    // Indexing would count negative ids from the end.
    private static Tensor Rows(Tensor table, Tensor indices) => table.Pick(0, indices.reshape(-1)).view([.. indices.shape, table.shape[1]]);
}
