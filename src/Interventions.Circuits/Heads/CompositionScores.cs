using System.Globalization;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>How much each head reads what each earlier one writes, see <see cref="HeadWeights.Composition"/>.</summary>
public sealed class CompositionScores
{
    private const int Printed = 5;

    private static readonly PortInput[] s_inputs = [PortInput.Query, PortInput.Key, PortInput.Value];

    private readonly double[] _values; // [input, earlier layer, head, later layer, head]

    internal CompositionScores(int layers, int heads, double[] values) => (Layers, Heads, _values) = (layers, heads, values);

    /// <summary>The number of layers.</summary>
    public int Layers { get; }

    /// <summary>The number of query heads of a layer.</summary>
    public int Heads { get; }

    /// <summary>The score of a pair of heads, from 0 to 1; 0 where the second one is not in a later layer.</summary>
    /// <param name="input">What the later head makes of it: its queries, keys or values.</param>
    /// <param name="earlier">The head that writes.</param>
    /// <param name="later">The head that reads.</param>
    /// <exception cref="ArgumentException">One of them is no head of the model, or the input is none of a head.</exception>
    public double this[PortInput input, Component earlier, Component later] => Array.IndexOf(s_inputs, input) is >= 0 and int place
        ? _values[(((place * Layers * Heads) + PlaceOf(earlier)) * Layers * Heads) + PlaceOf(later)]
        : throw new ArgumentException($"{input} is no input of a head: those are queries, keys and values.", nameof(input));

    /// <summary>All pairs of a head and one of a later layer, those with the largest scores first.</summary>
    /// <param name="input">What the later head makes of it.</param>
    /// <exception cref="ArgumentException">It is no input of a head.</exception>
    public IReadOnlyList<(Component Earlier, Component Later, double Score)> Ranked(PortInput input) =>
    [
        .. (
            from earlier in All()
            from later in All()
            where earlier.Layer < later.Layer
            select (earlier, later, this[input, earlier, later])).OrderByDescending(pair => pair.Item3),
    ];

    /// <summary>Writes a row a pair: <c>input, earlier_layer, earlier_head, later_layer, later_head, score</c>.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, ["input", "earlier_layer", "earlier_head", "later_layer", "later_head", "score"],
        from input in s_inputs
        from earlier in All()
        from later in All()
        where earlier.Layer < later.Layer
        select (string[])
        [
            Letter(input), Text(earlier.Layer), Text(earlier.Head), Text(later.Layer), Text(later.Head),
            this[input, earlier, later].ToString("R", CultureInfo.InvariantCulture),
        ]);

    /// <summary>The five pairs with the largest scores by queries, keys and values, as a table.</summary>
    public override string ToString()
    {
        TextTable table = new([.. s_inputs.SelectMany(input => (TextColumn[])[new($"{Letter(input)}: pair"), new("score", true)])]);
        (Component Earlier, Component Later, double Score)[][] best =
            [.. s_inputs.Select(input => Ranked(input).Take(Printed).ToArray())];
        string[][] numbers = [.. best.Select(pairs => ShortNumbers.Format([.. pairs.Select(pair => pair.Score)]))];
        for (int row = 0; row < best[0].Length; row++)
            table.Add([.. best.SelectMany((pairs, input) => (string[])
                [$"{Text(pairs[row].Earlier)}->{Text(pairs[row].Later)}", numbers[input][row]])]);
        int others = (Heads * Heads * Layers * (Layers - 1) / 2) - best[0].Length;
        return table.Print() + (others > 0 ? $"… and {TextTable.Count(others, "pair")} of each\n" : "");
    }

    private IEnumerable<Component> All() =>
        Enumerable.Range(0, Layers * Heads).Select(place => Component.OfHead(place / Heads, place % Heads));

    private int PlaceOf(Component head) => head.Kind == ComponentKind.Head && head.Layer >= 0 && head.Layer < Layers
        && head.Head >= 0 && head.Head < Heads
        ? (head.Layer * Heads) + head.Head
        : throw new ArgumentException($"'{head}' is no head: the model has {Layers} layers of {Heads} heads.", nameof(head));

    private static string Letter(PortInput input) => $"{input}"[..1];

    private static string Text(Component head) => $"{Text(head.Layer)}.{Text(head.Head)}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
