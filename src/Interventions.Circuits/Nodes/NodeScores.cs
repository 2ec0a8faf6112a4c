using System.Collections.Immutable;
using System.Globalization;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>An axis of scores, and what stands along it.</summary>
/// <param name="Name"><c>layer</c>, <c>head</c>, <c>kv_head</c>, <c>neuron</c>, <c>pos</c>, <c>query</c> or <c>key</c>.</param>
/// <param name="Labels">Indices, or names of positions.</param>
public sealed record NodeAxis(string Name, ImmutableArray<string> Labels)
{
    /// <summary>An axis of indices from 0.</summary>
    internal static NodeAxis Of(string name, int count) => new(
        name, [.. Enumerable.Range(0, count).Select(index => index.ToString(CultureInfo.InvariantCulture))]);
}

/// <summary>A node and its score.</summary>
/// <param name="Kind">What it is; null for a head or block that sends over paths.</param>
/// <param name="Place">Where it is: a label for each axis, such as <c>layer=1 head=2 pos=end</c>.</param>
/// <param name="Mean">How the metric changes, as a mean over prompts.</param>
/// <param name="Magnitude">How far it changes: the mean of absolute changes.</param>
public sealed record NodeScore(NodeKind? Kind, string Place, double Mean, double Magnitude);

/// <summary>The metric's values in the runs of the prompt set, prompt by prompt.</summary>
/// <param name="Clean">In the first run.</param>
/// <param name="Corrupted">In the other run.</param>
/// <param name="ChangesCorrupted">Whether changes are changes of the other run.</param>
internal sealed record Baselines(double[] Clean, double[] Corrupted, bool ChangesCorrupted = false)
{
    public double[] Base => ChangesCorrupted ? Corrupted : Clean;
}

/// <summary>
/// A number for every node and prompt: how the metric changes when the node has another run's value, exactly or to first order. A place
/// that a prompt lacks, because it is shorter, counts in no mean.
/// </summary>
public sealed class NodeScores
{
    private const int MostRows = 24, MostPoints = 12, MostColumns = 12;

    private readonly double[][] _prompts;
    private readonly double[] _means, _magnitudes;
    private readonly Baselines _baselines;

    /// <param name="title">What was done, for the printed table.</param>
    /// <param name="metric">The metric's name.</param>
    /// <param name="axes">The axes.</param>
    /// <param name="prompts">Of each prompt a change for every place, the last axis fastest; NaN where the prompt lacks it.</param>
    /// <param name="baselines">The metric in both runs.</param>
    internal NodeScores(string title, string metric, ImmutableArray<NodeAxis> axes, double[][] prompts, Baselines baselines)
    {
        (Title, Metric, Axes, _prompts, _baselines) = (title, metric, axes, prompts, baselines);
        Count = axes.Aggregate(1, (product, axis) => product * axis.Labels.Length);
        (_means, _magnitudes) = (new double[Count], new double[Count]);
        for (int place = 0; place < Count; place++)
        {
            double[] found = [.. prompts.Select(changes => changes[place]).Where(change => !double.IsNaN(change))];
            (_means[place], _magnitudes[place]) = found.Length == 0
                ? (double.NaN, double.NaN)
                : (found.Sum() / found.Length, found.Sum(Math.Abs) / found.Length);
        }
    }

    /// <summary>What was done: <c>denoising Z</c>.</summary>
    public string Title { get; }

    /// <summary>The metric's name.</summary>
    public string Metric { get; }

    /// <summary>What the nodes are; null for heads or blocks that send over paths.</summary>
    public NodeKind? Kind { get; internal init; }

    /// <summary>The axes, outermost first; none where there is one number a prompt.</summary>
    public ImmutableArray<NodeAxis> Axes { get; }

    /// <summary>The number of places: the product of the axes' lengths.</summary>
    public int Count { get; }

    /// <summary>What may be a slip: answers that lack a space, a change that reaches nothing.</summary>
    public ImmutableArray<string> Warnings { get; internal init; } = [];

    /// <summary>The number of prompts.</summary>
    public int PromptCount => _prompts.Length;

    /// <summary>The metric in the first run, prompt by prompt.</summary>
    public IReadOnlyList<double> Clean => _baselines.Clean;

    /// <summary>The metric in the other run, prompt by prompt.</summary>
    public IReadOnlyList<double> Corrupted => _baselines.Corrupted;

    /// <summary>The mean change of every place, the last axis fastest; NaN where no prompt has it.</summary>
    public IReadOnlyList<double> Means => _means;

    /// <summary>The mean of absolute changes of every place, the last axis fastest: c(n) of attribution patching.</summary>
    public IReadOnlyList<double> Magnitudes => _magnitudes;

    /// <summary>
    /// The standard errors of the mean changes, the last axis fastest: of the prompts that have the place, NaN where there is one.
    /// </summary>
    public IReadOnlyList<double> StandardErrors => [.. Enumerable.Range(0, Count).Select(StandardError)];

    /// <summary>The mean of the metric itself with the change, the last axis fastest.</summary>
    public IReadOnlyList<double> Values =>
        [.. Enumerable.Range(0, Count).Select(place => MeanOver(place, _baselines.Base) + _means[place])];

    /// <summary>
    /// Where the mean of the metric lies between its means in the corrupted run, at 0, and in the clean one, at 1; the last axis fastest. A
    /// ratio of means over prompts, not a mean of ratios, which a single prompt with a small difference decides.
    /// </summary>
    /// <exception cref="InterventionException">Both runs have the same mean.</exception>
    public IReadOnlyList<double> Normalized => [.. Enumerable.Range(0, Count).Select(place =>
    {
        (double clean, double corrupted) = (MeanOver(place, _baselines.Clean), MeanOver(place, _baselines.Corrupted));
        return clean == corrupted
            ? throw new InterventionException($"{Metric} is {clean} in both runs, so there is nothing to normalise by.")
            : (MeanOver(place, _baselines.Base) + _means[place] - corrupted) / (clean - corrupted);
    })];

    /// <summary>The mean change as a part of the mean of the metric in the run that is changed: −0.2 where a fifth of it goes.</summary>
    public IReadOnlyList<double> Relative =>
        [.. Enumerable.Range(0, Count).Select(place => _means[place] / MeanOver(place, _baselines.Base))];

    /// <summary>The mean change at a place: an index or a name for each axis, in any order, <c>[("layer", 1), ("head", 2)]</c>.</summary>
    /// <exception cref="ArgumentException">An axis is missing, unknown or named twice, or nothing is called so along it.</exception>
    public double this[params ReadOnlySpan<(string Axis, SweepCoordinate Label)> place] => _means[PlaceOf(place)];

    /// <summary>The changes of one prompt, the last axis fastest; NaN at places that it lacks.</summary>
    /// <param name="prompt">Its number.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such prompt.</exception>
    public IReadOnlyList<double> OfPrompt(int prompt)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(prompt);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(prompt, PromptCount);
        return _prompts[prompt];
    }

    /// <summary>The places with the largest absolute changes, by <see cref="Magnitudes"/>; equal ones keep their order.</summary>
    /// <param name="count">How many.</param>
    public IReadOnlyList<NodeScore> Top(int count) => [.. Ranked().Take(count).Select(ScoreOf)];

    /// <summary>
    /// Writes a row a place and prompt to a file of comma-separated values: a column an axis, <c>prompt</c>, <c>change</c>, and
    /// <c>value</c>, the metric with the change.
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, [.. Axes.Select(axis => axis.Name), "prompt", "change", "value"],
        from place in Enumerable.Range(0, Count)
        from prompt in Enumerable.Range(0, PromptCount)
        let change = _prompts[prompt][place]
        where !double.IsNaN(change)
        select Labels(place).Concat([Text(prompt), Text(change), Text(_baselines.Base[prompt] + change)]));

    /// <summary>
    /// Mean changes: a grid of two axes, or the places with the largest changes and their standard errors; and the warnings.
    /// </summary>
    public override string ToString()
    {
        double clean = _baselines.Clean.Average(), corrupted = _baselines.Corrupted.Average();
        string[] ends = ShortNumbers.Format([clean, corrupted]);
        string title = TextTable.Wrap(
            $"{Title}: change of {Metric}, which is {ends[0]} clean and {ends[1]} corrupted; {TextTable.Count(PromptCount, "prompt")}", 2);
        return $"{title}\n{(Axes.Length == 2 && Axes[1].Labels.Length <= MostColumns ? Grid() : List())}"
            + KeptTable.OfWarnings(Warnings);
    }

    /// <summary>Whether every layer, unit and token is a place of its own.</summary>
    internal bool IsOfEveryPosition => Axes is [.., { Name: "pos" }]
        && Axes.All(axis => axis.Labels.SequenceEqual(NodeAxis.Of(axis.Name, axis.Labels.Length).Labels));

    /// <summary>The number of a place.</summary>
    private int PlaceOf(ReadOnlySpan<(string Axis, SweepCoordinate Label)> place)
    {
        int?[] at = new int?[Axes.Length];
        foreach ((string name, SweepCoordinate label) in place)
        {
            int axis = Axes.ToList().FindIndex(one => one.Name == name);
            if (axis < 0 || at[axis] is not null)
                throw new ArgumentException(
                    $"{(axis < 0 ? "There is no axis" : "There are two labels of")} '{name}'; the axes are {Names}.", nameof(place));
            int index = Axes[axis].Labels.IndexOf($"{label}");
            at[axis] = index >= 0 ? index : throw new ArgumentException(
                $"Nothing is called '{label}' along '{name}': {string.Join(", ", Axes[axis].Labels.Take(MostPoints))}"
                + $"{(Axes[axis].Labels.Length > MostPoints ? ", …" : "")}.", nameof(place));
        }
        int missing = Array.IndexOf(at, null);
        return missing < 0
            ? at.Zip(Axes).Aggregate(0, (flat, pair) => (flat * pair.Second.Labels.Length) + pair.First!.Value)
            : throw new ArgumentException($"'{Axes[missing].Name}' is missing; the axes are {Names}.", nameof(place));
    }

    /// <summary>The labels of a place, one an axis.</summary>
    internal string[] Labels(int place)
    {
        string[] labels = new string[Axes.Length];
        for (int axis = Axes.Length - 1; axis >= 0; place /= Axes[axis].Labels.Length, axis--)
            labels[axis] = Axes[axis].Labels[place % Axes[axis].Labels.Length];
        return labels;
    }

    /// <summary>The places that some prompt has, those with the largest absolute changes first.</summary>
    internal IEnumerable<int> Ranked() =>
        Enumerable.Range(0, Count).Where(place => !double.IsNaN(_means[place])).OrderByDescending(place => _magnitudes[place]);

    internal NodeScore ScoreOf(int place) => new(
        Kind, string.Join(' ', Axes.Zip(Labels(place), (axis, label) => $"{axis.Name}={label}")), _means[place], _magnitudes[place]);

    private double StandardError(int place)
    {
        double[] changes = [.. _prompts.Select(prompt => prompt[place]).Where(double.IsFinite)];
        return changes.Length > 1 ? Spread.StandardError(changes) : double.NaN;
    }

    private string Names => Axes.IsEmpty ? "none" : string.Join(", ", Axes.Select(axis => axis.Name));

    private double MeanOver(int place, double[] values)
    {
        int[] having = [.. Enumerable.Range(0, PromptCount).Where(prompt => !double.IsNaN(_prompts[prompt][place]))];
        return having.Length == 0 ? double.NaN : having.Sum(prompt => values[prompt]) / having.Length;
    }

    private string Grid()
    {
        string[] numbers = ShortNumbers.Format(_means, isSigned: true);
        int columns = Axes[1].Labels.Length;
        TextTable table = new(
            [new($"{Axes[0].Name}\\{Axes[1].Name}"), .. Axes[1].Labels.Select(label => new TextColumn(label, IsNumber: true))]);
        for (int row = 0; row < Axes[0].Labels.Length; row++)
            table.Add([Axes[0].Labels[row], .. numbers.AsSpan(row * columns, columns)]);
        return table.Print(MostRows);
    }

    private string List()
    {
        int[] places = [.. Ranked().Take(MostPoints)];
        string[] means = ShortNumbers.Format([.. places.Select(place => _means[place])], isSigned: true);
        string[] magnitudes = ShortNumbers.Format([.. places.Select(place => _magnitudes[place])]);
        TextTable table = new(
        [
            .. Axes.Select(axis => new TextColumn(axis.Name, axis.Labels.All(label => int.TryParse(label, out _)))),
            new("mean", IsNumber: true), new("±", IsNumber: true), new("mean of |x|", IsNumber: true),
        ]);
        string[] errors = Spread.Format([.. places.Select(StandardError)]);
        for (int i = 0; i < places.Length; i++)
            table.Add([.. Labels(places[i]), means[i], errors[i], magnitudes[i]]);
        int others = Count - places.Length;
        return table.Print() + TextTable.Others(others, "place");
    }

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
