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
            InterventionGraph graph = new()
            {
                Name = nameof(EdgeAttribution),
                Sweeps = [places],
                Writes = [Way(measurement, way)],
                Gradients = [.. measurement.Sites.Readers.Select(reader => Scored(reader).Gradient(measurement)).OfType<GradientNode>()],
            };
            using RunResult run = measurement.OfPart(number, ways.Length).Run(graph, cancellationToken);
            foreach (Reader reader in measurement.Sites.Readers)
                Scored(reader).Add(run, scores);
            notes = run.Layout.Notes;

            ScoredReader Scored(Reader reader) => new(measurement.Sites, reader, ofAll ? ways : [way]);
        }
        if (ofAll)
            scores = [.. scores.Select(prompt => prompt.Select(score => score / ways.Length).ToArray())];
        return new EdgeScores(edges, scores) { Warnings = notes };
    }

    /// <summary>What a site's sources write on its way from what stands for it, at 0, to what it is, at 1: no gradient passes it.</summary>
    private static WriteNode Way(Measurement measurement, string site) => new(
        "Way", site, [new Read.From(measurement.Clean, site), new Read.Swept(Alpha), .. measurement.Options.Replacements([site])],
        x => x.Length == 2 ? x[0].mul(x[1]) : x[2].plus(x[0].sub(x[2]).mul(x[1])));

    /// <summary>The ports of a site, and those of some sites that they see.</summary>
    private sealed record ScoredReader(CircuitSites Sites, Reader Reader, ImmutableArray<string> Wanted)
    {
        /// <summary>The sites whose edges into the ports are scored.</summary>
        private ImmutableArray<string> Senders { get; } =
            [.. Sites.Senders(Sites.Graph.Upstream(Reader.Ports[0])).Where(site => Wanted.Contains(site))];

        /// <summary>The gradient, times what each source would change; null where the ports see none.</summary>
        public GradientNode? Gradient(Measurement measurement) => Senders.IsEmpty ? null : new GradientNode(
            Reader.Name, Reader.Site,
            [
                s_gradient, .. Senders.Select(site => new Read.From(null, site)), .. measurement.Options.Replacements(Senders),
            ],
            arguments => Products(arguments[0], arguments[1..], Senders.Length));

        /// <summary>Adds the means over the places to the scores of all prompts.</summary>
        public void Add(RunResult run, double[][] scores)
        {
            if (Senders.IsEmpty)
                return;
            using DisposeScope scope = NewDisposeScope();
            Tensor mean = run.Changed(Reader.Name).Values.mean([0L]);                       // [batch, port, source]
            double[] found = [.. mean.to(ScalarType.Float64).cpu().contiguous().data<double>()];
            int next = 0;
            foreach (double[] prompt in scores)
            {
                foreach (Port port in Reader.Ports)
                {
                    int edge = Sites.Graph.FirstInto(port);
                    foreach (Component source in Sites.Graph.Sources.Take(Sites.Graph.Upstream(port)))
                    {
                        if (Senders.Contains(Sites.SiteOf(source)))
                            prompt[edge] += found[next++];
                        edge++;
                    }
                }
            }
        }
    }
}
