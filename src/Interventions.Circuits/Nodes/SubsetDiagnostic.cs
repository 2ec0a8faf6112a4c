using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>How subsets are drawn.</summary>
public sealed record SubsetOptions
{
    /// <summary>How many subsets. With <see cref="Probability"/> ½ each comes with its complement. Default: 128.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 4.</exception>
    public int Samples
    {
        get;
        init => field = value >= 4
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Samples), value, "A variance with and without a node takes four samples.");
    } = 128;

    /// <summary>With which probability a node is in a subset. Default: ½.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not between 0 and 1.</exception>
    public double Probability
    {
        get;
        init => field = value is > 0 and < 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Probability), value, "It lies between 0 and 1.");
    } = 0.5;

    /// <summary>The seed of the draws. Default: 0.</summary>
    public int Seed { get; init; }
}

/// <summary>
/// Whether attribution may have missed a node (Kramár et al. 2024, arXiv:2403.00745): the best-ranked nodes are verified by patching, and
/// of all others random subsets are patched jointly, in one planned sweep. That gives each of them an estimate and a confidence bound.
/// </summary>
/// <param name="Nodes">The nodes that were not verified, in the order of the scores.</param>
/// <param name="Estimates">Their estimates, in the same order.</param>
public sealed record SubsetDiagnostic(ImmutableArray<NodeScore> Nodes, SubsetEstimates Estimates)
{
    private const string Sample = "sample";
    private const int Printed = 5;
    private const double Level = 0.05;

    /// <summary>Draws subsets of the nodes beyond the best-ranked ones, and patches each jointly.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="scores">Scores of nodes position by position, which rank them: those of <see cref="NodeAttribution"/>.</param>
    /// <param name="verified">How many of the best-ranked ones are left out.</param>
    /// <param name="subsets">How subsets are drawn.</param>
    /// <param name="options">The other run, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// No node is left, scores are not of nodes by position, or the declaration is not one metric.
    /// </exception>
    /// <exception cref="ArgumentException">A node was drawn, or left out, less than twice: draw more samples.</exception>
    public static SubsetDiagnostic Of(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        IReadOnlyList<NodeScores> scores,
        int verified,
        SubsetOptions? subsets = null,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentOutOfRangeException.ThrowIfNegative(verified);
        Measurement measurement = Measurement.OfOtherRun(model, prompts, metric, options);
        if (scores.FirstOrDefault(one => one.Kind is null or NodeKind.Pattern || !one.IsOfEveryPosition) is { } other)
            throw new InterventionException(
                $"Subsets are of all nodes of a kind, position by position, and '{other.Title}' is not of these.");
        (int Kind, int Place)[] nodes =
        [
            .. scores.SelectMany((one, kind) => one.Ranked().Select(place => (kind, place)))
                .OrderByDescending(node => scores[node.kind].Magnitudes[node.place]).Skip(verified).Order(),
        ];
        if (nodes.Length == 0)
            throw new InterventionException($"All {verified} nodes are verified, so none is left to draw from.");
        bool[][] drawn = Draw(subsets ?? new SubsetOptions(), nodes.Length);
        double[] effects = Measure(measurement, scores, nodes, drawn, cancellationToken);
        return new SubsetDiagnostic([.. nodes.Select(node => scores[node.Kind].ScoreOf(node.Place))], new SubsetEstimates(drawn, effects));
    }

    /// <summary>The bound, and the nodes with the largest estimates.</summary>
    public override string ToString()
    {
        int[] first = [.. Enumerable.Range(0, Nodes.Length).OrderByDescending(Estimates.Effect).Take(Printed)];
        string[] effects = ShortNumbers.Format([.. first.Select(Estimates.Effect)]);
        string[] errors = ShortNumbers.Format([.. first.Select(Estimates.StandardError)]);
        string[] bounds = ShortNumbers.Format([.. first.Select(node => Estimates.UpperBound(node, Level))]);
        TextTable table = new(new("node"), new("place"), new("effect", true), new("error", true), new("at most", true));
        for (int i = 0; i < first.Length; i++)
            table.Add($"{Nodes[first[i]].Kind}", Nodes[first[i]].Place, effects[i], errors[i], bounds[i]);
        int others = Nodes.Length - first.Length;
        string bound = Estimates.LargestUpperBound(Level).ToString("0.###", CultureInfo.InvariantCulture);
        return TextTable.Wrap(
            $"{Estimates.Samples} random subsets of {TextTable.Count(Nodes.Length, "node")}: with 95 % confidence none changes the metric "
            + $"by more than {bound}, as a mean over what else is patched", 2)
            + $"\n{table.Print()}{TextTable.Others(others, "node")}";
    }

    private static bool[][] Draw(SubsetOptions options, int nodes)
    {
        Random random = new(options.Seed);
        List<bool[]> drawn = [];
        while (drawn.Count < options.Samples)
        {
            bool[] subset = [.. Enumerable.Range(0, nodes).Select(_ => random.NextDouble() < options.Probability)];
            drawn.Add(subset);
            if (options.Probability == 0.5)
                drawn.Add([.. subset.Select(isIn => !isIn)]);
        }
        return [.. drawn];
    }

    /// <summary>The metric's mean change with each subset patched.</summary>
    private static double[] Measure(
        Measurement measurement, IReadOnlyList<NodeScores> scores, (int Kind, int Place)[] nodes, bool[][] drawn, CancellationToken token)
    {
        using DisposeScope scope = NewDisposeScope();
        NodeSites sites = NodeSites.Of(measurement.Model);
        List<WriteNode> writes = [];
        for (int kind = 0; kind < scores.Count; kind++)
        {
            int[] own = [.. Enumerable.Range(0, nodes.Length).Where(node => nodes[node].Kind == kind)];
            if (own.Length > 0)
                writes.AddRange(Writes(measurement, sites, scores[kind], own, nodes, drawn));
        }
        InterventionGraph graph = new()
        {
            Name = nameof(SubsetDiagnostic),
            Sweeps = [SweepAxis.OfNumbers(Sample, [.. Enumerable.Range(0, drawn.Length).Select(sample => (double)sample)])],
            Writes = [.. writes],
        };
        using RunResult run = measurement.Run(graph, token);
        string name = measurement.Metric.Name;
        return run.Changed(name).Values.sub(run.Run(measurement.Clean)[name]).to(ScalarType.Float64).mean([1L]).Doubles();
    }

    /// <summary>The writes of one kind's nodes, layer by layer: those of the sample's subset have the other run's value.</summary>
    private static IEnumerable<WriteNode> Writes(
        Measurement measurement, NodeSites sites, NodeScores scores, int[] own, (int Kind, int Place)[] nodes, bool[][] drawn)
    {
        NodeKind kind = scores.Kind!.Value;
        int units = sites.AxisOf(kind)?.Labels.Length ?? 1, positions = scores.Axes[^1].Labels.Length, size = units * positions;
        foreach (IGrouping<int, int> layer in own.GroupBy(node => nodes[node].Place / size))
        {
            // Places are [layer, unit, pos]; a site has positions before units.
            double[] marks = new double[drawn.Length * size];
            foreach (int node in layer)
                for (int sample = 0; sample < drawn.Length; sample++)
                    marks[(sample * size) + (nodes[node].Place % size)] = drawn[sample][node] ? 1 : 0;
            Tensor mask = tensor(marks).view(drawn.Length, units, positions).transpose(1, 2).contiguous(); // [sample, pos, unit]
            string site = kind == NodeKind.Embed ? sites.SiteOf(kind) : $"blocks.{layer.Key}.{sites.SiteOf(kind)}";
            yield return new WriteNode(
                $"{kind}{layer.Key}", site, [new Read.Value(), new Read.Swept(Sample), new Read.From(measurement.Options.From)],
                x => Mixed(x[0], x[2], mask.select(0, (long)x[1].item<double>())));
        }
    }

    /// <summary>The value, with another one where a mask is 1.</summary>
    /// <param name="value"><c>[batch, pos, head, width]</c>, <c>[batch, pos, neuron]</c> or <c>[batch, pos, d_model]</c>.</param>
    /// <param name="other">The same in the other run.</param>
    /// <param name="mask"><c>[pos, head or neuron]</c>, or one column, of the longest prompt.</param>
    private static Tensor Mixed(Tensor value, Tensor other, Tensor mask)
    {
        Tensor own = mask.narrow(0, 0, value.shape[1]).to(value.dtype).to(value.device);
        return value.plus(other.sub(value).mul(value.shape.Length == 4 ? own.unsqueeze(-1) : own));
    }
}
