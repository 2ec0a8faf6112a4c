using System.Globalization;
using System.Xml.Linq;

namespace Interventions.Features;

/// <summary>A pruned graph as a picture: marks where <see cref="GraphPlaces"/> says, and edges as curves behind them.</summary>
internal sealed class GraphDrawing(PrunedGraph graph)
{
    private const string Adds = "#2166ac", TakesAway = "#b2182b";
    private const double Widest = 4, Thinnest = 0.4;

    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    private readonly GraphPlaces _places = new(graph);
    private readonly double _largest = graph.Edges.Select(edge => Math.Abs(edge.Weight)).DefaultIfEmpty(1).Max();

    public string Draw() => new XElement(
        s_svg + "svg", Numbers(("width", _places.Width), ("height", _places.Height)),
        new XAttribute("viewBox", $"0 0 {Text(_places.Width)} {Text(_places.Height)}"), new XAttribute("font-family", "sans-serif"),
        new XElement(s_svg + "title", "Attribution graph"),
        new XElement(s_svg + "style", ".edge { fill: none; stroke-opacity: 0.45 } .edge:hover { stroke: #000; stroke-opacity: 1 } "
            + ".node:hover { stroke: #000; stroke-width: 3px }"),
        new XElement(s_svg + "rect", new XAttribute("width", "100%"), new XAttribute("height", "100%"), new XAttribute("fill", "#ffffff")),
        Columns(), RowNames(), Heading(),
        graph.Edges.OrderBy(edge => Math.Abs(edge.Weight)).Select(Drawn), // the strongest above the others
        graph.Nodes.Zip(graph.CumulativeInfluences, Drawn), Logits()).ToString();

    private IEnumerable<XElement> Heading()
    {
        const int left = GraphPlaces.Margin, top = GraphPlaces.Margin;
        yield return Words($"{graph.Nodes.Length} nodes and {graph.Edges.Length} edges", left, top + 6, 14, "#000000", "start");
        (string Mark, string Meaning, string Colour)[] legend =
        [
            ("●", "feature", "#444444"), ("◆", "error", "#444444"), ("■", "token, logit", "#444444"), ("—", "adds", Adds),
            ("—", "takes away", TakesAway),
        ];
        double x = left;
        foreach ((string mark, string meaning, string colour) in legend)
        {
            yield return Words(mark, x, top + 28, 13, colour, "start");
            yield return Words(meaning, x + 16, top + 28, 11, "#333333", "start");
            x += 30 + (6.2 * meaning.Length);
        }
        yield return Words(
            string.Create(CultureInfo.InvariantCulture, $"widths are sizes, up to {_largest:0.###}; darker nodes have more influence"),
            left, top + 46, 11, "#333333", "start");
    }

    /// <summary>The tokens below, and a line between their columns.</summary>
    private IEnumerable<XElement> Columns()
    {
        double bottom = _places.Height - GraphPlaces.Margin - GraphPlaces.Foot;
        foreach ((int at, string text) in graph.Whole.TokenTexts.Index())
        {
            (double left, double width) = _places.Column(at);
            if (at % 2 == 1)
                yield return new XElement(s_svg + "rect", Numbers(
                    ("x", left), ("y", GraphPlaces.Margin + GraphPlaces.Heading - 8), ("width", width),
                    ("height", bottom - GraphPlaces.Margin - GraphPlaces.Heading + 12)), new XAttribute("fill", "#f6f6f6"));
            int fitting = Math.Max(3, (int)(width / 6.4));
            string shown = Shown(text);
            XElement words = Words(
                shown.Length > fitting ? shown[..(fitting - 1)] + "…" : shown, left + (width / 2), bottom + 22, 11, "#000000", "middle");
            words.Add(new XElement(s_svg + "title", $"token {at}: {shown}"));
            yield return words;
        }
    }

    private IEnumerable<XElement> RowNames()
    {
        for (int row = 0; row < _places.Rows; row++)
            yield return Words(
                row == 0 ? "tokens" : row == _places.Rows - 1 ? "logits" : string.Create(CultureInfo.InvariantCulture, $"layer {row - 1}"),
                GraphPlaces.Margin, _places.MiddleOf(row) + 4, 11, "#888888", "start");
    }

    private XElement Drawn(AttributionEdge edge)
    {
        ((double X, double Y) from, (double X, double Y) to) = (_places.Of(edge.Source), _places.Of(edge.Target));
        double bend = (from.Y - to.Y) / 2, width = Math.Max(Thinnest, Widest * Math.Abs(edge.Weight) / _largest);
        return new XElement(
            s_svg + "path", new XAttribute("class", "edge"), new XAttribute(
                "d", $"M{At(from)}C{At((from.X, from.Y - bend))} {At((to.X, to.Y + bend))} {At(to)}"),
            new XAttribute("stroke", edge.Weight < 0 ? TakesAway : Adds),
            new XAttribute("stroke-width", width.ToString("0.##", CultureInfo.InvariantCulture)),
            new XElement(s_svg + "title", $"{edge}"));
    }

    private XElement Drawn(AttributionNode node, double cumulative)
    {
        (double x, double y) = _places.Of(node);
        int grey = node.Kind == AttributionNodeKind.Logit ? 60 : (int)(60 + (150 * Math.Clamp(cumulative, 0, 1)));
        string size = node.Kind switch
        {
            AttributionNodeKind.Feature => $"M{At((x - 5, y))}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z",
            AttributionNodeKind.Error => $"M{At((x, y - 6))}l6 6l-6 6l-6 -6Z",
            _ => $"M{At((x - 5, y - 5))}h10v10h-10Z",
        };
        string details = node.Kind == AttributionNodeKind.Feature
            ? string.Create(CultureInfo.InvariantCulture, $", {node.Activation:0.###} active") : "";
        return new XElement(
            s_svg + "path", new XAttribute("class", "node"), new XAttribute("d", size),
            new XAttribute("fill", string.Create(CultureInfo.InvariantCulture, $"rgb({grey},{grey},{grey})")),
            new XAttribute("stroke", "#ffffff"), new XElement(s_svg + "title", $"{node.Name} \"{Shown(node.Text)}\"{details}"));
    }

    /// <summary>The texts of the likeliest logits, beside their marks.</summary>
    private IEnumerable<XElement> Logits() => graph.Nodes.Where(node => node.Kind == AttributionNodeKind.Logit).Take(1).Select(node =>
    {
        (double x, double y) = _places.Of(node);
        return Words(
            string.Create(CultureInfo.InvariantCulture, $"\"{Shown(node.Text)}\" {node.Probability:0.00}"),
            x + 6, y - 9, 11, "#000000", "end");
    });

    private static string Shown(string text) => string.Concat(text.Select(letter => letter switch
    {
        '\n' => '⏎',
        '\t' => '→',
        _ when char.IsControl(letter) || char.IsSurrogate(letter) => '�',
        _ => letter,
    }));

    private static XElement Words(string text, double x, double y, int size, string colour, string anchor) => new(
        s_svg + "text", Numbers(("x", x), ("y", y), ("font-size", size)), new XAttribute("fill", colour),
        new XAttribute("text-anchor", anchor), text);

    private static IEnumerable<XAttribute> Numbers(params (string Name, double Value)[] numbers) =>
        numbers.Select(number => new XAttribute(number.Name, Text(number.Value)));

    private static string At((double X, double Y) point) => $"{Text(point.X)} {Text(point.Y)}";

    private static string Text(double number) => number.ToString("0.#", CultureInfo.InvariantCulture);
}
