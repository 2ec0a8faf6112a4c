using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Interventions.Files;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>
/// What a neuron did on a corpus: its largest activations with their texts, others at random, and how they are distributed.
/// </summary>
public sealed record NeuronExamples
{
    /// <summary>The neuron.</summary>
    public required Neuron Neuron { get; init; }

    /// <summary>The token that began contexts, if one did: it has no part in what is here, and in front of texts it is put again.</summary>
    public required long? Bos { get; init; }

    /// <summary>The tokens that were looked at.</summary>
    public required long Tokens { get; init; }

    /// <summary>On how many of them the activation was above the threshold.</summary>
    public required long Firing { get; init; }

    /// <summary>The mean activation over all tokens.</summary>
    public required double Mean { get; init; }

    /// <summary>The largest activation; 0 where the neuron never fired.</summary>
    public double Maximum => Top.IsEmpty ? 0 : Top[0].Activation;

    /// <summary>How activations are distributed over all tokens.</summary>
    public required ActivationHistogram Histogram { get; init; }

    /// <summary>The texts with the largest activations, the largest first: one example a context.</summary>
    public required ImmutableArray<NeuronExample> Top { get; init; }

    /// <summary>Texts on which it fired, drawn at random from all of those; the largest activation first.</summary>
    public required ImmutableArray<NeuronExample> Sampled { get; init; }

    /// <summary>Texts on which it did not fire, drawn at random from all of those.</summary>
    public required ImmutableArray<NeuronExample> Silent { get; init; }

    /// <summary>The share of tokens on which it fired.</summary>
    public double Frequency => Tokens == 0 ? 0 : (double)Firing / Tokens;

    /// <summary>
    /// Examples at evenly spread quantiles of the activation, of the random sample of texts on which the neuron fired: what top examples
    /// do not show.
    /// </summary>
    /// <param name="count">How many at most, at least one: the first at the largest activation, the last at the smallest.</param>
    public ImmutableArray<NeuronExample> Quantiles(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        int taken = Math.Min(count, Sampled.Length);
        return [.. Enumerable.Range(0, taken).Select(i => Sampled[taken == 1 ? 0 : i * (Sampled.Length - 1) / (taken - 1)])];
    }

    /// <summary>
    /// Largest activations of tokens, as a table: what the neuron would be if it saw one token alone. The baseline of every explanation.
    /// </summary>
    public TokenMaxima TokenMaxima => TokenMaxima.Of(Top.Concat(Sampled));

    /// <summary>Writes it as JSON. The file appears under its name only when it is complete.</summary>
    public void Save(string path) => StoredJson.Write(path, fields => Fields(fields, this));

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InterventionException">The file is malformed.</exception>
    public static NeuronExamples Load(string path) =>
        StoredJson.Read(File.ReadAllText(path), $"'{path}' has no examples of a neuron", fields => Fields(fields, null));

    /// <summary>The neuron, the distribution of its activations, and the top examples, with their pivots between « and ».</summary>
    public override string ToString() => Print(mostExamples: 10);

    /// <summary>The same with so many examples.</summary>
    internal string Print(int mostExamples)
    {
        StringBuilder text = new();
        string tokens = TextTable.Count(Tokens, "token");
        string largest = Top.IsEmpty ? "" : string.Create(CultureInfo.InvariantCulture, $", max {Maximum:0.###}");
        string heading = string.Create(
            CultureInfo.InvariantCulture,
            $"{Neuron}: fires on {Frequency:0.##%} of {tokens}, mean {Mean:0.###}{largest}; how many have which activation (logarithms):");
        text.Append(TextTable.Wrap(heading, 2)).Append($"\n{Histogram}\n");
        NeuronExample[] shown = [.. Top.Take(mostExamples)];
        string[] numbers = ShortNumbers.Format([.. shown.Select(example => example.Activation)]);
        int width = numbers.Select(number => number.Length).DefaultIfEmpty(0).Max();
        foreach ((NeuronExample example, string number) in shown.Zip(numbers))
            text.Append(number.PadLeft(width)).Append("  ").Append(example.Line(TextTable.Width - width - 2)).Append('\n');
        return text.Append(TextTable.Others(Top.Length - shown.Length, "example")).ToString();
    }

    /// <summary>Writes or reads it.</summary>
    internal static NeuronExamples Fields(JsonFields fields, NeuronExamples? examples) => new()
    {
        Neuron = Neuron.Fields(fields, examples?.Neuron),
        Bos = fields.OptionalInteger("bos", (int?)examples?.Bos),
        Tokens = fields.Long("tokens", examples?.Tokens),
        Firing = fields.Long("firing", examples?.Firing),
        Mean = fields.Number("mean", examples?.Mean),
        Histogram = fields.List<ActivationHistogram>(
            "histogram", examples is null ? default : [examples.Histogram], ActivationHistogram.Fields) is [{ } one]
            ? one : throw fields.Wrong("'histogram' is missing"),
        Top = fields.List<NeuronExample>("top", examples?.Top ?? default, NeuronExample.Fields),
        Sampled = fields.List<NeuronExample>("sampled", examples?.Sampled ?? default, NeuronExample.Fields),
        Silent = fields.List<NeuronExample>("silent", examples?.Silent ?? default, NeuronExample.Fields),
    };
}

/// <summary>What many neurons did on a corpus.</summary>
public sealed class MaxActivatingExamples : IReadOnlyList<NeuronExamples>
{
    private const string Ending = ".examples.json";

    private readonly ImmutableArray<NeuronExamples> _all;
    private readonly Dictionary<Neuron, NeuronExamples> _byNeuron;

    internal MaxActivatingExamples(IEnumerable<NeuronExamples> all)
    {
        _all = [.. all];
        _byNeuron = _all.ToDictionary(examples => examples.Neuron);
    }

    /// <inheritdoc/>
    public int Count => _all.Length;

    /// <inheritdoc/>
    public NeuronExamples this[int index] => _all[index];

    /// <summary>Those of a neuron.</summary>
    /// <exception cref="KeyNotFoundException">It was not looked at.</exception>
    public NeuronExamples this[Neuron neuron] => _byNeuron.TryGetValue(neuron, out NeuronExamples? found)
        ? found
        : throw new KeyNotFoundException($"{neuron} was not looked at; {TextTable.Count(Count, "neuron")} were, from {_all[0].Neuron} on.");

    /// <summary>Writes a file a neuron into a folder, <c>blocks.3.mlp.post.neuron17.examples.json</c>.</summary>
    /// <param name="folder">The folder; it is made if it is missing.</param>
    public void Save(string folder)
    {
        foreach (NeuronExamples examples in _all)
            examples.Save(Path.Combine(folder, examples.Neuron.FileName + Ending));
    }

    /// <summary>Reads all files that <see cref="Save"/> wrote into a folder, in the order of neurons.</summary>
    /// <exception cref="InterventionException">The folder has none, or one is malformed.</exception>
    public static MaxActivatingExamples Load(string folder)
    {
        NeuronExamples[] all = [.. Directory.GetFiles(folder, "*" + Ending).Select(NeuronExamples.Load)];
        return all.Length == 0
            ? throw new InterventionException($"'{folder}' has no examples of neurons: their files end in '{Ending}'.")
            : new MaxActivatingExamples(all.OrderBy(one => one.Neuron.Site, StringComparer.Ordinal).ThenBy(one => one.Neuron.Index));
    }

    /// <summary>
    /// Writes a page of all these neurons, with distributions, texts coloured by activation, and nothing that is loaded from elsewhere.
    /// </summary>
    /// <param name="path">An <c>.html</c> file. It appears under its name only when it is complete.</param>
    public void SaveHtml(string path) => NeuronPage.Write(path, _all);

    /// <summary>The neurons with the largest activations, and the tokens on which they have them.</summary>
    public override string ToString()
    {
        // As a number it is not cut.
        TextTable table = new(
            new TextColumn("neuron", IsNumber: true), new TextColumn("fires", IsNumber: true), new TextColumn("max", IsNumber: true),
            new TextColumn("mean", IsNumber: true), new TextColumn("top tokens"));
        NeuronExamples[] sorted = [.. _all.OrderByDescending(examples => examples.Maximum)];
        string[] maxima = ShortNumbers.Format([.. sorted.Select(one => one.Maximum)]);
        string[] means = ShortNumbers.Format([.. sorted.Select(one => one.Mean)]);
        foreach ((int i, NeuronExamples one) in sorted.Index())
        {
            IEnumerable<string> tokens = one.Top.Select(example => TextTable.Quote(example.Texts[example.Pivot])).Distinct().Take(4);
            table.Add(
                $"{one.Neuron}", one.Frequency.ToString("0.##%", CultureInfo.InvariantCulture), maxima[i], means[i],
                string.Join(' ', tokens));
        }
        return table.Print(mostRows: 20);
    }

    /// <inheritdoc/>
    public IEnumerator<NeuronExamples> GetEnumerator() => ((IEnumerable<NeuronExamples>)_all).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
