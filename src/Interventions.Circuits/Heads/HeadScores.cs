using System.Globalization;
using Interventions.Results;
using Interventions.Sites;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// Numbers of every head, of one kind or several: one a prompt, and their mean. What does not depend on prompts, such as a score of
/// weights, is one number.
/// </summary>
public sealed class HeadScores
{
    private const int Printed = 5;

    private readonly string[] _kinds;
    private readonly double[] _values, _means;

    /// <summary>Scores of some kinds.</summary>
    /// <param name="kinds">The names of the kinds.</param>
    /// <param name="values"><c>[kind, layer, head, prompt]</c>; it is copied.</param>
    /// <param name="ranking">Which heads come first: those with the largest numbers, unless said otherwise.</param>
    /// <exception cref="ArgumentException">The tensor has other axes, no prompt, or a number that is none.</exception>
    public HeadScores(IReadOnlyList<string> kinds, Tensor values, Ranking ranking = Ranking.MostPositive)
    {
        ArgumentNullException.ThrowIfNull(kinds);
        ArgumentNullException.ThrowIfNull(values);
        if (values.shape is not [long count, long layers, long heads, long prompts] || count != kinds.Count || values.numel() == 0)
            throw new ArgumentException(
                $"The values are [{string.Join(", ", values.shape)}]; needed is [kind={kinds.Count}, layer, head, prompt].",
                nameof(values));
        (_kinds, Ranking, Layers, Heads, PromptCount) = ([.. kinds], ranking, (int)layers, (int)heads, (int)prompts);
        _values = values.Doubles();
        _means = [.. _values.Chunk(PromptCount).Select(ofPrompts => ofPrompts.Average())];
        if (Array.FindIndex(_values, value => !double.IsFinite(value)) is >= 0 and int wrong)
        {
            (int kind, int head) = Math.DivRem(wrong / PromptCount, Layers * Heads);
            throw new ArgumentException($"The {kinds[kind]} score of head {HeadAt(head)} is {_values[wrong]}.", nameof(values));
        }
    }

    /// <summary>The names of the kinds.</summary>
    public IReadOnlyList<string> Kinds => _kinds;

    /// <summary>Which heads come first.</summary>
    public Ranking Ranking { get; }

    /// <summary>The number of layers.</summary>
    public int Layers { get; }

    /// <summary>The number of query heads of a layer.</summary>
    public int Heads { get; }

    /// <summary>The number of prompts; 1 where the scores do not depend on prompts.</summary>
    public int PromptCount { get; }

    /// <summary>A head's mean over prompts.</summary>
    /// <exception cref="ArgumentException">There is no such kind or head.</exception>
    public double this[string kind, int layer, int head] => _means[PlaceOf(kind, layer, head)];

    /// <summary>A head's numbers, one a prompt.</summary>
    /// <exception cref="ArgumentException">There is no such kind or head.</exception>
    public IReadOnlyList<double> OfPrompts(string kind, int layer, int head) =>
        _values.AsSpan(PlaceOf(kind, layer, head) * PromptCount, PromptCount).ToArray();

    /// <summary>All heads by their means, the first ones of the <see cref="Ranking"/> first. Equal ones keep the model's order.</summary>
    /// <param name="kind">The kind.</param>
    /// <exception cref="ArgumentException">There is no such kind.</exception>
    public IReadOnlyList<Component> Ranked(string kind)
    {
        int first = PlaceOf(kind) * Layers * Heads;
        return [.. Enumerable.Range(0, Layers * Heads).OrderBy(head => EdgeScores.Key(_means[first + head], Ranking)).Select(Head)];

        Component Head(int place) => Component.OfHead(place / Heads, place % Heads);
    }

    /// <summary>A head's place in <see cref="Ranked"/>, counted from 1.</summary>
    /// <exception cref="ArgumentException">There is no such kind or head.</exception>
    public int RankOf(string kind, int layer, int head)
    {
        PlaceOf(kind, layer, head);
        return Place(Ranked(kind), Component.OfHead(layer, head));
    }

    /// <summary>Writes a row a number: <c>kind, layer, head, prompt, value</c>.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, ["kind", "layer", "head", "prompt", "value"],
        from kind in Kinds
        from layer in Enumerable.Range(0, Layers)
        from head in Enumerable.Range(0, Heads)
        from prompt in OfPrompts(kind, layer, head).Index()
        select (string[])[kind, Text(layer), Text(head), Text(prompt.Index), prompt.Item.ToString("R", CultureInfo.InvariantCulture)]);

    /// <summary>The first five heads of each kind, with the means and ranks of all kinds, as a table.</summary>
    public override string ToString()
    {
        IReadOnlyList<Component>[] ranked = [.. Kinds.Select(Ranked)];
        Component[] shown = [.. ranked.SelectMany(heads => heads.Take(Printed)).Distinct()];
        TextTable table = new(
        [
            new TextColumn("head"), .. Kinds.SelectMany(kind => (TextColumn[])[new(kind, true), new("rank", true)]),
        ]);
        string[][] numbers =
        [
            .. Kinds.Select(kind => ShortNumbers.Format(
                [.. shown.Select(head => this[kind, head.Layer, head.Head])], isSigned: Ranking != Ranking.MostPositive)),
        ];
        foreach ((int row, Component head) in shown.Index())
            table.Add(
            [
                $"{head.Layer}.{head.Head}",
                .. Kinds.SelectMany((_, kind) => (string[])[numbers[kind][row], Text(Place(ranked[kind], head))]),
            ]);
        return table.Print() + TextTable.Others((Layers * Heads) - shown.Length, "head");
    }

    private int PlaceOf(string kind) => Array.IndexOf(_kinds, kind) is >= 0 and int place
        ? place
        : throw new ArgumentException(
            $"There is no score '{kind}'; {(Spelling.Nearest(kind, Kinds) is { } nearest
                ? $"did you mean '{nearest}'?" : $"there are {string.Join(", ", Kinds)}.")}",
            nameof(kind));

    private int PlaceOf(string kind, int layer, int head) => layer >= 0 && layer < Layers && head >= 0 && head < Heads
        ? (((PlaceOf(kind) * Layers) + layer) * Heads) + head
        : throw new ArgumentException($"There is no head {layer}.{head}: the model has {Layers} layers of {Heads} heads.", nameof(head));

    private static int Place(IReadOnlyList<Component> ranked, Component head) =>
        ranked.Index().First(other => other.Item == head).Index + 1;

    private string HeadAt(int place) => $"{place / Heads}.{place % Heads}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
