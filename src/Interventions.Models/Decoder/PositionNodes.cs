using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>The nodes that are computed from positions alone, once for all layers that look alike.</summary>
internal sealed class PositionNodes(DecoderParts parts)
{
    private readonly Dictionary<string, MaskNodes> _masks = [];
    private readonly Dictionary<RotaryConfig, RotaryNodes> _rotary = [];
    private readonly ScalarType _dtype = parts.Weight("embed.weight").dtype;

    private ModelGraphBuilder Graph => parts.Graph;

    /// <summary>A layer's masks.</summary>
    public MaskNodes Mask(int layer)
    {
        int? window = parts.Config.WindowOf(layer);
        string name = window is null ? "mask" : $"mask.{window}";
        if (_masks.TryGetValue(name, out MaskNodes? known))
            return known;
        bool looksAhead = parts.Config.LooksAhead;
        Reach reach = looksAhead ? Reach.Full : window is { } width ? Reach.Windowed(width) : Reach.Causal;
        NodeInput hidden = Graph.Add($"{name}.hidden", Graph.Positions, Graph.Positions with { Reach = reach },
            (query, key) => IsHidden(query, key, window, looksAhead));
        NodeInput mask = Graph.Add(name, hidden, x => zeros(x.shape, _dtype, x.device).filled_(x, double.NegativeInfinity));
        return _masks[name] = new MaskNodes(hidden, mask, reach);
    }

    /// <summary>A layer's rotary positions; <see langword="null"/> if it has none.</summary>
    public RotaryNodes? Rotary(int layer)
    {
        if (parts.Config.RotaryOf(layer) is not { } rotary)
            return null;
        if (_rotary.TryGetValue(rotary, out RotaryNodes? known))
            return known;
        string name = _rotary.Count == 0 ? "rotary" : $"rotary.{_rotary.Count}";
        // As in transformers, half precision has the angles of float32. Otherwise they are float64: in float32 the angles of far positions
        // would be inexact.
        bool isHalf = HalfPrecision.Is(_dtype);
        ScalarType wide = isHalf ? ScalarType.Float32 : ScalarType.Float64;
        ScalarType dtype = isHalf && parts.Config.Wide.HasFlag(WideParts.Rotation) ? wide : _dtype;
        double[] frequencies = rotary.Frequencies(parts.Config.DHead, inFloat32: isHalf);
        NodeInput angles = Graph.Add($"{name}.angles", Graph.Positions, positions => Angles(positions, frequencies, wide));
        NodeInput cos = Graph.Add($"{name}.cos", angles, x => Both(rotary, Scaled(x.cos()), Scaled(x.cos())).to_type(dtype));
        NodeInput sin = Graph.Add($"{name}.sin", angles, x => Both(rotary, Scaled(x.sin().neg()), Scaled(x.sin())).to_type(dtype));
        return _rotary[rotary] = new RotaryNodes(rotary, cos, sin);

        Tensor Scaled(Tensor part) => rotary.Factor == 1 ? part : part.times(rotary.Factor);
    }

    /// <summary>The values of the first and of the second coordinates that turn together, each at its coordinate.</summary>
    private static Tensor Both(RotaryConfig rotary, Tensor first, Tensor second) =>
        rotary.Neighbours ? stack([first, second], -1).flatten(-2) : cat([first, second], -1);

    /// <summary>
    /// Query i sees key j if j ≤ i, or it looks ahead, and, with a window w, j > i − w. Padding before the first real token has negative
    /// positions: real tokens do not see it, and it sees itself, so that each row of scores has a key that is not hidden.
    /// </summary>
    private static Tensor IsHidden(Tensor queries, Tensor keys, int? window, bool looksAhead)
    {
        Tensor query = queries.unsqueeze(1).unsqueeze(-1), key = keys.unsqueeze(1).unsqueeze(2);
        Tensor hidden = key.less_than(0).bitwise_and(query.no_less_than(0));
        if (!looksAhead)
            hidden = key.gt(query).bitwise_or(hidden);
        return window is { } w ? hidden.bitwise_or(key.le(query.minus(w))) : hidden;
    }

    /// <summary>The angles, <c>[batch, pos, 1, width / 2]</c>.</summary>
    private static Tensor Angles(Tensor positions, double[] frequencies, ScalarType dtype) =>
        positions.to_type(dtype).unsqueeze(-1).unsqueeze(-1).mul(tensor(frequencies, dtype, positions.device));
}

/// <summary>What queries do not see.</summary>
/// <param name="Hidden">Which keys a query does not see: <c>[batch, 1, query, key]</c>, bool.</param>
/// <param name="Mask">The summand of scores: −∞ where a key is hidden, otherwise 0; <c>[batch, 1, query, key]</c>.</param>
/// <param name="KeyReach">How far a query looks into keys and values.</param>
internal sealed record MaskNodes(NodeInput Hidden, NodeInput Mask, Reach KeyReach);

/// <summary>Rotary positions.</summary>
/// <param name="Config">How heads turn.</param>
/// <param name="Cos">The cosines, <c>[batch, pos, 1, width]</c>.</param>
/// <param name="Sin">The sines, <c>[batch, pos, 1, width]</c>, negated for the first of two coordinates that turn together.</param>
internal sealed record RotaryNodes(RotaryConfig Config, NodeInput Cos, NodeInput Sin)
{
    /// <summary>
    /// Turns the first coordinates of <c>[batch, pos, head, d_head]</c>: those that turn together change places, and the sines have the
    /// signs.
    /// </summary>
    public Tensor Rotate(Tensor x, Tensor cos, Tensor signedSin) => Turned(x.to(cos.dtype), cos, signedSin).to(x.dtype);

    private Tensor Turned(Tensor x, Tensor cos, Tensor signedSin)
    {
        long d_head = x.shape[^1], width = Config.WidthIn((int)d_head);
        if (width == d_head)
            return x.mul(cos).plus_product(Swapped(x), signedSin);
        Tensor turning = x.narrow(-1, 0, width);
        return cat([turning.mul(cos).plus_product(Swapped(turning), signedSin), x.narrow(-1, width, d_head - width)], -1);
    }

    private Tensor Swapped(Tensor x)
    {
        long half = x.shape[^1] / 2;
        if (!Config.Neighbours)
            return cat([x.narrow(-1, half, half), x.narrow(-1, 0, half)], -1);
        Tensor pairs = x.split_axis(-1, half, 2);
        return cat([pairs.narrow(-1, 1, 1), pairs.narrow(-1, 0, 1)], -1).flatten(-2);
    }
}
