using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Decoder;

/// <summary>The query, key and value projections of one layer: three slices of one matrix.</summary>
internal sealed record AttentionProjections(HeadProjection Q, HeadProjection K, HeadProjection V)
{
    public static AttentionProjections Of(DecoderParts parts, int layer)
    {
        DecoderConfig config = parts.Config;
        Norm? norm = config.NormsBefore ? parts.Norm($"blocks.{layer}.ln1") : null;
        Tensor weight = parts.Weight($"blocks.{layer}.attn.qkv.weight");
        Tensor? bias = parts.WeightOrNull($"blocks.{layer}.attn.qkv.bias");
        HeadProjection Part(int firstHead, int heads) => new(norm, weight, bias, firstHead, heads, config.DHead);
        return new(Part(0, config.Heads), Part(config.Heads, config.KvHeads), Part(config.Heads + config.KvHeads, config.KvHeads));
    }
}

/// <summary>The query, key or value projection of one layer.</summary>
/// <param name="Norm">The norm before attention; <see langword="null"/> if there is none.</param>
/// <param name="Weight">The weights of all three projections, <c>[(head + 2 kv_head) · d_head, d_model]</c>.</param>
/// <param name="Bias">Their biases, <c>[(head + 2 kv_head) · d_head]</c>.</param>
/// <param name="FirstHead">The first head of this projection, among the heads of all three.</param>
/// <param name="Heads">How many heads it has.</param>
/// <param name="DHead">The width of a head.</param>
internal sealed record HeadProjection(Norm? Norm, Tensor Weight, Tensor? Bias, int FirstHead, int Heads, int DHead)
{
    /// <summary>
    /// The ordinary path, a view: <c>[batch, pos, (head + 2 kv_head) · d_head]</c> to <c>[batch, pos, this head, d_head]</c>.
    /// </summary>
    public Tensor Slice(Tensor qkv) => Rows(qkv, -1).split_axis(-1, Heads, DHead);

    /// <summary>
    /// A norm, where there is one, and a projection for each query head: a port <c>[batch, pos, head, d_model]</c> to <c>[batch, pos,
    /// head, d_head]</c>. Query heads that share a key/value head use the same weights on different inputs.
    /// </summary>
    public Tensor Private(Tensor port)
    {
        long[] shape = port.shape;
        (long batch, long positions, long queryHeads, long d_model) = (shape[0], shape[1], shape[2], shape[3]);
        Tensor inputs = (Norm?.Apply(port) ?? port).permute(2, 0, 1, 3).reshape(Heads, queryHeads / Heads * batch * positions, d_model);
        Tensor weights = Rows(Weight, 0).view(Heads, DHead, d_model).transpose(1, 2);
        Tensor outputs = Bias is null ? inputs.bmm(weights) : Rows(Bias, 0).view(Heads, 1, DHead).plus_bmm(inputs, weights);
        return outputs.view(queryHeads, batch, positions, DHead).permute(1, 2, 0, 3);
    }

    /// <summary>
    /// The gradient of the ports, <c>[batch, pos, head, d_model]</c>, from the value and the gradient of the projection, <c>[batch, pos,
    /// head, d_head]</c>, where all heads read the same residual.
    /// </summary>
    public Tensor PullBack(Tensor port, Tensor value, Tensor gradient)
    {
        long[] shape = gradient.shape;
        (long batch, long positions) = (shape[0], shape[1]);
        Tensor weights = Rows(Weight, 0).view(Heads, DHead, -1), gradients = PerHead(gradient);
        Tensor pulled = Norm is null
            ? gradients.bmm(weights)
            : Norm.PullBack(port.select(2, 0).reshape(batch * positions, -1), weights, WithoutConstant(PerHead(value), Norm), gradients);
        return pulled.view(Heads, batch, positions, -1).permute(1, 2, 0, 3);

        Tensor PerHead(Tensor x) => x.permute(2, 0, 1, 3).reshape(Heads, batch * positions, DHead);
    }

    /// <summary>Projected rows <c>[head, row, d_head]</c> without what the norm's and the projection's summands add to each.</summary>
    private Tensor WithoutConstant(Tensor projected, Norm norm)
    {
        if (norm.Bias is { } bias)
            projected = projected.sub(Rows(Weight, 0).matmul(bias.to(Weight.dtype)).view(Heads, 1, DHead));
        return Bias is null ? projected : projected.sub(Rows(Bias, 0).view(Heads, 1, DHead));
    }

    private Tensor Rows(Tensor all, long axis) => all.narrow(axis, (long)FirstHead * DHead, (long)Heads * DHead);
}

/// <summary>The attention's output projection of one layer.</summary>
/// <param name="Weight"><c>[d_model, head · d_head]</c>.</param>
/// <param name="Bias"><c>[d_model]</c>.</param>
/// <param name="Heads">How many heads.</param>
internal sealed record OutputProjection(Tensor Weight, Tensor? Bias, int Heads)
{
    public static OutputProjection Of(DecoderParts parts, int layer) =>
        new(parts.Weight($"blocks.{layer}.attn.out.weight"), parts.WeightOrNull($"blocks.{layer}.attn.out.bias"), parts.Config.Heads);

    /// <summary>The ordinary path: <c>[batch, pos, head, d_head]</c> to <c>[batch, pos, d_model]</c>.</summary>
    public Tensor Apply(Tensor z) => linear(z.flatten(2), Weight, Bias);

    /// <summary>
    /// What each head adds to the residual, bias excepted: <c>[batch, pos, head, d_head]</c> to <c>[batch, pos, head, d_model]</c>.
    /// </summary>
    public Tensor Result(Tensor z)
    {
        long[] shape = z.shape;
        Tensor perHead = z.permute(2, 0, 1, 3).reshape(Heads, shape[0] * shape[1], shape[3]);
        Tensor weights = Weight.t().split_axis(0, Heads, shape[3]);
        return perHead.bmm(weights).view(Heads, shape[0], shape[1], -1).permute(1, 2, 0, 3);
    }

    /// <summary>The sum of the heads' results, and the bias: <c>[batch, pos, head, d_model]</c> to <c>[batch, pos, d_model]</c>.</summary>
    public Tensor Sum(Tensor result)
    {
        Tensor sum = result.sum(2);
        return Bias is null ? sum : sum.plus_(Bias);
    }
}
