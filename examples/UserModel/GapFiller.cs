using Interventions.ModelGraphs;
using Interventions.Models;
using static TorchSharp.torch;

namespace Interventions.Examples.UserModel;

/// <summary>
/// A bidirectional encoder that fills a gap with what stands around it: in each of two layers, one head brings a position its left
/// neighbour, and one its right.
/// </summary>
[ModelSchema]
[Axis("layer", 2), Axis("head", 2), Axis("d_model", 9), Axis("vocab", 9)]
[Site("embed", "batch", "pos", "d_model")]
[Site("blocks.{layer}.attn.pattern", "batch", "head", "query", "key")]
[Site("blocks.{layer}.attn.z", "batch", "pos", "head", "d_model")]
[Site("blocks.{layer}.resid_post", "batch", "pos", "d_model")]
[Site("logits", "batch", "pos", "vocab")]
public sealed partial class GapFiller : HookedModel
{
    /// <summary>The token of the gap; 1 to 8 are words.</summary>
    public const int Gap = 0;

    /// <summary>Makes the weights and the graph.</summary>
    public GapFiller(Device? device = null)
    {
        using var scope = NewDisposeScope(); // weights are owned; the rest is freed
        Tensor words = eye(9, dtype: float64);
        words[0] = 0; // the gap is nothing
        Tensor embedding = Weight(words), neighbours = Weight(tensor(new double[] { -1, 1 }).view(1, 2, 1, 1)); // [1, head, 1, 1]

        ModelGraphBuilder graph = new();
        NodeInput stream = graph.Add("embed", graph.Tokens, ids => embedding[ids]);
        foreach (int layer in Enumerable.Range(0, 2))
        {
            string block = $"blocks.{layer}";
            NodeInput pattern = graph.Add(
                $"{block}.attn.pattern", graph.Positions, graph.Positions with { Reach = Reach.Full }, (query, key) =>
            {
                Tensor distance = key.unsqueeze(1)
                    .unsqueeze(1) - query.unsqueeze(1).unsqueeze(-1) - neighbours; // [batch, head, query, key]
                return distance.square().mul(-10).softmax(-1);
            });
            NodeInput z = graph.Add(
                $"{block}.attn.z", pattern, stream with { Reach = Reach.Full }, (p, x) => p.matmul(x.unsqueeze(1)).transpose(1, 2));
            stream = graph.Add($"{block}.resid_post", stream, z, (x, heads) => x + (heads.sum(2) * 0.5));
        }
        Graph = graph.Build(graph.Add("logits", stream, x => x.matmul(embedding.t())));

        Tensor Weight(Tensor value) => Own(value.to(device ?? CPU));
    }

    /// <inheritdoc/>
    public override ModelSchema Schema => DeclaredSchema;

    /// <inheritdoc/>
    public override ModelGraph Graph { get; }
}

/// <summary>A sentence with a gap.</summary>
[PromptSchema(Positions = ["gap"], Answers = ["right", "wrong"])]
public sealed partial class Gaps : PromptSet;

/// <summary>Which words matter, before the gap and behind it?</summary>
[Intervention<GapFiller, Gaps>]
public sealed partial class WordSweep
{
    [Patch("embed[pos={pos}]")]
    static Tensor FromCorrupted(Tensor embed, [From("corrupted")] Tensor corrupted) => corrupted;

    [Capture("blocks.*.attn.pattern[query=gap]")]
    static Tensor Attention(Tensor pattern) => pattern.squeeze(2);

    [Metric]
    static Tensor LogitDifference([Logit("right", At = "gap")] Tensor right, [Logit("wrong", At = "gap")] Tensor wrong) => right - wrong;
}

/// <summary>Without one head.</summary>
[Intervention<GapFiller, Gaps>]
[Zero("blocks.{layer}.attn.z[head={head}; pos=gap]")]
public sealed partial class HeadKnockout
{
    [Metric]
    static Tensor LogitDifference([Logit("right", At = "gap")] Tensor right, [Logit("wrong", At = "gap")] Tensor wrong) => right - wrong;
}
