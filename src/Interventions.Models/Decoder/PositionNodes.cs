using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>The nodes that are computed from positions alone, once for all layers.</summary>
/// <param name="Hidden">Which keys a query does not see: <c>[batch, 1, query, key]</c>, bool.</param>
/// <param name="Mask">The summand of scores: −∞ where a key is hidden, otherwise 0; <c>[batch, 1, query, key]</c>.</param>
/// <param name="Cos">Rotary cosines, <c>[batch, pos, 1, d_head]</c>.</param>
/// <param name="Sin">Rotary sines, the first half negated, <c>[batch, pos, 1, d_head]</c>.</param>
/// <param name="KeyReach">How far a query looks into keys and values.</param>
internal sealed record PositionNodes(NodeInput Hidden, NodeInput Mask, NodeInput? Cos, NodeInput? Sin, Reach KeyReach)
{
    public static PositionNodes Add(DecoderParts parts)
    {
        ModelGraphBuilder graph = parts.Graph;
        Tensor like = parts.Weight("embed.weight");
        ScalarType dtype = like.dtype;
        Reach reach = parts.Config.Window is { } window ? Reach.Windowed(window) : Reach.Causal;

        NodeInput hidden = graph.Add("mask.hidden", graph.Positions, graph.Positions with { Reach = reach },
            (query, key) => IsHidden(query, key, parts.Config.Window));
        NodeInput mask = graph.Add("mask", hidden, x => zeros(x.shape, dtype, x.device).filled_(x, double.NegativeInfinity));
        if (parts.Config.Rotary is not { } rotary)
            return new(hidden, mask, null, null, reach);

        double[] frequencies = rotary.Frequencies(parts.Config.DHead);
        NodeInput angles = graph.Add("rotary.angles", graph.Positions, positions => Angles(positions, frequencies));
        NodeInput cos = graph.Add("rotary.cos", angles, x => cat([x.cos(), x.cos()], -1).to_type(dtype));
        NodeInput sin = graph.Add("rotary.sin", angles, x => cat([x.sin().neg(), x.sin()], -1).to_type(dtype));
        return new(hidden, mask, cos, sin, reach);
    }

    /// <summary>
    /// Query i sees key j if j ≤ i and, with a window w, j > i − w. Padding before the first real token has negative positions: real tokens
    /// do not see it, and it sees itself, so that each row of scores has a key that is not hidden.
    /// </summary>
    private static Tensor IsHidden(Tensor queries, Tensor keys, int? window)
    {
        Tensor query = queries.unsqueeze(1).unsqueeze(-1), key = keys.unsqueeze(1).unsqueeze(2);
        Tensor hidden = key.gt(query).bitwise_or(key.less_than(0).bitwise_and(query.no_less_than(0)));
        return window is { } w ? hidden.bitwise_or(key.le(query.minus(w))) : hidden;
    }

    /// <summary>
    /// The angles, <c>[batch, pos, 1, d_head / 2]</c>, in float64: in float32 the angles of far positions would be inexact.
    /// </summary>
    private static Tensor Angles(Tensor positions, double[] frequencies) =>
        positions.to_type(ScalarType.Float64).unsqueeze(-1).unsqueeze(-1)
            .mul(tensor(frequencies, ScalarType.Float64, positions.device));
}
