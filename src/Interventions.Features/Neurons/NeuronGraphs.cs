using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>Graphs of many neurons, with an index of their tokens.</summary>
public sealed class NeuronGraphs : IReadOnlyList<NeuronGraph>
{
    /// <summary>How files of graphs end in a folder of them.</summary>
    internal const string Ending = ".graph.json";

    private readonly ImmutableArray<NeuronGraph> _graphs;
    private readonly ILookup<string, NeuronGraph> _activating, _context;

    /// <summary>Indexes graphs.</summary>
    public NeuronGraphs(IEnumerable<NeuronGraph> graphs)
    {
        _graphs = [.. graphs];
        _activating = Index(graph => graph.Activating);
        _context = Index(graph => graph.Context);
    }

    /// <inheritdoc/>
    public int Count => _graphs.Length;

    /// <inheritdoc/>
    public NeuronGraph this[int index] => _graphs[index];

    /// <summary>The graph of a neuron.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public NeuronGraph this[Neuron neuron] => _graphs.FirstOrDefault(graph => graph.Neuron == neuron)
        ?? throw new KeyNotFoundException($"There is no graph of {neuron}; there are {TextTable.Count(Count, "graph")}.");

    /// <summary>Reads all graphs that <see cref="NeuronToGraph"/> or <see cref="Save"/> left in a folder, by neuron.</summary>
    /// <exception cref="InterventionException">The folder has none, or one is malformed.</exception>
    public static NeuronGraphs Load(string folder)
    {
        NeuronGraph[] graphs = [.. Directory.GetFiles(folder, "*" + Ending).Select(NeuronGraph.Load)];
        return graphs.Length == 0
            ? throw new InterventionException($"'{folder}' has no graphs of neurons: their files end in '{Ending}'.")
            : new NeuronGraphs(graphs.OrderBy(one => one.Neuron.Site, StringComparer.Ordinal).ThenBy(one => one.Neuron.Index));
    }

    /// <summary>Writes a file a graph into a folder, <c>blocks.3.mlp.post.neuron17.graph.json</c>.</summary>
    /// <param name="folder">The folder; it is made if it is missing.</param>
    public void Save(string folder)
    {
        foreach (NeuronGraph graph in _graphs)
            graph.Save(Path.Combine(folder, graph.Neuron.FileName + Ending));
    }

    /// <summary>The neurons that fire on all of some tokens and look back at all of others; the largest activations first.</summary>
    /// <param name="activating">Tokens on which they fire; written as in a text, with or without space and capital.</param>
    /// <param name="context">Tokens in front of these that matter.</param>
    /// <exception cref="ArgumentException">No token is given.</exception>
    public IReadOnlyList<NeuronGraph> Search(IEnumerable<string>? activating = null, IEnumerable<string>? context = null)
    {
        (ILookup<string, NeuronGraph> Index, string Key)[] asked =
        [
            .. (activating ?? []).Select(token => (_activating, NeuronGraph.KeyOf(token))),
            .. (context ?? []).Select(token => (_context, NeuronGraph.KeyOf(token))),
        ];
        if (asked.Length == 0)
            throw new ArgumentException("Give tokens on which neurons fire, or tokens in front of these.", nameof(activating));
        return
        [
            .. asked.Select(one => one.Index[one.Key]).Aggregate((all, some) => all.Intersect(some))
                .OrderByDescending(graph => graph.Maximum),
        ];
    }

    /// <summary>The neurons whose graphs have the most tokens in common with a graph, that one left out.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<NeuronGraphComparison> Similar(NeuronGraph graph, int most = 10)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return
        [
            .. _graphs.Where(other => other.Neuron != graph.Neuron).Select(other => NeuronGraphComparison.Of(graph, other))
                .Where(comparison => comparison.Similarity > 0).OrderByDescending(comparison => comparison.Similarity).Take(most),
        ];
    }

    /// <summary>
    /// The neurons, best predicted first: precision, recall and F1 of firing on held-out examples, and the F1 of a table of tokens.
    /// </summary>
    public override string ToString()
    {
        // As a number, a neuron's name is not cut.
        TextTable table = new(
            new TextColumn("neuron", IsNumber: true), new TextColumn("paths", IsNumber: true), new TextColumn("P", IsNumber: true),
            new TextColumn("R", IsNumber: true), new TextColumn("F1", IsNumber: true), new TextColumn("token F1", IsNumber: true),
            new TextColumn("fires on"));
        foreach (NeuronGraph graph in _graphs.OrderByDescending(graph => graph.HeldOut?.Firing.F1 ?? -1))
            table.Add(
                $"{graph.Neuron}", graph.Paths.Length.ToString(CultureInfo.InvariantCulture), Number(graph.HeldOut?.Firing.Precision),
                Number(graph.HeldOut?.Firing.Recall), Number(graph.HeldOut?.Firing.F1), Number(graph.Baseline?.Firing.F1),
                string.Join(' ', graph.Paths.Select(path => path.Steps[0].Token!).Distinct().Take(4).Select(TextTable.Quote)));
        return table.Print(mostRows: 20);

        static string Number(double? score) => score?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";
    }

    /// <inheritdoc/>
    public IEnumerator<NeuronGraph> GetEnumerator() => ((IEnumerable<NeuronGraph>)_graphs).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private ILookup<string, NeuronGraph> Index(Func<NeuronGraph, IEnumerable<string>> keys) =>
        _graphs.SelectMany(graph => keys(graph).Select(key => (Key: key, Graph: graph))).ToLookup(one => one.Key, one => one.Graph);
}

/// <summary>What two neurons look at alike: tokens on which they fire, and tokens in front of those.</summary>
/// <param name="First">A graph.</param>
/// <param name="Second">Another one.</param>
/// <param name="Shared">Tokens that have the same part in both; those on which neurons fire first.</param>
/// <param name="OnlyFirst">Those of the first alone.</param>
/// <param name="OnlySecond">Those of the second alone.</param>
public sealed record NeuronGraphComparison(
    NeuronGraph First, NeuronGraph Second, ImmutableArray<string> Shared, ImmutableArray<string> OnlyFirst,
    ImmutableArray<string> OnlySecond)
{
    /// <summary>How many tokens are shared, of those of the graph with more of them; 0 where neither has any.</summary>
    public double Similarity => (double)Shared.Length / Math.Max(1, Shared.Length + Math.Max(OnlyFirst.Length, OnlySecond.Length));

    /// <summary>Compares two graphs.</summary>
    public static NeuronGraphComparison Of(NeuronGraph first, NeuronGraph second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        (bool, string)[] one = [.. Tokens(first)], other = [.. Tokens(second)];
        return new NeuronGraphComparison(first, second, Texts(one.Intersect(other)), Texts(one.Except(other)), Texts(other.Except(one)));

        static IEnumerable<(bool IsContext, string Token)> Tokens(NeuronGraph graph) =>
            [.. graph.Activating.Select(token => (false, token)), .. graph.Context.Select(token => (true, token))];

        static ImmutableArray<string> Texts(IEnumerable<(bool IsContext, string Token)> tokens) =>
            [.. tokens.Select(token => token.IsContext ? $"{token.Token} →" : token.Token)];
    }

    /// <summary>The similarity, and the tokens; an arrow stands behind those that are looked back at.</summary>
    public override string ToString()
    {
        string head = string.Create(CultureInfo.InvariantCulture, $"{First.Neuron} and {Second.Neuron}: similarity {Similarity:0.00}");
        return $"{TextTable.Wrap(head, 2)}\n" + Line("shared", Shared) + Line("first", OnlyFirst) + Line("second", OnlySecond);

        static string Line(string title, ImmutableArray<string> tokens) => tokens.IsEmpty ? "" :
            TextTable.Wrap($"{title}: {string.Join(", ", tokens.Take(20).Select(NeuronExample.OneLine))}"
                + (tokens.Length > 20 ? $" and {tokens.Length - 20} more" : ""), 2) + "\n";
    }
}
