using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <content>Integrated gradients along the way of activations, one site at a time.</content>
public static partial class EdgeAttribution
{
    /// <summary>
    /// Scores every edge by gradients along the way of its own source's activations: what the embedding, a layer's heads, or a feed-forward
    /// block write goes from what stands for it to what it is, in an otherwise clean run, and the edges that leave it are scored (EAP-IG,
    /// activations; Hanna et al. 2024, arXiv:2403.17806). Unlike <see cref="OfAllActivations"/>, an edge is not scored by ways on which its
    /// source stays as it is.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="steps">At how many places on each way gradients are taken, at least one.</param>
    /// <param name="rule">Which places these are.</param>
    /// <param name="options">What edges carry instead, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">What <see cref="Of"/> refuses.</exception>
    public static EdgeScores OfActivations(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        int steps = 5,
        IntegrationRule rule = IntegrationRule.Midpoint,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default) =>
        AlongActivations(Measurement.Of(model, prompts, metric, options), steps, rule, ofAll: false, cancellationToken);

    /// <summary>
    /// Scores every edge by the mean of the gradients along the ways of all activations, see <see cref="OfActivations"/>: what the
    /// published program of EAP-IG (activations) does. Most of these ways leave an edge's source as it is.
    /// </summary>
    /// <inheritdoc cref="OfActivations"/>
    public static EdgeScores OfAllActivations(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        int steps = 5,
        IntegrationRule rule = IntegrationRule.Midpoint,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default) =>
        AlongActivations(Measurement.Of(model, prompts, metric, options), steps, rule, ofAll: true, cancellationToken);

    private static EdgeScores AlongActivations(
        Measurement measurement, int steps, IntegrationRule rule, bool ofAll, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        CircuitGraph edges = measurement.Sites.Graph;
        ImmutableArray<string> ways = measurement.Sites.Senders(edges.Sources.Length);
        SweepAxis places = Places(steps, rule);
        double[][] scores = [.. measurement.Prompts.Prompts.Select(_ => new double[edges.EdgeCount])];
        ImmutableArray<string> notes = [];
        foreach ((int number, string way) in ways.Index())
        {
            ImmutableArray<string> senders = ofAll ? ways : [way];
            InterventionGraph graph = Gradients(measurement, senders) with { Sweeps = [places], Writes = [Way(measurement, way)] };
            using RunResult run = measurement.OfPart(number, ways.Length).Run(graph, cancellationToken, kept: []);
            foreach (Reader[] readers in Layers(measurement.Sites))
                Add(measurement.Sites, readers, senders, run, scores);
            notes = run.Layout.Notes;
        }
        if (ofAll)
            scores = [.. scores.Select(prompt => prompt.Select(score => score / ways.Length).ToArray())];
        return new EdgeScores(edges, scores) { Warnings = notes };
    }

    /// <summary>What a site's sources write on its way from what stands for it, at 0, to what it is, at 1: no gradient passes it.</summary>
    private static WriteNode Way(Measurement measurement, string site) => new(
        "Way", site, [new Read.From(measurement.Clean, site), new Read.Swept(Alpha), .. measurement.Options.Replacements([site])],
        OnTheWay);

    /// <summary>Adds a layer's means over the places to the scores of all prompts.</summary>
    private static void Add(CircuitSites sites, Reader[] readers, ImmutableArray<string> senders, RunResult run, double[][] scores)
    {
        Component[] seen = [.. Seen(sites, readers, senders)];
        if (seen.Length == 0)
            return;
        using DisposeScope scope = NewDisposeScope();
        Tensor mean = run.Changed(readers[0].Name).Values.mean([0L]);                       // [batch, port, source]
        double[] found = mean.Doubles();
        int[] places = [.. seen.Select(source => sites.Graph.Sources.IndexOf(source))];
        int next = 0;
        foreach (double[] prompt in scores)
        {
            foreach (Port port in readers.SelectMany(reader => reader.Ports))
            {
                (int first, int upstream) = (sites.Graph.FirstInto(port), sites.Graph.Upstream(port));
                foreach (int place in places)
                {
                    if (place < upstream)
                        prompt[first + place] += found[next];
                    next++;
                }
            }
        }
    }
}
