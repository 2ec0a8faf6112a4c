using System.Collections.Immutable;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// The runs of attribution patching. One has the gradients, on the clean run, and with each layer's write constant. Of attention there are
/// two more, where it is asked for: the other run's queries meet clean keys in one, and clean queries the other run's keys in the other.
/// What heads write is frozen in both, so that every layer reads the clean stream.
/// </summary>
internal sealed class AttributionRuns
{
    private readonly Measurement _measurement;
    private readonly NodeSites _sites;
    private readonly ImmutableArray<NodeKind> _kinds;
    private readonly bool _mends, _drops;

    public AttributionRuns(Measurement measurement, NodeSites sites, ImmutableArray<NodeKind> kinds, bool mends, bool drops)
    {
        (_measurement, _sites, _kinds, _mends, _drops) = (measurement, sites, kinds, mends, drops);
        foreach (NodeKind kind in kinds)
            sites.SiteOf(kind);
        if (NeedsKeys && !sites.Has("attn.scores"))
            throw new InterventionException(
                $"{measurement.Model.Schema.Model} has no site 'blocks.{{layer}}.attn.scores', which estimates of keys need.");
        if (sites.SharesKeys && !mends && kinds.Contains(NodeKind.Key) && measurement.Model is DecoderModel { Config.ScoreCap: not null })
            throw new InterventionException(
                $"{measurement.Model.Schema.Model} limits scores, and shares keys among heads: ask for {nameof(NodeKind.KeyGroup)}, or for "
                + $"{nameof(AttributionFixes)}.{nameof(AttributionFixes.Attention)}.");
        if (sites.SharesKeys && kinds.Contains(NodeKind.Value) && measurement.Model is DecoderModel { Config.QkvClip: not null })
            throw new InterventionException(
                $"{measurement.Model.Schema.Model} limits values, and shares them among heads: ask for {nameof(NodeKind.ValueGroup)}.");
    }

    private bool NeedsQueries => _mends && _kinds.Contains(NodeKind.Query);

    /// <summary>Whether scores with the other run's keys are needed: for the fix, and for keys of heads that share them.</summary>
    private bool NeedsKeys => _kinds.Contains(NodeKind.Key) && (_mends || _sites.SharesKeys);

    /// <summary>How many prompts' values are kept at once: those that fit into a quarter of the memory budget.</summary>
    /// <param name="longest">The number of tokens of the longest prompt.</param>
    public int PromptsAtOnce(int longest)
    {
        long backward = _drops ? 1 + _sites.Layers : 1, kept = 0;
        foreach (NodeKind kind in _kinds)
            kept += (_sites.AxisOf(kind)?.Labels.Length ?? 1) * (kind == NodeKind.Pattern ? longest : 1);
        kept += NeedsQueries || NeedsKeys ? 2L * _sites.Heads * longest : 0;
        long bytes = Math.Max(1, backward * _sites.Layers * kept * longest * sizeof(double));
        return (int)Math.Clamp(_measurement.Options.Run.MemoryBudget / 4 / bytes, 1, int.MaxValue / 2);
    }

    /// <summary>Runs some of the prompts.</summary>
    public AttributionPass Run(int[] prompts, CancellationToken cancellationToken)
    {
        Measurement some = _measurement.On(prompts);
        RunResult? queries = null, keys = null;
        try
        {
            queries = NeedsQueries ? some.Run(Attention(NodeKind.Query, "attn.q"), cancellationToken) : null;
            keys = NeedsKeys ? some.Run(Attention(NodeKind.Key, "attn.k"), cancellationToken) : null;
            return new AttributionPass(_sites, some, _mends, some.Run(Gradients(), cancellationToken), queries, keys);
        }
        catch
        {
            queries?.Dispose();
            keys?.Dispose();
            throw;
        }
    }

    private InterventionGraph Gradients()
    {
        List<GradientNode> gradients = [];
        foreach (NodeKind kind in _kinds)
        {
            if (kind == NodeKind.Embed)
                gradients.Add(OfSite(AttributionPass.NameOf(kind, 0), _sites.Embed, kind));
            else if (!IsMixed(kind))
                for (int layer = 0; layer < _sites.Layers; layer++)
                    gradients.Add(kind == NodeKind.Value && _sites.SharesKeys
                        ? OfSharedValues(layer)
                        : OfSite(AttributionPass.NameOf(kind, layer), $"blocks.{layer}.{_sites.SiteOf(kind)}", kind));
        }
        if (NeedsQueries || NeedsKeys)
            for (int layer = 0; layer < _sites.Layers; layer++)
                gradients.Add(new(
                    AttributionPass.PatternGradient(layer), $"blocks.{layer}.attn.pattern", [new Read.Gradient()], x => x[0]));
        return new InterventionGraph
        {
            Name = nameof(NodeAttribution),
            Gradients = [.. gradients],
            Writes = !_drops ? [] :
            [
                BuiltInWrites.Freeze("blocks.{block}.attn_out", _measurement.Clean),
                .. _sites.HasMlps ? [BuiltInWrites.Freeze("blocks.{block}.mlp_out", _measurement.Clean)] : Array.Empty<WriteNode>(),
            ],
        };

        bool IsMixed(NodeKind kind) => kind switch
        {
            NodeKind.Query => _mends,
            NodeKind.Key => _mends || _sites.SharesKeys,
            _ => false,
        };
    }

    /// <summary>The gradient at a node's site times the difference, summed over a node's width.</summary>
    private GradientNode OfSite(string name, string site, NodeKind kind)
    {
        bool isNumber = kind is NodeKind.Neuron or NodeKind.Pattern;
        return new(
            name, site, [new Read.Gradient(), new Read.Value(), new Read.From(_measurement.Options.From)],
            x => isNumber ? x[0].mul(x[2].sub(x[1])) : x[0].mul(x[2].sub(x[1])).sum([-1L]));
    }

    /// <summary>Values of query heads, where heads share them: each head's pattern brings the gradient at what it mixes back.</summary>
    private GradientNode OfSharedValues(int layer)
    {
        long sharing = _sites.Heads / _sites.KeyHeads;
        (string pattern, string values) = ($"blocks.{layer}.attn.pattern", $"blocks.{layer}.attn.v");
        return new(
            AttributionPass.NameOf(NodeKind.Value, layer), $"blocks.{layer}.attn.z",
            [
                new Read.Gradient(), new Read.From(null, pattern), new Read.From(null, values),
                new Read.From(_measurement.Options.From, values),
            ],
            x => einsum("bqhd,bhqk,bkhd->bkh", x[0], x[1], x[3].sub(x[2]).repeat_interleave(sharing, 2)));
    }

    /// <summary>Every layer's attention, on the clean stream, with the other run's queries or keys.</summary>
    private InterventionGraph Attention(NodeKind kind, string site) => new()
    {
        Name = nameof(NodeAttribution),
        Writes =
        [
            BuiltInWrites.Freeze($"blocks.*.{site}", _measurement.Options.From),
            BuiltInWrites.Freeze("blocks.*.attn.z", _measurement.Clean),
        ],
        Captures =
        [
            .. Enumerable.Range(0, _sites.Layers).Select(layer => new CaptureNode(
                AttributionPass.Pattern(layer), $"blocks.{layer}.attn.pattern", [new Read.Value()], x => x[0])),
            .. kind == NodeKind.Query ? [] : Enumerable.Range(0, _sites.Layers).Select(layer => new CaptureNode(
                AttributionPass.Shift(layer), $"blocks.{layer}.attn.scores", [new Read.Value(), new Read.From(_measurement.Clean)],
                x => x[0].sub(x[1]))),
        ],
    };
}

/// <summary>What was kept of some prompts, and the estimates made of it.</summary>
internal sealed class AttributionPass(
    NodeSites sites, Measurement measurement, bool mends, RunResult gradients, RunResult? queries, RunResult? keys) : IDisposable
{
    public RunResult Gradients => gradients;

    public static string NameOf(NodeKind kind, int layer) => $"{kind}{layer}";

    public static string PatternGradient(int layer) => $"PatternGradient{layer}";

    public static string Pattern(int layer) => $"Pattern{layer}";

    public static string Shift(int layer) => $"Shift{layer}";

    /// <summary>A kind's estimates: <c>[layer, head or neuron, pos, batch]</c> as far as it has these axes.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="block">The layer whose write is constant; null for none.</param>
    public Tensor Estimate(NodeKind kind, int? block)
    {
        if (kind == NodeKind.Embed)
            return Kept(NameOf(kind, 0), block).movedim([0L], [-1L]);
        Tensor estimates = stack(Enumerable.Range(0, sites.Layers).Select(layer => OfLayer(kind, layer, block)), 0);
        // What a dropped block writes is no part of its own backward pass.
        if (block is { } own && kind is NodeKind.AttnOut or NodeKind.MlpOut)
            estimates.select(0, block!.Value).zero_();
        return estimates;
    }

    public void Dispose()
    {
        gradients.Dispose();
        queries?.Dispose();
        keys?.Dispose();
    }

    /// <summary><c>[head or neuron, pos, batch]</c>, of a pattern <c>[head, query, key, batch]</c>.</summary>
    private Tensor OfLayer(NodeKind kind, int layer, int? block)
    {
        if (kind == NodeKind.Query && mends)
            return OfQueries(layer, block).movedim([0L], [-1L]);
        if (kind == NodeKind.Key && (mends || sites.SharesKeys))
            return OfKeys(layer, block).movedim([0L], [-1L]);
        Tensor kept = Kept(NameOf(kind, layer), block);
        return kind == NodeKind.Pattern ? kept.movedim([0L], [-1L])
            : kept.shape.Length == 2 ? kept.t()
            : kept.permute(2, 1, 0);
    }

    /// <summary>The pattern with the other run's queries, less the clean one, times its gradient: <c>[batch, head, pos]</c>.</summary>
    private Tensor OfQueries(int layer, int? block)
    {
        Tensor clean = queries!.Run(measurement.Clean)[Pattern(layer)], changed = queries.Changed(Pattern(layer)).Values;
        return changed.sub(clean).mul(Kept(PatternGradient(layer), block)).sum([-1L]);
    }

    /// <summary>
    /// What one other key does to each row behind it, summed: <c>[batch, head, pos]</c>. The row's gradient is that of its key less the
    /// mean under its pattern.
    /// </summary>
    private Tensor OfKeys(int layer, int? block)
    {
        Tensor pattern = keys!.Run(measurement.Clean)[Pattern(layer)], shift = keys.Changed(Shift(layer)).Values;
        Tensor gradient = Kept(PatternGradient(layer), block);
        Tensor centred = gradient.sub(pattern.mul(gradient).sum(-1, keepdim: true));
        return (mends ? KeyFix.Weights(pattern, shift) : pattern.mul(shift)).mul(centred).sum([-2L]);
    }

    private Tensor Kept(string name, int? block) =>
        block is { } dropped ? gradients.Changed(name).Values.select(0, dropped) : gradients.Run(measurement.Clean)[name];
}

/// <summary>The closed form of a softmax with one other key.</summary>
internal static class KeyFix
{
    /// <summary>
    /// By how much a row moves towards a key whose score changes: with p the key's weight and s the change, ρ = (p′ − p) / (1 − p) where
    /// logit p′ = logit p + s. The row becomes (1 − ρ) row + ρ e_key, so that what it mixes changes by ρ (v_key − z). 0 where p is 0 or 1:
    /// a hidden key, and a row of a single one.
    /// </summary>
    /// <param name="pattern">Weights, <c>[…, query, key]</c>.</param>
    /// <param name="shift">Changes of scores.</param>
    public static Tensor Weights(Tensor pattern, Tensor shift)
    {
        // ρ = p (eˢ − 1) / (1 − p + p eˢ). By the sign of s, numerator and denominator are those times e⁻ˢ, so that neither overflows.
        Tensor down = shift.abs().neg(), decay = down.exp(), gap = down.expm1().neg(), rest = pattern.neg().plus(1.0);
        Tensor rises = shift.no_less_than(0.0);
        Tensor moved = pattern.mul(gap).div(where(rises, rest.mul(decay).plus(pattern), rest.plus(pattern.mul(decay))));
        return where(rises, moved, moved.neg()).filled(pattern.equal_to(0.0).logical_or(pattern.equal_to(1.0)), 0);
    }
}
