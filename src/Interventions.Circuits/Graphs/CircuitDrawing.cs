using System.Globalization;
using System.Xml.Linq;

namespace Interventions.Circuits;

/// <summary>A circuit as a picture: boxes where <see cref="CircuitPlaces"/> says, and edges as curves behind them.</summary>
internal sealed class CircuitDrawing
{
    private const int Labelled = 40, TextHeight = 12, BesideCurves = 36;

    private static readonly double[] s_alongCurves = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8];

    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    private readonly Circuit _circuit;
    private readonly EdgeLooks _looks;
    private readonly CircuitPlaces _places;
    private readonly bool _hasScores;

    public CircuitDrawing(Circuit circuit, EdgeScores? scores) => (_circuit, _looks, _places, _hasScores) =
        (circuit, new EdgeLooks(circuit, scores), new CircuitPlaces(circuit), scores is not null);

    public string Draw()
    {
        Edge[] edges = [.. _circuit.Edges.OrderBy(edge => Math.Abs(_looks.ScoreOf(edge)))]; // the strongest above the others
        Dictionary<Edge, Curve> curves = edges.ToDictionary(edge => edge, _places.CurveOf);
        // Curves that go round the boxes at the right, and the scores beside them.
        double width = Math.Max(_places.Width, curves.Values.Select(curve => curve.Right + BesideCurves).DefaultIfEmpty(0).Max());
        return new XElement(
            s_svg + "svg", Numbers(("width", width), ("height", _places.Height)),
            new XAttribute("viewBox", $"0 0 {Text(width)} {Text(_places.Height)}"), new XAttribute("font-family", "sans-serif"),
            new XElement(s_svg + "title", $"{_circuit}"),
            new XElement(s_svg + "style", ".edge { fill: none; stroke-opacity: 0.65 } .edge:hover { stroke: #000; stroke-opacity: 1 } "
                + ".score { paint-order: stroke; stroke: #fff; stroke-width: 3px }"),
            new XElement(s_svg + "rect", new XAttribute("width", "100%"), new XAttribute("height", "100%"), Fill("#ffffff")),
            Headings(), LayerNames(),
            edges.Select(edge => Drawn(edge, curves[edge])), _places.Boxes.Select(box => Drawn(box.Key, box.Value)),
            Scores(edges.Reverse().Take(_hasScores ? Labelled : 0), curves)).ToString();
    }

    private IEnumerable<XElement> Headings()
    {
        const int left = CircuitPlaces.Margin, top = CircuitPlaces.Margin;
        yield return Words($"{_circuit}", left, top + 4, 14, "#000000", "start");
        if (!_hasScores)
            yield break;
        (string Colour, string Meaning)[] signs =
            [(EdgeLooks.Falls, "− without the edge the metric falls"), (EdgeLooks.Rises, "+ without it the metric rises")];
        foreach ((int i, (string colour, string meaning)) in signs.Index())
        {
            yield return new XElement(
                s_svg + "path", new XAttribute("d", $"M{left + (i * 250)} {top + 20}h24"), Stroke(colour, "4"));
            yield return Words(meaning, left + 30 + (i * 250), top + 24, 11, "#333333", "start");
        }
        string largest = string.Create(CultureInfo.InvariantCulture, $"the width is the size, up to {_looks.Largest:0.####}");
        yield return Words(largest, left, top + 42, 11, "#333333", "start");
    }

    private IEnumerable<XElement> LayerNames() =>
        _places.Boxes.Where(box => box.Key.Kind is ComponentKind.Head or ComponentKind.Mlp).GroupBy(box => box.Key.Layer).Select(layer =>
            Words($"layer {layer.Key}", CircuitPlaces.Margin, layer.Max(box => box.Value.Y) + 4, 11, "#888888", "start"));

    private XElement Drawn(Component component, Box box)
    {
        string fill = component.Kind switch
        {
            ComponentKind.Head => "#eef3fa",
            ComponentKind.Mlp => "#f6f0e4",
            _ => "#efefef",
        };
        bool isHead = component.Kind == ComponentKind.Head;
        IEnumerable<XElement> ports = _circuit.Edges.Select(edge => edge.Target).Where(port => port.Component == component && isHead)
            .Distinct().Select(port => Words($"{port}"[^1..], box.PortX(port), box.Y + 13, 8, "#666666", "middle"));
        return new XElement(
            s_svg + "g", new XElement(s_svg + "title", $"{component}"),
            new XElement(
                s_svg + "rect", Numbers(("x", box.Left), ("y", box.Top), ("width", box.Width), ("height", Box.Height), ("rx", 5)),
                Fill(fill), Stroke("#444444", "1")),
            Words($"{component}", box.X, box.Y + (isHead ? 2 : 4), 12, "#000000", "middle"), ports);
    }

    private XElement Drawn(Edge edge, Curve curve) => new(
        s_svg + "path", new XAttribute("class", "edge"),
        new XAttribute("d", $"M{At(curve.Start)}C{At(curve.First)} {At(curve.Second)} {At(curve.End)}"),
        Stroke(_looks.ColourOf(edge), _looks.WidthOf(edge)), new XElement(s_svg + "title", $"{edge} {_looks.TextOf(edge)}".TrimEnd()));

    /// <summary>The largest scores, each beside its edge where nothing else is written; where there is no room, none.</summary>
    private IEnumerable<XElement> Scores(IEnumerable<Edge> edges, Dictionary<Edge, Curve> curves)
    {
        List<(double X, double Y, double Width, double Height)> taken =
            [.. _places.Boxes.Values.Select(box => (box.X, box.Y, box.Width, (double)Box.Height))];
        foreach (Edge edge in edges)
        {
            string text = _looks.TextOf(edge);
            double width = 6.2 * text.Length;
            foreach ((double x, double y) in s_alongCurves.Select(curves[edge].At).Where(IsFree).Take(1))
            {
                taken.Add((x, y, width, TextHeight));
                XElement words = Words(text, x, y + 3, 10, _looks.ColourOf(edge), "middle");
                words.Add(new XAttribute("class", "score"));
                yield return words;
            }

            bool IsFree((double X, double Y) place) => !taken.Any(other =>
                Math.Abs(other.X - place.X) < (other.Width + width) / 2 && Math.Abs(other.Y - place.Y) < (other.Height + TextHeight) / 2);
        }
    }

    private static XElement Words(string text, double x, double y, int size, string colour, string anchor) => new(
        s_svg + "text", Numbers(("x", x), ("y", y), ("font-size", size)), Fill(colour), new XAttribute("text-anchor", anchor), text);

    private static IEnumerable<XAttribute> Numbers(params (string Name, double Value)[] numbers) =>
        numbers.Select(number => new XAttribute(number.Name, Text(number.Value)));

    private static XAttribute Fill(string colour) => new("fill", colour);

    private static IEnumerable<XAttribute> Stroke(string colour, string width) => [new("stroke", colour), new("stroke-width", width)];

    private static string At((double X, double Y) point) => $"{Text(point.X)} {Text(point.Y)}";

    private static string Text(double number) => number.ToString("0.#", CultureInfo.InvariantCulture);
}
