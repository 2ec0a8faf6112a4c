using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Circuits;

/// <summary>Where paths begin and end, and what lies between.</summary>
public sealed record PathOptions
{
    /// <summary>The positions at which senders have the other run's values: <c>S2</c>, <c>IO,S1</c>. Default: all.</summary>
    public string? SendersAt { get; init; }

    /// <summary>The positions at which receivers read them: <c>end</c>. Default: all.</summary>
    public string? ReceiversAt { get; init; }

    /// <summary>
    /// Whether feed-forward blocks keep what they write, so that the residual stream alone carries the change: what an edge carries.
    /// Default: false, they are computed anew, as in the paper.
    /// </summary>
    public bool FreezeMlps { get; init; }
}

/// <summary>
/// Path patching (Wang et al. 2022, arXiv:2211.00593): the effect of what some components send directly to some ports. In a run of its own
/// the senders have another run's values, and every other head the clean one; what receivers read there they read in the measured run,
/// where everything behind them is computed anew. It is the language's <c>PathPatch</c>.
/// </summary>
public static class PathEffects
{
    /// <summary>Sends from one component after the other, in one planned sweep.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="receivers">Ports of heads and feed-forward blocks, or <c>logits</c>; several are written at once.</param>
    /// <param name="senders">Heads, feed-forward blocks, or the embedding.</param>
    /// <param name="paths">Positions, and whether feed-forward blocks are computed anew.</param>
    /// <param name="options">The other run (<see cref="CircuitOptions.From"/>), and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>The metric's change by layer and head, or by layer; 0 for senders that no receiver comes after.</returns>
    /// <exception cref="InterventionException">
    /// No receiver comes after any sender, the model has no edges of single heads, or the declaration is not one metric.
    /// </exception>
    public static NodeScores Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        IReadOnlyList<Port> receivers,
        ComponentKind senders = ComponentKind.Head,
        PathOptions? paths = null,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.OfOtherRun(model, prompts, metric, options);
        CircuitGraph graph = measurement.Sites.Graph;
        Check(graph, receivers);
        paths ??= new PathOptions();
        Component[] sent = [.. graph.Sources.Where(source => source.Kind == senders)];
        if (sent.Length == 0)
            throw new InterventionException($"{model.Schema.Model} has no senders of kind {senders}: it has {graph}.");
        Port[] reached = [.. receivers.Where(port => sent.Any(sender => graph.Sees(port, sender)))];
        if (reached.Length == 0)
            throw new InterventionException(
                $"None of {string.Join(", ", receivers)} comes after a sender of kind {senders}: nothing is sent to it.");
        // Senders behind the layers from which a receiver is reached change nothing.
        int layers = sent.Where(sender => reached.Any(port => graph.Sees(port, sender))).Max(sender => sender.Layer) + 1;
        string site = senders switch
        {
            ComponentKind.Head => NodeSites.Selected($"blocks.{{layer=0..{layers - 1}}}.attn.z", "head={head}", paths.SendersAt),
            ComponentKind.Mlp => NodeSites.Selected($"blocks.{{layer=0..{layers - 1}}}.mlp_out", null, paths.SendersAt),
            _ => NodeSites.Selected(measurement.Sites.Embed, null, paths.SendersAt),
        };
        ImmutableArray<NodeAxis> axes =
        [
            .. senders == ComponentKind.Embed ? [] : (NodeAxis[])[NodeAxis.Of("layer", graph.Layers)],
            .. senders == ComponentKind.Head ? [NodeAxis.Of("head", graph.Heads)] : (NodeAxis[])[],
        ];
        return Measured(measurement, [site], Sites(reached, paths), paths, axes, cancellationToken);
    }

    /// <summary>Sends from several components at once.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="receivers">Ports; those that come after no sender receive nothing.</param>
    /// <param name="senders">The components; one that comes after all receivers sends nothing.</param>
    /// <param name="paths">Positions, and whether feed-forward blocks are computed anew.</param>
    /// <param name="options">The other run (<see cref="CircuitOptions.From"/>), and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>The metric's change: one number a prompt.</returns>
    /// <exception cref="InterventionException">
    /// No receiver comes after any sender, the model has no edges of single heads, or the declaration is not one metric.
    /// </exception>
    public static NodeScores Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        IReadOnlyList<Port> receivers,
        IReadOnlyList<Component> senders,
        PathOptions? paths = null,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(senders);
        Measurement measurement = Measurement.OfOtherRun(model, prompts, metric, options);
        CircuitGraph graph = measurement.Sites.Graph;
        Check(graph, receivers);
        paths ??= new PathOptions();
        foreach (Component sender in senders)
            if (!graph.Sources.Contains(sender))
                throw new InterventionException($"'{sender}' sends nothing: {model.Schema.Model} has {graph}.");
        Port[] reached = [.. receivers.Where(port => senders.Any(sender => graph.Sees(port, sender)))];
        if (reached.Length == 0)
            throw new InterventionException(
                $"None of {string.Join(", ", receivers)} comes after one of {string.Join(", ", senders)}: nothing is sent to it.");
        NodeSites sites = NodeSites.Of(model);
        IEnumerable<Component> heard = senders.Where(sender => reached.Any(port => graph.Sees(port, sender)));
        return Measured(
            measurement, [.. heard.Select(sender => sites.SiteOf(sender, paths.SendersAt))], Sites(reached, paths), paths, [],
            cancellationToken);
    }

    private static NodeScores Measured(
        Measurement measurement,
        string[] senders,
        IEnumerable<string> receivers,
        PathOptions paths,
        ImmutableArray<NodeAxis> axes,
        CancellationToken cancellationToken) => measurement.Changes(
            new InterventionGraph { Name = nameof(PathEffects) }.PathPatch(
                senders, receivers, measurement.Options.From, paths.FreezeMlps && measurement.Sites.Graph.HasMlps),
            "path patching", axes, cancellationToken);

    private static void Check(CircuitGraph graph, IReadOnlyList<Port> receivers)
    {
        ArgumentNullException.ThrowIfNull(receivers);
        if (receivers.Count == 0)
            throw new InterventionException("There is no receiver: name ports such as a9.h6.q, m3 or logits.");
        foreach (Port port in receivers)
            if (!graph.Ports.Contains(port))
                throw new InterventionException($"There is no port '{port}': the graph has {graph}.");
    }

    private static IEnumerable<string> Sites(IEnumerable<Port> receivers, PathOptions paths) => receivers.Select(port =>
        port.Component.Kind switch
        {
            ComponentKind.Head => NodeSites.Selected(
                $"blocks.{port.Component.Layer}.attn.{$"{port}"[^1]}_input", $"head={port.Component.Head}", paths.ReceiversAt),
            ComponentKind.Mlp => NodeSites.Selected($"blocks.{port.Component.Layer}.mlp_in", null, paths.ReceiversAt),
            _ => NodeSites.Selected("logits", null, paths.ReceiversAt),
        });
}
