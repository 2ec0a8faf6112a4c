using Interventions.ModelGraphs;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>Adds the attention of one layer.</summary>
internal sealed class AttentionNodes(DecoderParts parts, PositionNodes positions, int layer)
{
    private readonly ModelGraphBuilder _graph = parts.Graph;
    private readonly DecoderConfig _config = parts.Config;
    private readonly string _attn = $"blocks.{layer}.attn";

    /// <summary>Adds one view of the residual stream for each head; all read the same until a port is written.</summary>
    public HeadPorts AddPorts(NodeInput attn_in)
    {
        NodeInput Port(string name) => _graph.Add($"{_attn}.{name}", attn_in, x => PerHead(x, _config.Heads));
        return new(Port("q_input"), Port("k_input"), Port("v_input"));
    }

    /// <summary>Adds attention on its normalised input and returns what <c>attn_out</c> is made of.</summary>
    public NodeInput Add(HeadPorts ports, NodeInput normalized)
    {
        AttentionProjections projections = AttentionProjections.Of(parts, layer);
        NodeInput qkv = _graph.Costing(
            _graph.Add($"{_attn}.qkv", normalized, parts.Projection($"{_attn}.qkv")),
            new NodeCost(2L * _config.DModel * _config.DHead * (_config.Heads + (2 * _config.KvHeads))));
        NodeInput Heads(string name, HeadProjection projection, NodeInput port) => _graph.Add(
            $"{_attn}.{name}", qkv, projection.Slice,
            Detours.Through(port, [port], x => projection.Private(x[0])) with
            {
                Pullback = (x, value, gradient) => projection.PullBack(x[0], value, gradient),
            });
        NodeInput q = Heads("q", projections.Q, ports.Q), k = Heads("k", projections.K, ports.K), v = Heads("v", projections.V, ports.V);
        HeadPreparation preparation = new(parts, positions.Rotary(layer), layer);
        NodeInput z = AddMixing(
            preparation.Add("q", q, _config.Heads), preparation.Add("k", k, _config.KvHeads), preparation.AddValues(v));

        OutputProjection output = OutputProjection.Of(parts, layer);
        NodeInput result = _graph.Add($"{_attn}.result", z, output.Result);
        return _graph.Costing(
            _graph.Add(
                parts.OutputName($"blocks.{layer}.attn_out", $"{_attn}.out"), z, output.Apply,
                Detours.Through(result, [result], x => output.Sum(x[0]))),
            new NodeCost(2L * _config.Heads * _config.DHead * _config.DModel));
    }

    /// <summary>Adds scores, pattern and z.</summary>
    private NodeInput AddMixing(NodeInput q, NodeInput k, NodeInput v)
    {
        MaskNodes masks = positions.Mask(layer);
        (k, v) = (k with { Reach = masks.KeyReach }, v with { Reach = masks.KeyReach });
        Attention attention = new(_config.ScoreScaleOf(layer), _config.ScoreCap, _config.Wide.HasFlag(WideParts.Scores));
        ScalarType dtype = parts.Weight("embed.weight").dtype;
        NodeInput scores = _graph.Add($"{_attn}.scores", [q, k, masks.Hidden], x => attention.Scores(x[0], x[1]).filled_(x[2], 0));
        NodeInput pattern = _graph.Add(
            $"{_attn}.pattern", [q, k, masks.Mask], x => Attention.Pattern(attention.Scores(x[0], x[1]).plus_(x[2]), dtype),
            Detours.Through(
                scores, [scores, masks.Hidden], x => Attention.Pattern(x[0].filled(x[1], double.NegativeInfinity), dtype)));
        // The fused call keeps no pattern; only a write to the pattern or the scores makes one.
        Definition mixed = new([q, k, v, masks.Mask], x => attention.Fused(x[0], x[1], x[2], x[3]))
        {
            Piecewise = new Piecewise([q.Node], [k, v], attention.Attend),
        };
        Detour Through(NodeInput site) => Detours.Through(site, [pattern, v], x => Attention.Mix(x[0], x[1]));
        return _graph.Costing(
            _graph.Add($"{_attn}.z", mixed, Through(pattern), Through(scores)), new NodeCost(0, 4L * _config.Heads * _config.DHead));
    }

    /// <summary>One view for each head: <c>[batch, pos, d_model]</c> to <c>[batch, pos, head, d_model]</c>.</summary>
    private static Tensor PerHead(Tensor x, int heads)
    {
        long[] shape = x.shape;
        return x.unsqueeze(-2).expand([.. shape[..^1], heads, shape[^1]]);
    }
}

/// <summary>The residual stream as each head reads it for its queries, keys and values.</summary>
internal readonly record struct HeadPorts(NodeInput Q, NodeInput K, NodeInput V);
