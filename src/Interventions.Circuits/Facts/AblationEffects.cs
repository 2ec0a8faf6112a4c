using System.Globalization;
using Interventions.Results;
using Interventions.Sites;
using Interventions.Tables;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// What metrics lose where one thing at a time is ablated, such as a neuron or a path: of each thing, metric and prompt a change, the
/// metric with the ablation less that without.
/// </summary>
public sealed class AblationEffects
{
    private const int Printed = 10;

    private readonly Dictionary<string, int> _places;
    private readonly IReadOnlyDictionary<string, double[][]> _changes; // by metric: [thing][prompt]
    private readonly IReadOnlyDictionary<string, double[]> _unchanged; // by metric: [prompt]

    internal AblationEffects(
        string what, IReadOnlyList<string> names, IReadOnlyDictionary<string, double[][]> changes,
        IReadOnlyDictionary<string, double[]> unchanged)
    {
        (What, Names, _changes, _unchanged) = (what, names, changes, unchanged);
        _places = names.Index().ToDictionary(name => name.Item, name => name.Index);
    }

    /// <summary>The changes of a swept run, from those of its points.</summary>
    /// <param name="what">What is ablated.</param>
    /// <param name="names">The names of the points.</param>
    /// <param name="measured">The metrics.</param>
    /// <param name="prompts">The prompts; the first run is the unchanged one.</param>
    /// <param name="run">The run.</param>
    /// <param name="reduce">Takes a metric at all points to <c>[point, prompt]</c>; it is that unless this is given.</param>
    internal static AblationEffects Of(
        string what, IReadOnlyList<string> names, InterventionGraph measured, IPromptSet prompts, RunResult run,
        Func<Tensor, Tensor>? reduce = null)
    {
        (string from, int count) = (prompts.Vocabulary.Runs[0], prompts.Prompts.Count);
        return new AblationEffects(
            what, names,
            measured.Metrics.ToDictionary(one => one.Name, one =>
            {
                Tensor changed = run.Changed(one.Name).Values;
                return (reduce is null ? changed : reduce(changed)).sub(run.Run(from)[one.Name]).Doubles().Chunk(count).ToArray();
            }),
            measured.Metrics.ToDictionary(one => one.Name, one => run.Run(from)[one.Name].Doubles()));
    }

    /// <summary>What is ablated: <c>path</c>, <c>neuron</c>.</summary>
    public string What { get; }

    /// <summary>The names of the ablated things, in order: <c>m2-&gt;m4</c>, <c>5.6045</c>.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The names of the metrics.</summary>
    public IReadOnlyList<string> Metrics => [.. _changes.Keys];

    /// <summary>The number of prompts.</summary>
    public int PromptCount => _unchanged.Values.First().Length;

    /// <summary>A metric's mean change.</summary>
    /// <exception cref="ArgumentException">There is no such metric, or nothing of that name was ablated.</exception>
    public double this[string metric, string name] => OfPrompts(metric, name).Average();

    /// <summary>A metric's changes, one a prompt.</summary>
    /// <exception cref="ArgumentException">There is no such metric, or nothing of that name was ablated.</exception>
    public IReadOnlyList<double> OfPrompts(string metric, string name) => _places.TryGetValue(name, out int place)
        ? MetricsAlone.Of(_changes, metric)[place]
        : throw new ArgumentException(
            $"'{name}' was not ablated; {(Spelling.Nearest(name, Names) is { } nearest
                ? $"did you mean '{nearest}'?" : $"there are {string.Join(", ", Names.Take(4))}, …")}",
            nameof(name));

    /// <summary>A metric's mean over prompts without any ablation.</summary>
    /// <exception cref="ArgumentException">There is no such metric.</exception>
    public double Unchanged(string metric) => MetricsAlone.Of(_unchanged, metric).Average();

    /// <summary>A metric's numbers without any ablation, one a prompt.</summary>
    /// <exception cref="ArgumentException">There is no such metric.</exception>
    public IReadOnlyList<double> UnchangedOf(string metric) => MetricsAlone.Of(_unchanged, metric);

    /// <summary>All names, those with the largest absolute mean changes of a metric first.</summary>
    /// <exception cref="ArgumentException">There is no such metric.</exception>
    public IReadOnlyList<string> Ranked(string metric) => [.. Names.OrderByDescending(name => Math.Abs(this[metric, name]))];

    /// <summary>
    /// How alike the changes of two prompts are, over all that was ablated: Pearson's correlation, from −1 to 1; 0 where one of them does
    /// not change differently anywhere. Facts that share no mechanism have correlations near 0.
    /// </summary>
    /// <param name="metric">The metric.</param>
    /// <param name="first">A prompt's number.</param>
    /// <param name="second">Another's.</param>
    /// <exception cref="ArgumentException">There is no such metric or prompt.</exception>
    public double Correlation(string metric, int first, int second)
    {
        foreach (int prompt in (int[])[first, second])
        {
            ArgumentOutOfRangeException.ThrowIfNegative(prompt, nameof(first));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(prompt, PromptCount, nameof(first));
        }
        double[][] changes = MetricsAlone.Of(_changes, metric);
        double[] a = Centred(first), b = Centred(second);
        double sizes = Math.Sqrt(a.Sum(x => x * x) * b.Sum(x => x * x));
        return sizes == 0 ? 0 : a.Zip(b, (x, y) => x * y).Sum() / sizes;

        double[] Centred(int prompt)
        {
            double mean = changes.Average(ofThing => ofThing[prompt]);
            return [.. changes.Select(ofThing => ofThing[prompt] - mean)];
        }
    }

    /// <summary>Writes a row a number: what was ablated, <c>metric, prompt, change</c>.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, [What, "metric", "prompt", "change"],
        from name in Names
        from metric in Metrics
        from prompt in OfPrompts(metric, name).Index()
        select (string[])
        [
            name, metric, prompt.Index.ToString(CultureInfo.InvariantCulture), prompt.Item.ToString("R", CultureInfo.InvariantCulture),
        ]);

    /// <summary>The ten with the largest mean changes of the first metric, as a table; the first row is the metrics' own means.</summary>
    public override string ToString()
    {
        string[] names = [.. Ranked(Metrics[0]).Take(Printed)];
        TextTable table = new([new TextColumn(What), .. Metrics.Select(metric => new TextColumn(metric, true))]);
        table.Add(["none", .. Metrics.Select(metric => ShortNumbers.Format([Unchanged(metric)])[0])]);
        string[][] numbers =
            [.. Metrics.Select(metric => ShortNumbers.Format([.. names.Select(name => this[metric, name])], isSigned: true))];
        foreach ((int row, string name) in names.Index())
            table.Add([name, .. numbers.Select(of => of[row])]);
        return table.Print() + TextTable.Others(Names.Count - Printed, What);
    }
}
