using System.Globalization;
using Interventions.Tables;

namespace Interventions.Circuits;

/// <summary>How edges with scores look in pictures: the colour says the sign, and the width the size.</summary>
internal sealed class EdgeLooks
{
    /// <summary>Of edges without which the metric falls, or rises, and of edges without a score.</summary>
    public const string Falls = "#2166ac", Rises = "#c0392b", Plain = "#555555";

    private const double Thinnest = 0.8, Widest = 6;

    private readonly EdgeScores? _scores;
    private readonly Dictionary<Edge, string> _texts = [];

    /// <summary>Looks of a circuit's edges.</summary>
    /// <exception cref="ArgumentException">The scores are of another graph.</exception>
    public EdgeLooks(Circuit circuit, EdgeScores? scores)
    {
        _scores = scores;
        if (scores is null)
            return;
        if (scores.Graph != circuit.Graph)
            throw new ArgumentException($"The scores are of {scores.Graph}, and the circuit of {circuit.Graph}.", nameof(scores));
        Edge[] edges = [.. circuit.Edges];
        double[] values = [.. edges.Select(edge => scores[edge])];
        Largest = values.Select(Math.Abs).DefaultIfEmpty(0).Max();
        foreach ((Edge edge, string text) in edges.Zip(ShortNumbers.Format(values, isSigned: true)))
            _texts.Add(edge, text);
    }

    /// <summary>The largest score, whatever its sign.</summary>
    public double Largest { get; }

    /// <summary>An edge's score: 0 where there are no scores.</summary>
    public double ScoreOf(Edge edge) => _scores?[edge] ?? 0;

    /// <summary>An edge's score as it is printed.</summary>
    public string TextOf(Edge edge) => _texts.GetValueOrDefault(edge, "");

    /// <summary>Ports and scores of edges that are one arrow: <c>q -0.52,v +0.10</c>.</summary>
    public string LabelOf(IEnumerable<Edge> edges) => string.Join(",", edges.Select(edge =>
        $"{(edge.Target.Input == PortInput.All ? "" : $"{edge.Target}"[^1])} {TextOf(edge)}".Trim()).Where(text => text.Length > 0));

    public string ColourOf(params IEnumerable<Edge> edges) => _scores is null ? Plain : ScoreOf(Strongest(edges)) <= 0 ? Falls : Rises;

    /// <summary>A width in pixels or points.</summary>
    public string WidthOf(params IEnumerable<Edge> edges) => (Largest == 0
        ? 1.5
        : Thinnest + ((Widest - Thinnest) * Math.Abs(ScoreOf(Strongest(edges))) / Largest)).ToString("0.##", CultureInfo.InvariantCulture);

    private Edge Strongest(IEnumerable<Edge> edges) => edges.MaxBy(edge => Math.Abs(ScoreOf(edge)));
}
