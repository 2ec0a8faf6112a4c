using Interventions.ModelGraphs;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Decoder;

/// <summary>A decoder's configuration and weights, and the graph that is built of them.</summary>
internal sealed record DecoderParts(DecoderConfig Config, IReadOnlyDictionary<string, Tensor> Weights, ModelGraphBuilder Graph)
{
    /// <summary>The weight of that canonical name.</summary>
    public Tensor Weight(string name) => Weights[name];

    /// <summary>The weight of that canonical name, if the decoder has it.</summary>
    public Tensor? WeightOrNull(string name) => Weights.GetValueOrDefault(name);

    /// <summary>The embeddings of tokens, as the residual stream begins with them: ids <c>[…]</c> to <c>[…, d_model]</c>.</summary>
    public Tensor Embed(Tensor ids)
    {
        Tensor rows = Rows(Weight("embed.weight"), ids);
        // The factor has the weights' type, as in transformers: in half precision it is rounded.
        return Config.EmbeddingScale == 1 ? rows : rows.mul(tensor([Config.EmbeddingScale], rows.dtype, rows.device));
    }

    /// <summary>Rows of a table: <c>[rows, d_model]</c> at <c>[…]</c> is <c>[…, d_model]</c>.</summary>
    // Indexing would count negative ids from the end.
    public static Tensor Rows(Tensor table, Tensor indices) => table.Pick(0, indices.reshape(-1)).view([.. indices.shape, table.shape[1]]);

    /// <summary>The norm of that name.</summary>
    public Norm Norm(string name) => Norm(name, Config.DModel);

    /// <summary>The norm of that name, of another width than the residual stream's.</summary>
    public Norm Norm(string name, long width) => Decoder.Norm.Of(Config, Weights, name, width);

    /// <summary>The projection of that name, on the last axis: <c>[…, in]</c> to <c>[…, out]</c>.</summary>
    public Func<Tensor, Tensor> Projection(string name)
    {
        Tensor weight = Weight($"{name}.weight");
        Tensor? bias = WeightOrNull($"{name}.bias");
        return x => linear(x, weight, bias);
    }

    /// <summary>
    /// Adds a norm's two sites and returns the normalised value: by one fused call, or, when an intervention touches the scale, by dividing
    /// by the scale.
    /// </summary>
    public NodeInput AddNorm(string name, NodeInput input)
    {
        Norm norm = Norm(name);
        NodeInput scale = Graph.Add($"{name}.scale", input, norm.Scale);
        return Graph.Add($"{name}.normalized", input, norm.Apply, Detours.Through(scale, [input, scale], x => norm.ApplyWith(x[0], x[1])));
    }

    /// <summary>
    /// The node of an output projection: the site itself where the projection is what is added to the residual stream, else an internal
    /// one, from which <see cref="AddOutput"/> makes the site.
    /// </summary>
    public string OutputName(string site, string projected) => IsAddedAsProjected ? site : projected;

    /// <summary>
    /// Adds what a part of a block adds to the residual stream: its projection, through a norm and a factor if there are any.
    /// </summary>
    public NodeInput AddOutput(string site, string norm, NodeInput projected)
    {
        if (IsAddedAsProjected)
            return projected;
        NodeInput normalized = Config.NormsAfter ? AddNorm(norm, projected) : projected;
        double factor = Config.ResidualScale;
        return Graph.Add(site, normalized, x => factor == 1 ? x : x.times(factor));
    }

    private bool IsAddedAsProjected => !Config.NormsAfter && Config.ResidualScale == 1;
}

/// <summary>Shorthand for detours.</summary>
internal static class Detours
{
    /// <summary>Another definition of a node, for passes that write or differentiate the site.</summary>
    public static Detour Through(NodeInput site, NodeInput[] inputs, Compute compute) =>
        new(site.Node, new Definition([.. inputs], compute));
}
