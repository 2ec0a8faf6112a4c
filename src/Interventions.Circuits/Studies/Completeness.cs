using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>Which sets of parts completeness is asked of. The empty set and whole classes always are.</summary>
public sealed record CompletenessSets
{
    /// <summary>Whether all subsets are measured, 2 to the number of parts: then there is nothing to draw. Default: false.</summary>
    public bool All { get; init; }

    /// <summary>How many sets are drawn, each part with odds of one half. Default: 10.</summary>
    public int Random { get; init; } = 10;

    /// <summary>How often a set is grown part by part, each time by the part that makes it worst. Default: 10.</summary>
    public int Greedy { get; init; } = 10;

    /// <summary>How many of the grown sets are kept: the worst. Default: 5.</summary>
    public int GreedyKept { get; init; } = 5;

    /// <summary>How many parts a grown set has at most. Default: 10.</summary>
    public int GreedySteps { get; init; } = 10;

    /// <summary>Among how many parts, drawn at each step, the next one is chosen; 0 for all. Default: 10.</summary>
    public int GreedyCandidates { get; init; } = 10;

    /// <summary>
    /// Whether a step takes the part by which the circuit changes most, |F(C∖(K∪v)) − F(C∖K)|, as the paper writes it. Default: false, the
    /// part with which the set is most incomplete, as long as it becomes more so: what the paper's program does.
    /// </summary>
    public bool GreedyByChange { get; init; }

    /// <summary>The same seed draws the same sets. Default: 0.</summary>
    public int Seed { get; init; }
}

/// <summary>A set of parts K, without which circuit and model are compared.</summary>
/// <param name="Kind">How it was found: <c>none</c>, <c>class</c>, <c>subset</c>, <c>random</c>, <c>greedy</c>.</param>
/// <param name="Parts">The parts; of a grown set in the order in which it grew.</param>
/// <param name="Circuit">F(C∖K): the metric's mean over prompts, of the circuit without them.</param>
/// <param name="Model">F(M∖K): that of the model without them. A node is out where the circuit keeps it.</param>
public sealed record ComparedSet(string Kind, ImmutableArray<string> Parts, double Circuit, double Model)
{
    /// <summary>|F(C∖K) − F(M∖K)|.</summary>
    public double Incompleteness => Math.Abs(Circuit - Model);
}

/// <summary>
/// Faithfulness and completeness of a circuit (Wang et al. 2022, arXiv:2211.00593, section 4): a circuit is complete if it behaves like the
/// model also when the same parts are taken out of both. F is the metric's mean over prompts.
/// </summary>
/// <param name="Model">F(M).</param>
/// <param name="Circuit">F(C).</param>
/// <param name="Sets">The sets of parts, in the order in which they were asked of: the empty one first.</param>
public sealed record Completeness(double Model, double Circuit, ImmutableArray<ComparedSet> Sets)
{
    private const int Printed = 10;

    /// <summary>What may be a slip: answers that lack a space, means over few prompts.</summary>
    public ImmutableArray<string> Warnings { get; internal init; } = [];

    /// <summary>|F(M) − F(C)|: how unfaithful the circuit is, in the metric's unit.</summary>
    public double Gap => Math.Abs(Model - Circuit);

    /// <summary>F(C) / F(M): the part of the model's metric that the circuit has.</summary>
    public double Ratio => Circuit / Model;

    /// <summary>The set that the circuit is most incomplete at.</summary>
    public ComparedSet Worst => Sets.MaxBy(set => set.Incompleteness)!;

    /// <summary>Measures a circuit without sets of its parts: of nodes in sweeps, of edges circuit by circuit.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="circuit">A circuit of nodes, or of edges; or <see cref="CircuitParts.Of"/>.</param>
    /// <param name="sets">Which sets; default: the paper's.</param>
    /// <param name="options">What stands for what is taken out, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The circuit is one of another model's graph, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public static Completeness Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        CircuitParts circuit,
        CompletenessSets? sets = null,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(circuit);
        sets ??= new CompletenessSets();
        KnockoutMeans means = new(circuit, Measurement.Of(model, prompts, metric, options), cancellationToken);
        List<(string Kind, ImmutableArray<int> Parts)> compared = [("none", [])];
        compared.AddRange(circuit.Classes.Index().GroupBy(part => part.Item)
            .Select(parts => ("class", parts.Select(part => part.Index).ToImmutableArray())));
        Random random = new(sets.Seed);
        if (sets.All)
            compared.AddRange(PartSets.All(circuit.Names.Length).Select(parts => ("subset", parts)));
        else
            compared.AddRange(Enumerable.Range(0, sets.Random)
                .Select(_ => Enumerable.Range(0, circuit.Names.Length).Where(_ => random.Next(2) == 1).ToImmutableArray())
                .DistinctBy(KnockoutMeans.Key).Select(parts => ("random", parts)));
        means.Measure(compared.Select(set => set.Parts), ofModel: true);
        ImmutableArray<int>[] grown = [.. Enumerable.Range(0, sets.Greedy).Select(_ => Grown(means, sets, random))];
        compared.AddRange(grown.DistinctBy(KnockoutMeans.Key).OrderByDescending(means.Incompleteness).Take(sets.GreedyKept)
            .Select(parts => ("greedy", parts)));
        return new Completeness(means.OfModel([]), means.OfCircuit([]), [.. compared.Select(set => new ComparedSet(
            set.Kind, [.. set.Parts.Select(part => circuit.Names[part])], means.OfCircuit(set.Parts), means.OfModel(set.Parts)))])
        {
            Warnings = means.Notes,
        };
    }

    /// <summary>Faithfulness, and the sets at which circuit and model differ most, as a table.</summary>
    public override string ToString()
    {
        ComparedSet[] worst = [.. Sets.OrderByDescending(set => set.Incompleteness)];
        string[] numbers = ShortNumbers.Format([.. worst.SelectMany(set => new[] { set.Circuit, set.Model, set.Incompleteness })]);
        TextTable table = new(
            new("without"), new("circuit", IsNumber: true), new("model", IsNumber: true), new("differ by", IsNumber: true), new("found"));
        foreach ((int i, ComparedSet set) in worst.Index())
            table.Add(
                set.Parts.Length == 0 ? "nothing" : string.Join(", ", set.Parts), numbers[3 * i], numbers[(3 * i) + 1],
                numbers[(3 * i) + 2], set.Kind);
        return string.Create(
            CultureInfo.InvariantCulture, $"circuit {Circuit:0.###} of the model's {Model:0.###}: {Ratio:P0}\n{table.Print(Printed)}")
            + KeptTable.OfWarnings(Warnings);
    }

    /// <summary>A set that grows from nothing, as long as there is a part that makes it worse.</summary>
    private static ImmutableArray<int> Grown(KnockoutMeans means, CompletenessSets sets, Random random)
    {
        ImmutableArray<int> grown = [];
        for (int step = 0; step < sets.GreedySteps; step++)
        {
            int[] left = [.. Enumerable.Range(0, means.Count).Except(grown)];
            random.Shuffle(left);
            ImmutableArray<int>[] larger =
            [
                .. left.Take(sets.GreedyCandidates > 0 ? sets.GreedyCandidates : left.Length).Order().Select(part => grown.Add(part)),
            ];
            if (larger.Length == 0)
                break;
            means.Measure(larger, ofModel: true);
            double before = means.OfCircuit(grown);
            ImmutableArray<int> worst = larger.MaxBy(parts =>
                sets.GreedyByChange ? Math.Abs(means.OfCircuit(parts) - before) : means.Incompleteness(parts));
            if (!sets.GreedyByChange && means.Incompleteness(worst) <= means.Incompleteness(grown))
                break;
            grown = worst;
        }
        return grown;
    }
}

/// <summary>Sets of parts.</summary>
internal static class PartSets
{
    /// <summary>More subsets than of this many parts are not measured.</summary>
    private const int Most = 16;

    /// <summary>All subsets of some parts, small ones first.</summary>
    /// <exception cref="InterventionException">They are too many.</exception>
    public static IEnumerable<ImmutableArray<int>> All(int count) => All([.. Enumerable.Range(0, count)]);

    /// <summary>All subsets of some parts, small ones first.</summary>
    /// <exception cref="InterventionException">They are too many.</exception>
    public static IEnumerable<ImmutableArray<int>> All(IReadOnlyList<int> parts) => parts.Count <= Most
        ? Enumerable.Range(0, 1 << parts.Count)
            .Select(marks => parts.Where((_, i) => (marks & (1 << i)) != 0).ToImmutableArray()).OrderBy(set => set.Length)
        : throw new InterventionException(
            $"{parts.Count} parts have {Math.Pow(2, parts.Count):0} subsets: all are measured of {Most} parts at most. Draw some.");
}

/// <summary>F without sets of parts: each is measured once, those that are asked for together in one sweep.</summary>
internal sealed class KnockoutMeans(CircuitParts circuit, Measurement measurement, CancellationToken cancellationToken)
{
    private readonly Dictionary<(bool FromModel, string Parts), double> _means = [];

    public int Count => circuit.Names.Length;

    /// <summary>What may be a slip in the prompts, once something is measured.</summary>
    public ImmutableArray<string> Notes { get; private set; } = [];

    public static string Key(ImmutableArray<int> parts) => string.Join(',', parts.Order());

    /// <summary>Measures the circuit without sets of parts, and the model too, so far as it is not known.</summary>
    public void Measure(IEnumerable<ImmutableArray<int>> sets, bool ofModel)
    {
        Removal[] missing =
        [
            .. sets.SelectMany(parts => ofModel
                    ? new[] { new Removal(false, parts), new Removal(true, parts) }
                    : [new Removal(false, parts)])
                .DistinctBy(Key).Where(removal => !_means.ContainsKey(Key(removal))),
        ];
        (double[] means, ImmutableArray<string> notes) = circuit.Measure(measurement, missing, cancellationToken);
        foreach ((Removal removal, double mean) in missing.Zip(means))
            _means[Key(removal)] = mean;
        Notes = [.. Notes.Union(notes)];

        static (bool, string) Key(Removal removal) => (removal.FromModel, KnockoutMeans.Key(removal.Parts));
    }

    /// <summary>F(C∖K).</summary>
    public double OfCircuit(ImmutableArray<int> parts) => _means[(false, Key(parts))];

    /// <summary>F(M∖K).</summary>
    public double OfModel(ImmutableArray<int> parts) => _means[(true, Key(parts))];

    /// <summary>|F(C∖K) − F(M∖K)|.</summary>
    public double Incompleteness(ImmutableArray<int> parts) => Math.Abs(OfCircuit(parts) - OfModel(parts));
}
