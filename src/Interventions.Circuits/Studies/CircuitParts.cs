using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// A circuit in parts, as criteria take it apart: a circuit of nodes is one of its nodes, a circuit of edges one of its edges, or of what
/// <see cref="Of"/> says. Both convert to it.
/// </summary>
public abstract class CircuitParts
{
    private protected CircuitParts(ImmutableArray<(string Name, string Class)> parts)
    {
        Names = [.. parts.Select(part => part.Name)];
        Classes = [.. parts.Select(part => part.Class)];
    }

    /// <summary>The names of the parts.</summary>
    public ImmutableArray<string> Names { get; }

    /// <summary>Of each part its class.</summary>
    public ImmutableArray<string> Classes { get; }

    /// <summary>A circuit of nodes, node by node.</summary>
    public static implicit operator CircuitParts(NodeCircuit circuit) => FromNodeCircuit(circuit);

    /// <summary>A circuit of edges, edge by edge, which are of their source's class.</summary>
    public static implicit operator CircuitParts(Circuit circuit) => Of(circuit);

    /// <summary>A circuit of nodes, node by node.</summary>
    public static CircuitParts FromNodeCircuit(NodeCircuit circuit)
    {
        ArgumentNullException.ThrowIfNull(circuit);
        return new NodeParts(circuit);
    }

    /// <summary>A circuit of edges in parts.</summary>
    /// <param name="circuit">The circuit.</param>
    /// <param name="part">The part that an edge belongs to: <c>edge =&gt; $"{edge.Source}"</c>; by default each is one.</param>
    /// <param name="class">The class that an edge's part belongs to; by default its source. A part is of its first edge's class.</param>
    public static CircuitParts Of(Circuit circuit, Func<Edge, string>? part = null, Func<Edge, string>? @class = null)
    {
        ArgumentNullException.ThrowIfNull(circuit);
        IGrouping<string, Edge>[] parts = [.. circuit.Edges.GroupBy(part ?? (edge => $"{edge}"))];
        return new EdgeParts(circuit, [.. parts.Select(edges => new Circuit(circuit.Graph, edges))],
            [.. parts.Select(edges => (edges.Key, @class is null ? $"{edges.First().Source}" : @class(edges.First())))]);
    }

    /// <summary>The metric's mean over prompts without some parts, of the circuit or of the model; and what may be a slip.</summary>
    internal abstract (double[] Means, ImmutableArray<string> Notes) Measure(
        Measurement measurement, IReadOnlyList<Removal> removals, CancellationToken cancellationToken);

    private sealed class NodeParts(NodeCircuit circuit)
        : CircuitParts([.. circuit.Nodes.Select(node => ($"{node.Component}", node.Class))])
    {
        internal override (double[] Means, ImmutableArray<string> Notes) Measure(
            Measurement measurement, IReadOnlyList<Removal> removals, CancellationToken cancellationToken) =>
            circuit.Measure(measurement, removals, cancellationToken);
    }

    private sealed class EdgeParts(Circuit circuit, ImmutableArray<Circuit> parts, ImmutableArray<(string, string)> names)
        : CircuitParts(names)
    {
        internal override (double[] Means, ImmutableArray<string> Notes) Measure(
            Measurement measurement, IReadOnlyList<Removal> removals, CancellationToken cancellationToken)
        {
            double[] means = new double[removals.Count];
            HashSet<string> notes = [];
            foreach ((int i, Removal removal) in removals.Index())
            {
                using DisposeScope scope = NewDisposeScope();
                Circuit whole = removal.FromModel ? Circuit.All(circuit.Graph) : circuit;
                Circuit left = removal.Parts.Aggregate(whole, (left, part) => left - parts[part]);
                using RunResult run = measurement.OfPart(i, removals.Count)
                    .Run(left.ToIntervention(measurement.Model, measurement.Options), cancellationToken);
                means[i] = measurement.MeanOf(run);
                notes.UnionWith(run.Layout.Notes);
            }
            return (means, [.. notes]);
        }
    }
}
