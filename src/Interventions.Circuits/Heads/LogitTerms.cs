using System.Globalization;
using Interventions.Results;
using Interventions.Sites;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>
/// What parts of the residual stream, or the whole stream at several depths, say about an answer: each a number a prompt, in logits.
/// </summary>
public sealed class LogitTerms
{
    private const int Printed = 10;

    private readonly double[][] _values;
    private readonly Dictionary<string, int> _places;
    private readonly bool _areParts;

    /// <param name="direction">What was asked of the logits.</param>
    /// <param name="names">The terms' names.</param>
    /// <param name="values">Of each term a number a prompt.</param>
    /// <param name="measured">The model's own number, of each prompt.</param>
    /// <param name="areParts">Whether they are parts of one sum, so that the largest ones come first.</param>
    internal LogitTerms(
        LogitDirection direction, IReadOnlyList<string> names, double[][] values, IReadOnlyList<double> measured, bool areParts)
    {
        (Direction, Names, _values, Measured, _areParts) = (direction, names, values, measured, areParts);
        _places = names.Index().ToDictionary(name => name.Item, name => name.Index);
    }

    /// <summary>What was asked of the logits.</summary>
    public LogitDirection Direction { get; }

    /// <summary>The terms' names, in the order of computation.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The number of prompts.</summary>
    public int PromptCount => Measured.Count;

    /// <summary>What the model itself says, of each prompt.</summary>
    public IReadOnlyList<double> Measured { get; }

    /// <summary>A term's mean over prompts.</summary>
    /// <exception cref="ArgumentException">There is no such term.</exception>
    public double this[string name] => OfPrompts(name).Average();

    /// <summary>A component's mean over prompts.</summary>
    /// <exception cref="ArgumentException">There is no such term.</exception>
    public double this[Component component] => this[$"{component}"];

    /// <summary>A term's numbers, one a prompt.</summary>
    /// <exception cref="ArgumentException">There is no such term.</exception>
    public IReadOnlyList<double> OfPrompts(string name) => _places.TryGetValue(name, out int place)
        ? _values[place]
        : throw new ArgumentException(
            $"There is no term '{name}'; {(Spelling.Nearest(name, Names) is { } nearest
                ? $"did you mean '{nearest}'?" : $"there are {string.Join(", ", Names.Take(4))}, …")}",
            nameof(name));

    /// <summary>All terms, those with the largest absolute means first.</summary>
    public IReadOnlyList<string> Ranked() => [.. Names.OrderByDescending(name => Math.Abs(this[name]))];

    /// <summary>How much each term is more than that of other ones of the same names, prompt by prompt.</summary>
    /// <exception cref="ArgumentException">The other ones have other names, or other prompts.</exception>
    public LogitTerms Minus(LogitTerms other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Names.SequenceEqual(other.Names) && PromptCount == other.PromptCount
            ? new LogitTerms(
                Direction, Names, [.. _values.Zip(other._values, Difference)], Difference(Measured, other.Measured), _areParts)
            : throw new ArgumentException("Terms of other parts, or of other prompts, have no difference.", nameof(other));

        static double[] Difference(IReadOnlyList<double> ours, IReadOnlyList<double> theirs) =>
            [.. ours.Zip(theirs, (own, its) => own - its)];
    }

    /// <summary>Writes a row a number: <c>term, prompt, value</c>.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, ["term", "prompt", "value"],
        from name in Names
        from prompt in OfPrompts(name).Index()
        select (string[])
        [
            name, prompt.Index.ToString(CultureInfo.InvariantCulture), prompt.Item.ToString("R", CultureInfo.InvariantCulture),
        ]);

    /// <summary>
    /// The means as a table: of parts the ten largest and the sum of all, of depths each; and what the model itself says.
    /// </summary>
    public override string ToString()
    {
        string[] names = [.. _areParts ? Ranked().Take(Printed) : Names];
        double[] means = [.. names.Select(name => this[name])];
        double sum = Names.Sum(name => this[name]);
        (string Name, double Mean)[] rows =
        [
            .. names.Zip(means),
            .. _areParts && names.Length < Names.Count ? [("others", sum - means.Sum())] : Array.Empty<(string, double)>(),
            ("model", Measured.Average()),
        ];
        TextTable table = new(new TextColumn("term"), new TextColumn($"{Direction}", true));
        foreach ((string name, string number) in rows.Select(row => row.Name)
            .Zip(ShortNumbers.Format([.. rows.Select(row => row.Mean)], isSigned: true)))
            table.Add(name, number);
        return table.Print();
    }
}
