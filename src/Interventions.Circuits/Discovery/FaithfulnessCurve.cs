using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>
/// Faithfulness over the size of circuits, and the two areas by which the MIB benchmark (Mueller et al. 2025, arXiv:2504.13151) compares
/// methods. Areas are those of trapezoids over the sizes as asked for, without a point at size 0.
/// </summary>
/// <param name="Sizes">Parts of all edges, ascending, from 0 to 1.</param>
/// <param name="Faithfulness">Of the pruned circuit at each size, see <see cref="Circuit.Faithfulness"/>.</param>
public sealed record FaithfulnessCurve(ImmutableArray<double> Sizes, ImmutableArray<double> Faithfulness)
{
    /// <summary>The benchmark's sizes: 0.001 to 1.</summary>
    public static ImmutableArray<double> UsualSizes { get; } = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

    /// <summary>What may be a slip: answers that lack a space, means over few prompts.</summary>
    public ImmutableArray<string> Warnings { get; internal init; } = [];

    /// <summary>
    /// The area under faithfulness, the circuit performance ratio: large where few edges carry the behaviour. Published for the ranking by
    /// sign.
    /// </summary>
    public double Cpr => Area(Faithfulness);

    /// <summary>
    /// The area between faithfulness and 1, the circuit–model distance: 0 where circuits of all sizes do what the model does. Published for
    /// the ranking by absolute scores.
    /// </summary>
    public double Cmd => Area(Faithfulness.Select(value => Math.Abs(1 - value)));

    /// <summary>Measures circuits of several sizes, without their dead ends.</summary>
    /// <param name="select">The circuit of a number of edges: <c>count =&gt; scores.Top(count)</c>.</param>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="sizes">Parts of all edges, ascending; default: <see cref="UsualSizes"/>.</param>
    /// <param name="options">What missing edges carry, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">What <see cref="Circuit.Faithfulness"/> refuses.</exception>
    public static FaithfulnessCurve Of(
        Func<int, Circuit> select,
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        ImmutableArray<double> sizes = default,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(select);
        sizes = sizes.IsDefault ? UsualSizes : sizes;
        if (sizes.Length < 2 || sizes.Zip(sizes.Skip(1)).Any(pair => pair.First >= pair.Second))
            throw new ArgumentException($"A curve has two sizes at least, ascending, not {string.Join(", ", sizes)}.", nameof(sizes));
        if (sizes.Any(size => size is not (>= 0 and <= 1)))
            throw new ArgumentException(
                $"Sizes are parts of all edges, from 0 to 1, not {string.Join(", ", sizes)}.", nameof(sizes));
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        FaithfulnessScale scale = new(measurement, cancellationToken);
        CircuitGraph graph = measurement.Sites.Graph;
        // Small sizes of a small model are one circuit.
        Dictionary<Circuit, double> measured = [];
        return new FaithfulnessCurve(sizes, [.. sizes.Select(size => Measured(select(graph.CountOf(size)).Pruned()))])
        {
            Warnings = scale.Notes,
        };

        double Measured(Circuit circuit) => measured.TryGetValue(circuit, out double known)
            ? known
            : measured[circuit] = scale.Of(circuit);
    }

    /// <summary>Faithfulness by size, the two areas, and the warnings.</summary>
    public override string ToString()
    {
        TextTable table = new(new("edges", IsNumber: true), new("faithfulness", IsNumber: true));
        foreach ((double size, double value) in Sizes.Zip(Faithfulness))
            table.Add(FormattableString.Invariant($"{100 * size:0.###} %"), FormattableString.Invariant($"{value:0.000}"));
        return FormattableString.Invariant($"CPR {Cpr:0.000}, CMD {Cmd:0.000}\n{table.Print()}") + KeptTable.OfWarnings(Warnings);
    }

    private double Area(IEnumerable<double> values)
    {
        double[] heights = [.. values];
        return Enumerable.Range(1, heights.Length - 1).Sum(i => (Sizes[i] - Sizes[i - 1]) * (heights[i] + heights[i - 1]) / 2);
    }
}
