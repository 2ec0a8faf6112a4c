using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// A circuit by learned gates of edges (Bhaskar et al. 2024, arXiv:2406.16778). Every edge carries a mixture of its source's value and of
/// what stands for it; the metric's gradient opens and closes the gates, and a price of open gates rises until enough are closed.
/// </summary>
public static class EdgePruning
{
    private const string Gates = "Gates";

    /// <summary>Trains a gate an edge.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">
    /// A declaration with one metric and nothing else, which is better the smaller it is:
    /// <c>Intervention.On(model).KullbackLeibler("clean").Graph</c>.
    /// </param>
    /// <param name="options">Sparsity, steps, seed.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The model has no edges of single heads, the declaration is not one metric, a name is not in the prompt set, the metric does not
    /// depend on edges; or the file was begun with something else.
    /// </exception>
    public static LearnedMask Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        MaskOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new MaskOptions();
        Measurement measurement = Measurement.Of(model, prompts, metric, options.Circuit);
        CircuitGraph graph = measurement.Sites.Graph;
        ImmutableArray<double> open = MaskTraining.Train(
            measurement, metric, nameof(EdgePruning), graph.EdgeCount, options,
            gates => Gated(measurement, gates), out ImmutableArray<double> metrics, cancellationToken);
        return new LearnedMask(
            new EdgeScores(graph, [open.ToArray()]), new Circuit(graph, [.. open.Select(chance => chance > 0.5)]), metrics);
    }

    /// <summary>All edges mixed with what stands for them.</summary>
    internal static InterventionGraph Gated(Measurement measurement, Tensor gates) => new()
    {
        Name = nameof(EdgePruning),
        Writes = [.. measurement.Sites.Readers.Select(reader => Mixed(measurement, reader, gates))],
        Parameters = [new ParameterNode(Gates, gates)],
    };

    private static WriteNode Mixed(Measurement measurement, Reader reader, Tensor gates)
    {
        CircuitGraph graph = measurement.Sites.Graph;
        int upstream = graph.Upstream(reader.Ports[0]);
        ImmutableArray<string> senders = measurement.Sites.Senders(upstream);
        int[] counts =
            [.. senders.Select(sender => graph.Sources.Take(upstream).Count(source => measurement.Sites.SiteOf(source) == sender))];
        long[] places =
            [.. reader.Ports.SelectMany(port => Enumerable.Range(graph.FirstInto(port), upstream).Select(place => (long)place))];
        return new WriteNode(
            reader.Name, reader.Site,
            [new Read.Value(), .. senders.Select(site => new Read.Of(site)), .. measurement.Options.Replacements(senders)], x =>
            {
                Tensor port = x[0], closed = gates.Pick(0, tensor(places, device: gates.device)).subtracted_from(1)
                    .view(reader.Ports.Length, upstream).to(port.dtype);                                    // [port, source]
                int first = 0;
                for (int site = 0; site < counts.Length; first += counts[site++])
                {
                    Tensor change = closed.narrow(1, first, counts[site]).matmul(Sources.Change(x[1..], counts.Length, site));
                    port = port.plus(reader.HasHeads ? change : change.squeeze(2));                         // [batch, pos, port, d_model]
                }
                return port;
            });
    }
}

/// <summary>What learned masks have in common: gates of one tensor, whose gradient is the metric's.</summary>
internal static class MaskTraining
{
    /// <summary>Trains gates.</summary>
    /// <param name="measurement">What is measured.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="method">The method, in a file.</param>
    /// <param name="count">How many gates.</param>
    /// <param name="options">How they are trained.</param>
    /// <param name="gated">The model with the gates, <c>[gate]</c>, float64, as its only parameter.</param>
    /// <param name="metrics">The metric at each step.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>By gate, the chance of being open.</returns>
    public static ImmutableArray<double> Train(
        Measurement measurement,
        InterventionGraph metric,
        string method,
        int count,
        MaskOptions options,
        Func<Tensor, InterventionGraph> gated,
        out ImmutableArray<double> metrics,
        CancellationToken cancellationToken)
    {
        string price = options.Price is { } fixedPrice ? $"price {fixedPrice:R}" : $"sparsity {options.Sparsity:R}";
        WorkOrigin? origin = options.Path is null ? null : WorkOrigin.Of(measurement, metric, FormattableString.Invariant(
            $"{method} of {options.Steps} steps, {price}, learning rate {options.LearningRate:R}, seed {options.Seed}")
            + (options.HigherIsBetter ? ", higher is better" : ""));
        HardConcreteGates gates = new(count, options, origin);
        Measurement holding = measurement.Holding(out HeldRuns? runs, cancellationToken);
        double sign = options.HigherIsBetter ? -1 : 1;
        using (runs)
            gates.Train(values =>
            {
                (double mean, double[] gradient) = Measure(holding, values, gated, cancellationToken);
                return (sign * mean, [.. gradient.Select(one => sign * one)]);
            }, cancellationToken);
        metrics = gates.Metrics;
        return gates.Open;
    }

    /// <summary>The metric's mean over prompts with some gates, and its derivative by each.</summary>
    public static (double Metric, double[] Gradient) Measure(
        Measurement measurement, double[] gates, Func<Tensor, InterventionGraph> gated, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = enable_grad();
        InterventionGraph graph = gated(tensor(gates, device: measurement.Model.Device).requires_grad_());
        using RunResult run = measurement.Run(graph, cancellationToken);
        double mean = measurement.MeanOf(run);
        double[] gradient = run.Gradient(graph.Parameters[0].Name).Doubles();
        return (mean, [.. gradient.Select(one => one / measurement.Prompts.Prompts.Count)]);
    }
}
