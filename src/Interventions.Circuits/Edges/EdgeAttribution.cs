using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>Where on the way from the corrupted (0) to the clean embedding (1) gradients are taken, of m of them.</summary>
public enum IntegrationRule
{
    /// <summary>In the middle of m equal parts: (k + ½) / m.</summary>
    Midpoint,

    /// <summary>At the left ends: k / m, the corrupted embedding among them. The reference program's rule.</summary>
    Left,

    /// <summary>At the right ends: (k + 1) / m, the clean embedding among them. The paper's rule.</summary>
    Right,
}

/// <summary>
/// Edge attribution patching: the effect of every edge to first order, in two forward passes and one backward pass (Syed et al. 2023,
/// arXiv:2310.10348), and with integrated gradients (Hanna et al. 2024, arXiv:2403.17806). An edge's score is the difference of what its
/// source writes in the two runs, times the metric's gradient at the port, summed over positions and width. It approximates what
/// <see cref="EdgeEffects"/> measures.
/// </summary>
public static partial class EdgeAttribution
{
    private const string Alpha = "alpha";

    private static readonly Read s_gradient = new Read.Gradient();

    /// <summary>Scores every edge by gradients on the clean prompts, or along the way to them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">
    /// A declaration with one metric and nothing else: <c>Intervention.On(model).LogitDifference("IO", "S").Graph</c>.
    /// </param>
    /// <param name="steps">
    /// 0: gradients of the clean run (EAP). Otherwise, between how many embeddings on the way from the corrupted to the clean ones they are
    /// averaged (EAP-IG, inputs); 5 is usual. A divergence from the clean run needs them: its gradient there is 0.
    /// </param>
    /// <param name="rule">Which embeddings these are; used with steps alone.</param>
    /// <param name="options">What edges carry instead, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The model has no edges of single heads, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public static EdgeScores Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        int steps = 0,
        IntegrationRule rule = IntegrationRule.Midpoint,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        InterventionGraph graph = Gradients(measurement);
        if (steps == 0)
            return Scores(measurement, graph, [], (run, name) => run.Changed(name).Values, cancellationToken);
        graph = graph with { Sweeps = [Places(steps, rule)], Writes = [Interpolation(measurement)] };
        return Scores(measurement, graph, [], (run, name) => run.Changed(name).Values.mean([0L]), cancellationToken);
    }

    /// <summary>Scores every edge by the mean of the gradients on the clean and on the corrupted prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="options">The corrupted run, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// What <see cref="Of"/> refuses; or edges are to carry 0 or a mean, so that there is no corrupted run.
    /// </exception>
    public static EdgeScores CleanCorrupted(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        string other = measurement.OtherRun;
        return Scores(
            measurement, Gradients(measurement), [measurement.Clean, other],
            (run, name) => run.Run(measurement.Clean)[name].plus(run.Run(other)[name]).over(2), cancellationToken);
    }

    /// <summary>A sweep over the places on the way at which gradients are taken.</summary>
    private static SweepAxis Places(int steps, IntegrationRule rule) =>
        SweepAxis.OfNumbers(Alpha, [.. Enumerable.Range(0, steps).Select(step => rule switch
        {
            IntegrationRule.Midpoint => (step + 0.5) / steps,
            IntegrationRule.Left => (double)step / steps,
            IntegrationRule.Right => (step + 1.0) / steps,
            _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "There is no such rule."),
        })]);

    /// <summary>
    /// The gradients of a layer's ports, reduced at once: times what each source before them would change, which is computed once for all
    /// layers. Of one layer at a time the gradients are alive.
    /// </summary>
    /// <param name="measurement">What is measured.</param>
    /// <param name="senders">The sites whose edges are scored, in order; all unless they are given.</param>
    private static InterventionGraph Gradients(Measurement measurement, ImmutableArray<string> senders = default)
    {
        CircuitSites sites = measurement.Sites;
        senders = senders.IsDefault ? sites.Senders(sites.Graph.Sources.Length) : senders;
        Read changes = new Read.Shared(new SharedNode(
            "Changes", new([.. senders.Select(site => new Read.From(null, site)), .. measurement.Options.Replacements(senders)]),
            values => Sources.Changes(values, senders.Length)));
        return new InterventionGraph
        {
            Name = nameof(EdgeAttribution),
            Gradients = [.. Layers(sites).Select(readers => (Readers: readers, Count: Seen(sites, readers, senders).Count()))
                .Where(layer => layer.Count > 0).Select(layer => new GradientNode(
                    layer.Readers[0].Name, layer.Readers[0].Site,
                    [s_gradient, .. layer.Readers.Skip(1).Select(reader => new Read.Gradient(reader.Site)), changes],
                    x => Products(x[..^1], x[^1].narrow(0, 0, layer.Count))))],
        };
    }

    /// <summary>The sources of some sites that a layer's last ports see.</summary>
    private static IEnumerable<Component> Seen(CircuitSites sites, Reader[] readers, ImmutableArray<string> senders) =>
        sites.Graph.Sources.Take(sites.Graph.Upstream(readers[^1].Ports[0])).Where(source => senders.Contains(sites.SiteOf(source)));

    /// <summary>The sites of ports, a layer's together; that of the logits is alone.</summary>
    private static IEnumerable<Reader[]> Layers(CircuitSites sites) => sites.Readers
        .GroupBy(reader => reader.Ports[0].Component is var component && component == Component.Logits ? -1 : component.Layer)
        .Select(layer => layer.ToArray());

    /// <summary>Products of ports' gradients and sources' changes, summed over positions and width.</summary>
    /// <param name="gradients">By site, <c>[batch, pos, port, d_model]</c>, or of one port <c>[batch, pos, d_model]</c>.</param>
    /// <param name="changes"><c>[source, batch, pos · d_model]</c>.</param>
    /// <returns><c>[batch, port, source]</c>.</returns>
    private static Tensor Products(ReadOnlySpan<Tensor> gradients, Tensor changes)
    {
        Tensor[] ports = new Tensor[gradients.Length];
        for (int i = 0; i < ports.Length; i++)
            ports[i] = Sources.WithAxis(gradients[i]).transpose(1, 2); // [batch, port, pos, d_model]
        return cat(ports, 1).flatten(2).bmm(changes.permute(1, 2, 0));
    }

    /// <summary>The embedding on its way from what it is replaced by, at 0, to itself, at 1.</summary>
    private static WriteNode Interpolation(Measurement measurement)
    {
        string embed = measurement.Sites.Embed;
        return new WriteNode(
            "Interpolated", embed, [new Read.Value(), new Read.Swept(Alpha), .. measurement.Options.Replacements([embed])], OnTheWay)
        {
            Pointwise = true,
        };
    }

    /// <summary>A value on its way from what stands for it, or from 0: of itself, the place, and what stands for it.</summary>
    private static Tensor OnTheWay(ReadOnlySpan<Tensor> x) =>
        x.Length == 2 ? x[0].mul(x[1]) : x[2].plus(x[0].sub(x[2]).mul(x[1]));

    private static EdgeScores Scores(
        Measurement measurement,
        InterventionGraph graph,
        IReadOnlyList<string> kept,
        Func<RunResult, string, Tensor> values,
        CancellationToken cancellationToken)
    {
        CircuitGraph edges = measurement.Sites.Graph;
        double[][] scores = [.. measurement.Prompts.Prompts.Select(_ => new double[edges.EdgeCount])];
        using RunResult run = measurement.Run(graph, cancellationToken, kept);
        foreach (Reader[] readers in Layers(measurement.Sites))
        {
            using DisposeScope scope = NewDisposeScope();
            double[] ofLayer = values(run, readers[0].Name).Doubles();
            int columns = edges.Upstream(readers[^1].Ports[0]), next = 0;
            foreach (double[] ofPrompt in scores)
            {
                foreach (Port port in readers.SelectMany(reader => reader.Ports))
                {
                    ofLayer.AsSpan(next, edges.Upstream(port)).CopyTo(ofPrompt.AsSpan(edges.FirstInto(port)));
                    next += columns;
                }
            }
        }
        return new EdgeScores(edges, scores) { Warnings = [.. run.Layout.Notes, .. Slope.Warnings(scores.SelectMany(one => one))] };
    }
}

/// <summary>Values that sources write.</summary>
internal static class Sources
{
    /// <summary>The changes of the sources of several sites.</summary>
    /// <param name="values">See <see cref="Change"/>.</param>
    /// <param name="sites">How many sites there are.</param>
    /// <returns><c>[source, batch, pos · d_model]</c>.</returns>
    public static Tensor Changes(ReadOnlySpan<Tensor> values, int sites)
    {
        Tensor[] changes = new Tensor[sites];
        for (int site = 0; site < sites; site++)
            changes[site] = Change(values, sites, site).permute(2, 0, 1, 3);
        return cat(changes).flatten(2);
    }

    /// <summary>
    /// What would change if the sources of a site wrote something else: the other values less their own, or 0 less their own.
    /// </summary>
    /// <param name="values">
    /// All sites' own values, then the others', if there are: <c>[batch, pos, head, d_model]</c> or <c>[batch, pos, d_model]</c>.
    /// </param>
    /// <param name="sites">How many sites there are.</param>
    /// <param name="site">The number of the site.</param>
    /// <returns><c>[batch, pos, source, d_model]</c>.</returns>
    public static Tensor Change(ReadOnlySpan<Tensor> values, int sites, int site) =>
        WithAxis(values.Length == sites ? values[site].neg() : values[sites + site].sub(values[site]));

    /// <summary>A value with an axis of sources or ports, also where there is one.</summary>
    public static Tensor WithAxis(Tensor value) => value.shape.Length == 3 ? value.unsqueeze(2) : value;
}
