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
        NodeInput normalized = config.FinalNorm ? parts.AddNorm("ln_final", stream) : stream;
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
        NodeInput embed = graph.Add("embed", graph.Tokens, parts.Embed);
        NodeInput stream = config.EmbeddingNorm ? graph.Add("embed_norm", embed, parts.Norm("embed_norm").Apply) : embed;
        if (!config.LearnedPositions)
            return graph.Add("blocks.0.resid_pre", stream, x => x);
        Tensor learned = parts.Weight("pos_embed.weight");
        int offset = config.PositionOffset;
        // Padding before the first real token has negative positions; it reads the first row, and real tokens never see it.
        NodeInput pos_embed = graph.Add("pos_embed", graph.Positions,
            positions => DecoderParts.Rows(learned, offset == 0 ? positions.at_least(0) : positions.at_least(0).plus(offset)));
        return graph.Add("blocks.0.resid_pre", stream, pos_embed, (x, p) => x.plus(p));
    }
}
