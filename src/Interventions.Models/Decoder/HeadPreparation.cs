using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>
/// What happens to queries, keys and values between their projection and the scores: a limit, a norm, rotary positions, ALiBi.
/// </summary>
internal sealed class HeadPreparation(DecoderParts parts, RotaryNodes? rotary, int layer)
{
    private readonly DecoderConfig _config = parts.Config;

    private ModelGraphBuilder Graph => parts.Graph;

    /// <summary>Queries or keys, <c>[batch, pos, head, d_head]</c>, as scores read them.</summary>
    /// <param name="letter"><c>q</c> or <c>k</c>.</param>
    /// <param name="projected">As projected.</param>
    /// <param name="heads">How many heads the projection has. A written port gives keys for each query head.</param>
    public NodeInput Add(string letter, NodeInput projected, int heads)
    {
        string attn = $"blocks.{layer}.attn";
        Func<Tensor, Tensor> normed = Normed(letter, heads);
        NodeInput ready =
            rotary is not null ? Graph.Add(
                $"{attn}.rot_{letter}", [projected, rotary.Cos, rotary.Sin], x => rotary.Rotate(normed(x[0]), x[1], x[2])) :
            _config.QkvClip is not null || _config.QkNorm != QkNorm.None ? Graph.Add($"{attn}.normed_{letter}", projected, normed) :
            projected;
        return _config.Alibi
            ? Graph.Add($"{attn}.alibi_{letter}", ready, Graph.Positions, letter == "q" ? WithSlopes : WithPositions)
            : ready;
    }

    /// <summary>Values as the pattern mixes them.</summary>
    public NodeInput AddValues(NodeInput projected) =>
        _config.QkvClip is null ? projected : Graph.Add($"blocks.{layer}.attn.clipped_v", projected, Clipped);

    // On the meta device libtorch 2.10 has no backward pass of a limit; there shapes alone count.
    private Tensor Clipped(Tensor x) => _config.QkvClip is not { } size ? x
        : x.device_type == DeviceType.META ? x.squared()
        : x.at_least(-size).neg().at_least(-size).neg();

    private Func<Tensor, Tensor> Normed(string letter, int heads)
    {
        string name = $"blocks.{layer}.attn.{letter}_norm";
        switch (_config.QkNorm)
        {
            case QkNorm.OneGain:
                Norm one = parts.Norm(name, _config.DHead);
                return x => one.Apply(Clipped(x));
            case QkNorm.GainForEachHead:
                Norm plain = parts.Norm(name, _config.DHead) with { Gain = null };
                Tensor gains = parts.Weight($"{name}.gain");
                return x => plain.Apply(HalfPrecision.Widened(Clipped(x)))
                    .mul(ForEach(x.shape[2], gains.view(heads, _config.DHead))).to(x.dtype);
            case QkNorm.AllHeads:
                Norm all = parts.Norm(name, (long)heads * _config.DHead);
                return x =>
                {
                    long count = x.shape[2];
                    Tensor gain = ForEach(count, all.Gain!.view(heads, _config.DHead)).flatten();
                    Norm norm = count == heads ? all : all with { Width = count * _config.DHead, Gain = gain };
                    return norm.Apply(Clipped(x).flatten(-2)).view(x.shape);
                };
            default:
                return Clipped;
        }
    }

    /// <summary>Gains of key heads for as many heads as there are: query heads that share a key head share its gain.</summary>
    private static Tensor ForEach(long heads, Tensor gains) =>
        heads == gains.shape[0] ? gains : gains.repeat_interleave(heads / gains.shape[0], 0);

    /// <summary>
    /// A coordinate more: with the position as that of each key, q·k is larger by slope · position. The slope is divided by the factor of
    /// scores, which multiplies all coordinates.
    /// </summary>
    private Tensor WithSlopes(Tensor q, Tensor positions)
    {
        double[] slopes = [.. Slopes(_config.Heads).Select(slope => slope / _config.ScoreScaleOf(layer))];
        return WithCoordinate(q, tensor(slopes, q.dtype, q.device).unsqueeze(-1));
    }

    private static Tensor WithPositions(Tensor k, Tensor positions) => WithCoordinate(k, positions.to(k.dtype).unsqueeze(-1).unsqueeze(-1));

    private static Tensor WithCoordinate(Tensor x, Tensor coordinate) => cat([x, coordinate.expand([.. x.shape[..^1], 1])], -1);

    /// <summary>
    /// The published slopes: powers of 2^(−8/n) for a power of two n; the heads beyond it have those of 2n, every second.
    /// </summary>
    private static IEnumerable<double> Slopes(int heads)
    {
        int even = 1 << (int)Math.Floor(Math.Log2(heads));
        for (int head = 0; head < heads; head++)
            yield return head < even ? Math.Pow(2, -8.0 * (head + 1) / even) : Math.Pow(2, -4.0 * ((2 * (head - even)) + 1) / even);
    }
}
