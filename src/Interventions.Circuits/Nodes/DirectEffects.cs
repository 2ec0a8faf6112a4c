using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Circuits;

/// <summary>
/// What a component does to the logits with everything frozen: attention patterns, the scales of norms, and what feed-forward blocks write
/// keep their clean values. Then logits are linear in what is written, so effects add up.
/// </summary>
public static class DirectEffects
{
    /// <summary>The declaration that freezes everything, to include: <c>.Include("frozen", DirectEffects.Frozen(model))</c>.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="InterventionException">It bends values or logits beyond what can be frozen.</exception>
    public static InterventionGraph Frozen(HookedModel model)
    {
        NodeSites sites = NodeSites.Of(model);
        if (model is DecoderModel { Config: { QkvClip: not null } or { LogitCap: not null } })
            throw new InterventionException(
                $"{model.Schema.Model} limits values or logits, so that its logits are not linear in what is written.");
        return new InterventionGraph
        {
            Name = nameof(DirectEffects),
            Writes = [.. Held(sites).Select(site => BuiltInWrites.Freeze(site, from: null))],
        };
    }

    /// <summary>The direct effect of every head, in one planned sweep: it alone writes what it writes in the other run.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else; effects add up where it is linear in the logits.</param>
    /// <param name="at">The positions at which heads write it: <c>end</c>. Default: all.</param>
    /// <param name="options">The other run, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>The metric's change by layer and head.</returns>
    /// <exception cref="InterventionException">What <see cref="Frozen"/> refuses; or the declaration is not one metric.</exception>
    public static NodeScores Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        string? at = null,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.OfOtherRun(model, prompts, metric, options);
        NodeSites sites = NodeSites.Of(model);
        string site = NodeSites.Selected("blocks.{layer}.attn.z", "head={head}", at);
        return measurement.Changes(
            Frozen(model).Then(BuiltInWrites.Freeze(site, measurement.Options.From)), "direct effects",
            [NodeAxis.Of("layer", sites.Layers), NodeAxis.Of("head", sites.Heads)], cancellationToken);
    }

    /// <summary>
    /// The edge from a component to the logits, as the sum of its ways: past all later heads, and through each of them first. Heads that
    /// share values are one way.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else; ways add up where it is linear in the logits.</param>
    /// <param name="source">The component: a head, a feed-forward block, or the embedding.</param>
    /// <param name="at">The positions at which it writes what it writes in the other run. Default: all.</param>
    /// <param name="options">The other run, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// What <see cref="Frozen"/> refuses; the declaration is not one metric, or the model has no such component.
    /// </exception>
    public static DirectPaths Paths(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        Component source,
        string? at = null,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.OfOtherRun(model, prompts, metric, options);
        NodeSites sites = NodeSites.Of(model);
        InterventionGraph frozen = Frozen(model);
        string site = sites.SiteOf(source, at), from = measurement.Options.From;
        string[] held = ["blocks.*.attn.z", .. Held(sites).Where(one => !one.EndsWith("pattern", StringComparison.Ordinal))];
        string[] heldInBlocks = [.. held.Where(one => one.StartsWith("blocks", StringComparison.Ordinal))];
        int first = source.Kind == ComponentKind.Embed ? 0 : source.Layer + 1;
        ImmutableArray<NodeAxis> axes =
        [
            new("layer", [.. Enumerable.Range(first, sites.Layers - first).Select(layer => $"{layer}")]),
            NodeAxis.Of("kv_head", sites.KeyHeads),
        ];
        NodeScores total = measurement.Changes(
            frozen.Then(BuiltInWrites.Freeze(site, from)), $"{source} to the logits", [], cancellationToken);
        NodeScores bypass = measurement.Changes(
            frozen.PathPatch([site], ["logits"], from, freeze: held), $"{source} past all heads", [], cancellationToken);
        string values = $"blocks.{{layer={first}..{sites.Layers - 1}}}.attn.v[kv_head={{kv_head}}]";
        NodeScores heads = first < sites.Layers
            ? measurement.Changes(
                frozen.PathPatch([site], [values], from, freeze: heldInBlocks), $"{source} through heads first", axes,
                cancellationToken)
            : new NodeScores($"{source} through heads first", total.Metric, axes, [.. prompts.Prompts.Select(_ => Array.Empty<double>())],
                new Baselines([.. total.Clean], [.. total.Corrupted]));
        return new DirectPaths(source, total, bypass, heads);
    }

    /// <summary>Patterns, scales of norms, and what feed-forward blocks write.</summary>
    private static IEnumerable<string> Held(NodeSites sites) =>
        [$"blocks.*.{sites.SiteOf(NodeKind.Pattern)}", .. sites.Scales, .. sites.HasMlps ? ["blocks.*.mlp_out"] : Array.Empty<string>()];
}

/// <summary>An edge from a component to the logits with everything frozen, and its ways.</summary>
/// <param name="Source">The component.</param>
/// <param name="Total">The metric's change over all ways: one number a prompt. It is the sum of the others.</param>
/// <param name="Bypass">Past all later heads.</param>
/// <param name="Heads">Through a head first, by layer and head of values, and from there on every way.</param>
public sealed record DirectPaths(Component Source, NodeScores Total, NodeScores Bypass, NodeScores Heads)
{
    /// <summary>The ways through heads, and in front the whole and the bypass.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{Source} to the logits: {Total.Means[0]:+0.###;-0.###;0}, past all heads {Bypass.Means[0]:+0.###;-0.###;0}\n{Heads}");
}
