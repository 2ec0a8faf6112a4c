using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>
/// One layer of heads that look where they were told to: at the token before, at earlier tokens like this one, at what came after those, at
/// all tokens alike; at themselves where there is nothing of the kind.
/// </summary>
internal sealed class HandSetModel : HookedModel
{
    public const int Tokens = 23;

    private readonly Tensor _embedding = eye(Tokens, dtype: ScalarType.Float64).DetachFromDisposeScope();

    public HandSetModel()
    {
        ModelGraphBuilder graph = new();
        NodeInput embed = graph.Add("embed", graph.Tokens, ids => _embedding.index_select(0, ids.flatten()).view([.. ids.shape, Tokens]));
        NodeInput pattern = graph.Add(
            "blocks.0.attn.pattern",
            [
                graph.Tokens, graph.Positions, graph.Tokens with { Reach = Reach.Causal }, graph.Positions with { Reach = Reach.Causal },
            ],
            x => Pattern(x[0], x[1], x[2], x[3]));
        NodeInput stream = graph.Add(
            "blocks.0.resid_post", [embed, pattern, embed with { Reach = Reach.Causal }],
            x => x[0] + einsum("bhqk,bkd->bqd", x[1], x[2]));
        Graph = graph.Build(graph.Add("logits", stream, x => x));
        Schema = new ModelSchema(
            nameof(HandSetModel),
            EquatableArray.Of(
                new AxisSize("layer", 1), new AxisSize("head", 4), new AxisSize("d_model", Tokens), new AxisSize("vocab", Tokens)),
            EquatableArray.Of(
                Site("embed", "batch", "pos", "d_model"), Site("blocks.{layer}.attn.pattern", "batch", "head", "query", "key"),
                Site("blocks.{layer}.resid_post", "batch", "pos", "d_model"), Site("logits", "batch", "pos", "vocab")));

        static SiteDefinition Site(string path, params string[] axes) => new(path, axes.ToEquatableArray());
    }

    public override ModelSchema Schema { get; }

    public override ModelGraph Graph { get; }

    public override int? ContextLength => null;

    public override int VocabularySize => Tokens;

    public override Device Device => CPU;

    protected override void Dispose(bool disposing) => _embedding.Dispose();

    private static Tensor Pattern(Tensor ids, Tensor at, Tensor keyIds, Tensor keys)
    {
        Tensor queries = at.unsqueeze(2), places = keys.unsqueeze(1), earlier = places.lt(queries);
        Tensor alike = ids.unsqueeze(2).eq(keyIds.unsqueeze(1)) & earlier;
        // What stands in front of a key: nothing in front of the first one.
        Tensor front = cat([full_like(keyIds.narrow(1, 0, 1), -1), keyIds.narrow(1, 0, keyIds.shape[1] - 1)], 1);
        Tensor behind = ids.unsqueeze(2).eq(front.unsqueeze(1)) & places.le(queries);
        return stack([Rows(places.eq(queries - 1)), Rows(alike), Rows(behind), Rows(places.le(queries))], 1);

        Tensor Rows(Tensor wanted)
        {
            Tensor weights = wanted.to(ScalarType.Float64), sums = weights.sum([-1L], keepdim: true);
            Tensor own = places.eq(queries).to(ScalarType.Float64);
            return where(sums.eq(0), own, weights / sums.clamp_min(1));
        }
    }
}
