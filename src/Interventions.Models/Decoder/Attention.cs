using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Decoder;

/// <summary>Attention: queries times keys, softmax, pattern times values.</summary>
/// <param name="Scale">The factor of the queries.</param>
/// <param name="Cap">If not <see langword="null"/>, scores s become cap · tanh(s / cap).</param>
/// <param name="IsWide">Whether half-precision queries and keys are multiplied in float32.</param>
internal sealed record Attention(double Scale, double? Cap = null, bool IsWide = false)
{
    /// <summary>The pattern of scores. As in transformers, the softmax of half precision is computed in float32.</summary>
    /// <param name="scores"><c>[…, key]</c>.</param>
    /// <param name="dtype">The type of values.</param>
    public static Tensor Pattern(Tensor scores, ScalarType dtype) => HalfPrecision.Is(dtype)
        ? scores.softmax(-1, ScalarType.Float32).to(dtype)
        : scores.softmax(-1);

    /// <summary>
    /// Queries <c>[batch, query, head, d_head]</c> times keys <c>[batch, key, kv_head | head, d_head]</c>: <c>[batch, head, query,
    /// key]</c>. The queries of the heads that share a key head are one long list of queries to it: no key is copied.
    /// </summary>
    public Tensor Scores(Tensor q, Tensor k)
    {
        long[] shape = q.shape;
        (long batch, long queries, long heads, long width) = (shape[0], shape[1], shape[2], shape[3]);
        long keyHeads = k.shape[2], keys = k.shape[1];
        Tensor grouped = Wide(q).times(Scale).transpose(1, 2).reshape(batch, keyHeads, heads / keyHeads * queries, width);
        return Capped(grouped.matmul(Wide(k).permute(0, 2, 3, 1)).view(batch, heads, queries, keys));
    }

    /// <summary>
    /// Pattern <c>[batch, head, query, key]</c> times values <c>[batch, key, kv_head | head, d_head]</c>: <c>[batch, query, head,
    /// d_head]</c>.
    /// </summary>
    public static Tensor Mix(Tensor pattern, Tensor v)
    {
        long[] shape = pattern.shape;
        (long batch, long heads, long queries, long keys) = (shape[0], shape[1], shape[2], shape[3]);
        long valueHeads = v.shape[2];
        Tensor grouped = pattern.reshape(batch, valueHeads, heads / valueHeads * queries, keys);
        return grouped.matmul(v.transpose(1, 2)).view(batch, heads, queries, v.shape[3]).transpose(1, 2);
    }

    /// <summary>
    /// Both products and the softmax in one call, for passes in which scores and pattern are neither read nor written: queries
    /// <c>[batch, query, head, d_head]</c>, keys and values <c>[batch, key, kv_head | head, d_head]</c>, to
    /// <c>[batch, query, head, d_head]</c>.
    /// </summary>
    /// <param name="q">The queries.</param>
    /// <param name="k">The keys.</param>
    /// <param name="v">The values.</param>
    /// <param name="mask">Added to scores, <c>[batch | 1, 1, query, key]</c>; <see langword="null"/> if no key is hidden.</param>
    public Tensor Fused(Tensor q, Tensor k, Tensor v, Tensor? mask)
    {
        long[] shape = q.shape;
        (long batch, long queries, long heads, long width) = (shape[0], shape[1], shape[2], shape[3]);
        long keyHeads = k.shape[2], sharing = heads / keyHeads;
        if (keyHeads != v.shape[2] || Cap is not null || (IsWide && HalfPrecision.Is(q.dtype)) || q.device_type == DeviceType.META)
        {
            // A written port gives each query head keys of its own, while values stay shared. The fused call has no cap, and one type. On
            // the meta device libtorch 2.10 has no fused call.
            Tensor scores = Scores(q, k);
            return Mix(Pattern(mask is null ? scores : scores.plus_(mask), v.dtype), v);
        }
        // The fused call divides by the root of the width.
        double rest = Scale * Math.Sqrt(width);
        Tensor grouped = (Math.Abs(rest - 1) < 1e-12 ? q : q.times(rest)).transpose(1, 2);
        if (sharing > 1)
        {
            grouped = grouped.reshape(batch, keyHeads, sharing * queries, width);
            mask = mask?.repeat(1, 1, sharing, 1);
        }
        Tensor z = scaled_dot_product_attention(grouped, k.transpose(1, 2), v.transpose(1, 2), mask);
        return z.reshape(batch, heads, queries, v.shape[3]).transpose(1, 2);
    }

    /// <summary>Some queries of many variants: one softmax over all pieces of the history. Own: q. History: k, v.</summary>
    public Tensor Attend(ReadOnlySpan<Tensor> own, ReadOnlySpan<HistoryPiece> pieces)
    {
        // Variants of one prompt are more queries to its keys: [source, head, variant, query, d_head].
        long[] shape = own[0].shape;
        (long lanes, long queries, long heads, long width) = (shape[0], shape[1], shape[2], shape[3]);
        long sources = lanes;
        foreach (HistoryPiece piece in pieces)
            sources = Math.Min(sources, Math.Min(piece.Inputs[0].shape[0], piece.Inputs[1].shape[0]));
        long variants = lanes / sources;
        if (variants == 1 && pieces.Length == 1)
        {
            Tensor? mask = pieces[0].Hidden is { } unseen
                ? zeros([1, 1, .. unseen.shape], own[0].dtype, own[0].device).filled_(unseen, double.NegativeInfinity)
                : null;
            return Fused(own[0], pieces[0].Inputs[0], pieces[0].Inputs[1], mask);
        }
        Tensor q = Wide(own[0]).times(Scale).view(variants, sources, queries, heads, width).permute(1, 3, 0, 2, 4).contiguous();

        Tensor[] scores = new Tensor[pieces.Length];
        for (int i = 0; i < pieces.Length; i++)
        {
            Tensor part = Capped(PieceScores(q, Wide(pieces[i].Inputs[0])));
            scores[i] = pieces[i].Hidden is { } hidden ? part.filled_(hidden, double.NegativeInfinity) : part;
        }
        Tensor pattern = Pattern(scores.Length == 1 ? scores[0] : cat(scores, -1), own[0].dtype);

        Tensor? z = null;
        long key = 0;
        foreach (HistoryPiece piece in pieces)
        {
            long keys = piece.Inputs[1].shape[1];
            Tensor part = PieceMix(pattern.narrow(-1, key, keys), piece.Inputs[1]);
            z = z is null ? part : z.plus(part);
            key += keys;
        }
        return z!.permute(2, 0, 3, 1, 4).reshape(lanes, queries, heads, -1);
    }

    private Tensor Wide(Tensor x) => IsWide ? HalfPrecision.Widened(x) : x;

    private Tensor Capped(Tensor scores) => Cap is { } cap ? scores.over(cap).tanh().times(cap) : scores;

    /// <summary>
    /// Queries <c>[source, head, variant, query, d_head]</c> times one piece's keys: <c>[source, head, variant, query, key]</c>.
    /// </summary>
    private static Tensor PieceScores(Tensor q, Tensor k)
    {
        long[] shape = q.shape;
        (long sources, long heads, long variants, long queries, long width) = (shape[0], shape[1], shape[2], shape[3], shape[4]);
        long keys = k.shape[1], keyHeads = k.shape[2], sharing = heads / keyHeads;
        if (k.shape[0] == sources)
        {
            Tensor all = q.view(sources, keyHeads, sharing * variants * queries, width);
            return all.matmul(k.permute(0, 2, 3, 1)).view(sources, heads, variants, queries, keys);
        }

        Tensor own = k.view(variants, sources, keys, keyHeads, width).permute(1, 3, 0, 2, 4);
        Tensor grouped = q.view(sources, keyHeads, sharing, variants, queries, width).transpose(2, 3);
        // A product of one row by one column is slower as a matrix product than written out.
        Tensor scores = queries * keys == 1
            ? grouped.mul(own.unsqueeze(3)).sum([-1L], keepdim: true)
            : grouped.reshape(sources, keyHeads, variants, sharing * queries, width).matmul(own.transpose(-1, -2))
                .view(sources, keyHeads, variants, sharing, queries, keys);
        return scores.transpose(2, 3).reshape(sources, heads, variants, queries, keys);
    }

    /// <summary>
    /// A pattern <c>[source, head, variant, query, key]</c> times one piece's values: <c>[source, head, variant, query, d_head]</c>.
    /// </summary>
    private static Tensor PieceMix(Tensor pattern, Tensor v)
    {
        long[] shape = pattern.shape;
        (long sources, long heads, long variants, long queries, long keys) = (shape[0], shape[1], shape[2], shape[3], shape[4]);
        long valueHeads = v.shape[2], width = v.shape[3], sharing = heads / valueHeads;
        if (v.shape[0] == sources)
        {
            Tensor all = pattern.reshape(sources, valueHeads, sharing * variants * queries, keys);
            return all.matmul(v.transpose(1, 2)).view(sources, heads, variants, queries, width);
        }

        Tensor own = v.view(variants, sources, keys, valueHeads, width).permute(1, 3, 0, 2, 4);
        Tensor grouped = pattern.reshape(sources, valueHeads, sharing, variants, queries, keys).transpose(2, 3);
        Tensor mixed = queries * keys == 1
            ? grouped.mul(own.unsqueeze(3))
            : grouped.reshape(sources, valueHeads, variants, sharing * queries, keys).matmul(own)
                .view(sources, valueHeads, variants, sharing, queries, width);
        return mixed.transpose(2, 3).reshape(sources, heads, variants, queries, width);
    }
}
