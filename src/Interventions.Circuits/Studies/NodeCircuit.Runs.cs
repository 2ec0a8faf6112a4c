using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <content>The circuit as an intervention.</content>
public sealed partial class NodeCircuit
{
    /// <summary>The placeholder of a sweep over knockouts.</summary>
    private const string Number = "knockout";

    /// <summary>
    /// The circuit as an intervention: everything that it lacks is knocked out, a head's <c>attn.z</c> and, if it says so, a feed-forward
    /// block's <c>mlp_out</c>. It measures nothing: include it, or see <see cref="Run"/>.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="options">What stands for values that are knocked out.</param>
    /// <exception cref="InterventionException">The circuit is one of another model's graph.</exception>
    public InterventionGraph ToIntervention(HookedModel model, CircuitOptions? options = null) =>
        Knockouts(model, [new Removal(FromModel: false, [])], options ?? new CircuitOptions());

    /// <summary>Measures the circuit: the changed run is the circuit's, the unchanged ones are the model's.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="options">What stands for values that are knocked out, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The circuit is one of another model's graph, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public RunResult Run(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        return measurement.Run(ToIntervention(model, measurement.Options), cancellationToken);
    }

    /// <summary>
    /// How much of the model's behaviour the circuit has: (m(circuit) − m(∅)) / (m(model) − m(∅)), where m is the metric's mean over
    /// prompts, and ∅ the circuit without nodes. The paper's own numbers, m(model) − m(circuit) and m(circuit) / m(model), are those of
    /// <see cref="Completeness"/>.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; best those that the circuit was not found on.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="options">What stands for values that are knocked out, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">What <see cref="Run"/> refuses; or m(model) is m(∅).</exception>
    public double Faithfulness(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        ImmutableArray<int> all = [.. Enumerable.Range(0, Nodes.Length)];
        (double[] means, _) = Measure(
            measurement, [new Removal(false, []), new Removal(false, all), new Removal(true, [])], cancellationToken);
        return FaithfulnessScale.Place(measurement.Metric.Name, means[0], means[1], means[2], "nodes");
    }

    /// <summary>The metric's mean over prompts without some nodes, of the circuit or of the model: all in one sweep.</summary>
    internal (double[] Means, ImmutableArray<string> Notes) Measure(
        Measurement measurement, IReadOnlyList<Removal> removals, CancellationToken cancellationToken)
    {
        if (removals.Count == 0)
            return ([], []);
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = measurement.Run(Knockouts(measurement.Model, removals, measurement.Options), cancellationToken);
        Tensor means = run.Changed(measurement.Metric.Name).Values.to(ScalarType.Float64).mean([-1L]);
        return (means.Doubles(), run.Layout.Notes);
    }

    /// <summary>Knockouts as an intervention: of one its writes, of several a sweep.</summary>
    private InterventionGraph Knockouts(HookedModel model, IReadOnlyList<Removal> removals, CircuitOptions options)
    {
        Check(model);
        return new InterventionGraph
        {
            Name = nameof(NodeCircuit),
            Sweeps = removals.Count == 1
                ? []
                : [SweepAxis.OfNumbers(Number, [.. Enumerable.Range(0, removals.Count).Select(i => (double)i)])],
            Writes = [.. Places().Select(place => Knockout(place, removals, options)).OfType<WriteNode>()],
        };
    }

    private void Check(HookedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        CircuitGraph sizes = CircuitSites.Sizes(model);
        if (sizes != Graph)
            throw new InterventionException($"The circuit is of {Graph}, and {model.Schema.Model} has {sizes}.");
    }

    /// <summary>
    /// What knockouts write: of each layer the heads that the circuit lacks, and of those that it has, by the positions at which it keeps
    /// them, these positions and all others. Positions may meet, as an index and <c>end</c> do, so each of the two is one write.
    /// </summary>
    private IEnumerable<Place> Places()
    {
        Dictionary<Component, int> kept = Nodes.Index().ToDictionary(node => node.Item.Component, node => node.Index);
        IEnumerable<Component> sources = Graph.Sources.Where(source =>
            source.Kind == ComponentKind.Head || (KnocksOutMlps && source.Kind == ComponentKind.Mlp));
        foreach (IGrouping<(int, ComponentKind), Component> site in sources.GroupBy(source => (source.Layer, source.Kind)))
        {
            int[] others = [.. site.Where(source => !kept.ContainsKey(source)).Select(source => source.Head)];
            if (others.Length > 0)
                yield return new Place(site.First(), others, [], null, IsKept: false);
            foreach (IGrouping<string?, int> alike in site.Where(kept.ContainsKey).Select(source => kept[source])
                .GroupBy(node => Nodes[node].At))
            {
                int[] heads = [.. alike.Select(node => Nodes[node].Component.Head)];
                yield return new Place(site.First(), heads, [.. alike], alike.Key is null ? null : $"pos={alike.Key}", IsKept: true);
                if (alike.Key is not null)
                    yield return new Place(site.First(), heads, [.. alike], $"pos!={alike.Key}", IsKept: false);
            }
        }
    }

    /// <summary>The write of a place; null where no knockout changes it.</summary>
    private static WriteNode? Knockout(Place place, IReadOnlyList<Removal> removals, CircuitOptions options)
    {
        bool[][] marks = [.. removals.Select(removal => place.Heads.Select((_, i) => IsOut(removal, i)).ToArray())];
        if (!marks.Any(heads => heads.Contains(true)))
            return null;
        ImmutableArray<Read> replacements = options.Replacement();
        Read[] swept = removals.Count == 1 ? [] : [new Read.Swept(Number)];
        return new WriteNode(place.Name, place.Site, [new Read.Value(), .. swept, .. replacements], x =>
        {
            bool[] heads = marks[swept.Length == 0 ? 0 : (int)x[1].item<double>()];
            return KnockedOut.Mixed(heads, x[0], replacements.IsEmpty ? null : x[1 + swept.Length]);
        });

        // Of the circuit, everything that it lacks is out too; of the model, a node is out where the circuit keeps it.
        bool IsOut(Removal removal, int i) =>
            (place.Nodes.Length > 0 && removal.Parts.Contains(place.Nodes[i])) ? place.IsKept || !removal.FromModel
            : !place.IsKept && !removal.FromModel;
    }

    /// <summary>Values that one write knocks out or leaves.</summary>
    /// <param name="First">A component of the layer and kind.</param>
    /// <param name="Heads">The heads.</param>
    /// <param name="Nodes">Their places among the nodes; none for heads that the circuit lacks.</param>
    /// <param name="Positions">The selector of positions; null for all.</param>
    /// <param name="IsKept">Whether the circuit keeps them.</param>
    private sealed record Place(Component First, int[] Heads, int[] Nodes, string? Positions, bool IsKept)
    {
        public string Name =>
            $"{$"{First}"[0]}{First.Layer}{(IsKept ? "Kept" : Nodes.Length > 0 ? "Elsewhere" : "Others")}";

        public string Site
        {
            get
            {
                bool areHeads = First.Kind == ComponentKind.Head;
                return NodeSites.With(
                    $"blocks.{First.Layer}.{(areHeads ? "attn.z" : "mlp_out")}",
                    areHeads ? $"head={string.Join(',', Heads)}" : null, Positions);
            }
        }
    }
}

/// <summary>Parts that are taken out, of the circuit or of the whole model.</summary>
/// <param name="FromModel">Whether the model is left, less the parts; otherwise the circuit less the parts.</param>
/// <param name="Parts">The places of the parts.</param>
internal sealed record Removal(bool FromModel, ImmutableArray<int> Parts);
