using Interventions.ModelGraphs;
using Interventions.Models;
using static TorchSharp.torch;

namespace Interventions.Examples.UserModel;

/// <summary>
/// A one-layer transformer that adds modulo 13: it reads <c>a b =</c>, and its largest logit after <c>=</c> is that of (a + b) mod 13.
/// Nothing is trained: numbers are angles on six circles, two heads fetch a and b, and neurons with a quadratic activation multiply (Gromov
/// 2023, arXiv:2301.02679; Nanda et al. 2023, arXiv:2301.05217).
/// </summary>
[ModelSchema]
[Axis("head", 2), Axis("d_model", 12), Axis("neuron", 18), Axis("vocab", 14)]
[Site("embed", "batch", "pos", "d_model")]
[Site("attn.pattern", "batch", "head", "query", "key"), Site("attn.z", "batch", "pos", "head", "d_model")]
[Site("resid_mid", "batch", "pos", "d_model")]
[Site("mlp.pre", "batch", "pos", "neuron"), Site("mlp.post", "batch", "pos", "neuron")]
[Site("resid_post", "batch", "pos", "d_model"), Site("logits", "batch", "pos", "vocab")]
public sealed partial class ModularAddition : HookedModel
{
    /// <summary>The modulus, which is also the token <c>=</c>.</summary>
    public const int Modulus = 13;

    /// <summary>Makes the weights and the graph.</summary>
    public ModularAddition(Device? device = null)
    {
        using var scope = NewDisposeScope(); // weights are owned; the rest is freed
        Tensor angle = arange(Modulus, dtype: float64).unsqueeze(1) * arange(
            1, (Modulus / 2) + 1, dtype: float64) * (2 * Math.PI / Modulus); // [number, frequency]
        Tensor embedding = Weight(cat([cat([angle.cos(), angle.sin()], 1), zeros(1, 12, dtype: float64)])); // = is nothing
        // x², y² and (x + y)² of every circle, where x = cos a + cos b and y = sin a + sin b: in x² − y² is 2 cos(a + b), in (x + y)² − x²
        // − y² is 2 sin(a + b).
        Tensor one = eye(6, dtype: float64), none = zeros(6, 6, dtype: float64);
        Tensor read = Weight(cat([cat([one, none]), cat([none, one]), cat([one, one])], 1)); // [d_model, neuron]
        Tensor write = Weight(
            2 * cat([cat([one, one.neg()], 1), cat([one.neg(), one.neg()], 1), cat([none, one], 1)])); // [neuron, d_model]
        Tensor fetched = Weight(tensor(new double[] { 0, 1 }).view(1, 2, 1, 1)); // head 0 looks at a, head 1 at b

        ModelGraphBuilder graph = new();
        NodeInput embed = graph.Add("embed", graph.Tokens, ids => embedding[ids]);
        NodeInput pattern = graph.Add("attn.pattern", graph.Positions, graph.Positions with { Reach = Reach.Causal }, (query, key) =>
        {
            Tensor keys = key.unsqueeze(1).unsqueeze(1), queries = query.unsqueeze(1).unsqueeze(-1); // [batch, 1, query, key]
            return (keys - fetched).square().mul(-50).masked_fill(keys.gt(queries), double.NegativeInfinity).softmax(-1);
        });
        NodeInput z = graph.Add("attn.z", pattern, embed with { Reach = Reach.Causal }, (p, x) => p.matmul(x.unsqueeze(1)).transpose(1, 2));
        NodeInput resid_mid = graph.Add("resid_mid", embed, z, (x, heads) => x + heads.sum(2));
        NodeInput pre = graph.Add("mlp.pre", resid_mid, x => x.matmul(read));
        NodeInput post = graph.Add("mlp.post", pre, x => x.square());
        NodeInput resid_post = graph.Add("resid_post", resid_mid, post, (x, neurons) => x + neurons.matmul(write));
        Graph = graph.Build(graph.Add("logits", resid_post, x => x.matmul(embedding.t())));

        Tensor Weight(Tensor value) => Own(value.to(device ?? CPU));
    }

    /// <inheritdoc/>
    public override ModelSchema Schema => DeclaredSchema;

    /// <inheritdoc/>
    public override ModelGraph Graph { get; }
}

/// <summary><c>a b =</c>: the right sum, and what it would be with the other run's a.</summary>
[PromptSchema(Positions = ["a", "b", "end"], Answers = ["sum", "other"])]
public sealed partial class Sums : PromptSet;

/// <summary>Which head fetches a?</summary>
[Intervention<ModularAddition, Sums>]
public sealed partial class HeadSweep
{
    [Patch("attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Metric]
    static Tensor LogitDifference([Logit("sum")] Tensor sum, [Logit("other")] Tensor other) => sum - other;
}
