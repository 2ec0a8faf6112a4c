using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>What a part does in a circuit from which a set K of other parts is taken.</summary>
/// <param name="Others">K.</param>
/// <param name="Before">F(C∖K).</param>
/// <param name="After">F(C∖(K∪{v})).</param>
public sealed record PartEffect(ImmutableArray<string> Others, double Before, double After)
{
    /// <summary>|F(C∖(K∪{v})) − F(C∖K)|.</summary>
    public double Size => Math.Abs(After - Before);
}

/// <summary>What a part of a circuit is needed for.</summary>
/// <param name="Part">The part.</param>
/// <param name="Class">Its class.</param>
/// <param name="Alone">With K empty.</param>
/// <param name="WithoutClass">With K the other parts of its class.</param>
/// <param name="Largest">With the K at which it does most, of those that were asked of.</param>
public sealed record PartMinimality(string Part, string Class, PartEffect Alone, PartEffect WithoutClass, PartEffect Largest);

/// <summary>
/// Minimality of a circuit (Wang et al. 2022, arXiv:2211.00593, section 4): every part is needed, at least once some others are gone.
/// F is the metric's mean over prompts.
/// </summary>
/// <param name="Model">F(M).</param>
/// <param name="Parts">The parts, in the circuit's order.</param>
public sealed record Minimality(double Model, ImmutableArray<PartMinimality> Parts)
{
    /// <summary>What may be a slip: answers that lack a space, means over few prompts.</summary>
    public ImmutableArray<string> Warnings { get; internal init; } = [];

    /// <summary>The least of the parts' largest effects, as a part of F(M): the paper's circuit has 1 %.</summary>
    public double Least => Parts.Min(part => part.Largest.Size) / Math.Abs(Model);

    /// <summary>Measures a circuit without each of its parts, after sets of other parts are taken out.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="circuit">A circuit of nodes, or of edges, of at least one part; or <see cref="CircuitParts.Of"/>.</param>
    /// <param name="allSubsets">Whether K goes through all sets of other parts; otherwise nothing, and the rest of the class.</param>
    /// <param name="options">What stands for what is taken out, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The circuit is one of another model's graph or has no part, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public static Minimality Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        CircuitParts circuit,
        bool allSubsets = false,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(circuit);
        if (circuit.Names.IsEmpty)
            throw new InterventionException("The circuit has no part, so there is nothing that it could do without.");
        KnockoutMeans means = new(circuit, Measurement.Of(model, prompts, metric, options), cancellationToken);
        int[] parts = [.. Enumerable.Range(0, means.Count)];
        // Of each part the sets K: nothing, the rest of its class, and on request all.
        ImmutableArray<int>[][] others =
        [
            .. parts.Select(part => ((ImmutableArray<int>[])
            [
                [], [.. parts.Where(other => other != part && circuit.Classes[other] == circuit.Classes[part])],
                .. allSubsets ? PartSets.All([.. parts.Where(other => other != part)]) : [],
            ]).ToArray()),
        ];
        means.Measure(others.SelectMany((sets, part) => sets.SelectMany(set => new[] { set, set.Add(part) })), ofModel: false);
        means.Measure([[]], ofModel: true);
        return new Minimality(means.OfModel([]), [.. parts.Select(part =>
        {
            PartEffect[] effects = [.. others[part].Select(set => new PartEffect(
                [.. set.Select(other => circuit.Names[other])], means.OfCircuit(set), means.OfCircuit(set.Add(part))))];
            return new PartMinimality(
                circuit.Names[part], circuit.Classes[part], effects[0], effects[1], effects.MaxBy(effect => effect.Size)!);
        })])
        {
            Warnings = means.Notes,
        };
    }

    /// <summary>The parts, those that do least first, as a table.</summary>
    public override string ToString()
    {
        PartMinimality[] least = [.. Parts.OrderBy(part => part.Largest.Size)];
        string[] numbers = ShortNumbers.Format([.. least.SelectMany(part => new[] { part.Largest.Before, part.Largest.After })]);
        TextTable table = new(
            new("part"), new("class"), new("before", IsNumber: true), new("without", IsNumber: true), new("of model", IsNumber: true),
            new("without, too"));
        foreach ((int i, PartMinimality part) in least.Index())
            table.Add(
                part.Part, part.Class, numbers[2 * i], numbers[(2 * i) + 1],
                (part.Largest.Size / Math.Abs(Model)).ToString("P0", CultureInfo.InvariantCulture),
                string.Join(", ", part.Largest.Others));
        return table.Print(mostRows: 20) + KeptTable.OfWarnings(Warnings);
    }
}
