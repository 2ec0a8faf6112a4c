using System.Collections.Immutable;
using System.Globalization;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>A metric after each of some knockouts, of every prompt.</summary>
public sealed class KnockoutEffects
{
    private const int Printed = 20;

    private readonly double[][] _values;
    private readonly double[] _clean;

    internal KnockoutEffects(string metric, ImmutableArray<Knockout> knockouts, double[][] values, double[] clean) =>
        (Metric, Knockouts, _values, _clean) = (metric, knockouts, values, clean);

    /// <summary>The name of the metric.</summary>
    public string Metric { get; }

    /// <summary>The knockouts, as they were asked for.</summary>
    public ImmutableArray<Knockout> Knockouts { get; }

    /// <summary>What may be a slip: answers that lack a space, means over few prompts.</summary>
    public ImmutableArray<string> Warnings { get; internal init; } = [];

    /// <summary>The metric of every prompt without a knockout.</summary>
    public IReadOnlyList<double> Clean => _clean;

    /// <summary>How much the mean of the metric changes by a knockout: M(without the components) − M(clean).</summary>
    /// <exception cref="ArgumentException">It was not measured.</exception>
    public double this[Knockout knockout] => ValuesOfPrompts(knockout).Average() - _clean.Average();

    /// <summary>How much the metric of every prompt changes by a knockout.</summary>
    /// <exception cref="ArgumentException">It was not measured.</exception>
    public IReadOnlyList<double> OfPrompts(Knockout knockout) =>
        [.. ValuesOfPrompts(knockout).Zip(_clean, (value, clean) => value - clean)];

    /// <summary>The metric of every prompt after a knockout.</summary>
    /// <exception cref="ArgumentException">It was not measured.</exception>
    public IReadOnlyList<double> ValuesOfPrompts(Knockout knockout) => Knockouts.IndexOf(knockout) is >= 0 and int place
        ? _values[place]
        : throw new ArgumentException(
            $"'{knockout}' was not measured. Measured were, with their positions, {string.Join("; ", Knockouts.Take(3))}"
            + $"{(Knockouts.Length > 3 ? "; …" : "")}.", nameof(knockout));

    /// <summary>The standard error of a change, of the prompts' changes; NaN of one prompt.</summary>
    /// <exception cref="ArgumentException">It was not measured.</exception>
    public double StandardError(Knockout knockout) => Spread.StandardError(OfPrompts(knockout));

    /// <summary>Writes a line a knockout and prompt: <c>knockout,prompt,clean,changed</c>, the latter two the metric.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        CsvFile.Write(
            path, ["knockout", "prompt", "clean", "changed"],
            Knockouts.Zip(_values).SelectMany(one => one.Second.Select((changed, prompt) => (IEnumerable<string>)
                [$"{one.First}", Text(prompt), Text(_clean[prompt]), Text(changed)])));

        static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
    }

    /// <summary>The knockouts with the largest effects and their standard errors, as a table, and the warnings.</summary>
    public override string ToString()
    {
        Knockout[] shown = [.. Knockouts.Distinct().OrderByDescending(knockout => Math.Abs(this[knockout])).Take(Printed)];
        string[] values = ShortNumbers.Format([.. shown.Select(knockout => ValuesOfPrompts(knockout).Average())]);
        string[] effects = ShortNumbers.Format([.. shown.Select(knockout => this[knockout])], isSigned: true);
        string[] errors = Spread.Format([.. shown.Select(StandardError)]);
        TextTable table = new(
            new("knockout"), new(Metric, IsNumber: true), new("change", IsNumber: true), new("±", IsNumber: true));
        for (int i = 0; i < shown.Length; i++)
            table.Add(TextTable.Shorten($"{shown[i]}", 40), values[i], effects[i], errors[i]);
        return $"clean {ShortNumbers.Format([_clean.Average()])[0]}\n{table.Print()}"
            + TextTable.Others(Knockouts.Length - shown.Length, "knockout") + KeptTable.OfWarnings(Warnings);
    }
}
