using System.Globalization;
using System.Xml.Linq;

namespace Interventions.Circuits;

/// <summary>A circuit as a picture: where its parts stand, and its edges as curves behind them.</summary>
internal sealed class CircuitDrawing
{
    private const int BoxWidth = 66, BoxHeight = 32, Gap = 16, RowHeight = 84, Margin = 20, LabelWidth = 60, Header = 58, Labelled = 24;

    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    private readonly Circuit _circuit;
    private readonly EdgeLooks _looks;
    private readonly bool _hasScores;
    private readonly Dictionary<Component, (double X, double Y)> _middles = [];
    private readonly double _width, _height, _center;

    public CircuitDrawing(Circuit circuit, EdgeScores? scores)
    {
        (_circuit, _looks, _hasScores) = (circuit, new EdgeLooks(circuit, scores), scores is not null);
        IGrouping<(int, ComponentKind Kind), Component>[] rows = [.. circuit.Ranks()];
        int columns = rows.Select(row => row.Count()).DefaultIfEmpty(1).Max();
        bool hasMlps = rows.Any(row => row.Key.Kind == ComponentKind.Mlp);
        double heads = Math.Max(columns * (BoxWidth + Gap), 300);
        _center = Margin + LabelWidth + (heads / 2);
        _width = Math.Max(Margin + LabelWidth + heads + (hasMlps ? BoxWidth + (5 * Gap) : 0) + Margin, 560);
        _height = Header + (Math.Max(rows.Length, 1) * RowHeight) + Margin;
        foreach ((int i, IGrouping<(int, ComponentKind Kind), Component> row) in rows.Index())
        {
            double y = _height - Margin - (RowHeight * (i + 0.5)), first = _center - ((row.Count() - 1) * (BoxWidth + Gap) / 2.0);
            foreach ((int column, Component component) in row.Index())
                _middles.Add(component, row.Key.Kind == ComponentKind.Mlp
                    ? (_center + (heads / 2) + (2 * Gap) + (BoxWidth / 2.0), y)
                    : (first + (column * (BoxWidth + Gap)), y));
        }
    }

    public string Draw()
    {
        Edge[] edges = [.. _circuit.Edges.OrderBy(edge => Math.Abs(_looks.ScoreOf(edge)))]; // the strongest above the others
        return new XElement(
            s_svg + "svg", Numbers(("width", _width), ("height", _height)), new XAttribute("viewBox", $"0 0 {Text(_width)} {Text(_height)}"),
            new XAttribute("font-family", "sans-serif"),
            new XElement(s_svg + "title", $"{_circuit}"),
            new XElement(s_svg + "style", ".edge { fill: none; stroke-opacity: 0.7 } .edge:hover { stroke: #000; stroke-opacity: 1 } "
                + ".score { font-size: 10px; paint-order: stroke; stroke: #fff; stroke-width: 3px }"),
            new XElement(s_svg + "rect", new XAttribute("width", "100%"), new XAttribute("height", "100%"), Fill("#ffffff")),
            Headings(), LayerNames(), edges.Select(DrawnEdge), _middles.Select(middle => Box(middle.Key, middle.Value)),
            edges.Reverse().Take(_hasScores ? Labelled : 0).Select(Score)).ToString();
    }

    private IEnumerable<XElement> Headings()
    {
        yield return Words($"{_circuit}", Margin, Margin + 4, 14, "#000000", "start");
        if (!_hasScores)
            yield break;
        double y = Margin + 24, x = Margin;
        foreach ((string colour, string sign, string meaning) in ((string, string, string)[])
            [(EdgeLooks.Falls, "−", "the metric falls without the edge"), (EdgeLooks.Rises, "+", "it rises")])
        {
            yield return new XElement(
                s_svg + "path", new XAttribute("d", $"M{Text(x)} {Text(y - 4)}h24"), Stroke(colour, "4"), new XAttribute("class", "edge"));
            yield return Words($"{sign} {meaning}", x + 30, y, 11, "#333333", "start");
            x += 240;
        }
        yield return Words(
            string.Create(CultureInfo.InvariantCulture, $"width: size, up to {_looks.Largest:0.####}"), x - 130, y, 11, "#333333", "start");
    }

    private IEnumerable<XElement> LayerNames() =>
        _middles.Where(middle => middle.Key.Kind is ComponentKind.Head or ComponentKind.Mlp).GroupBy(middle => middle.Key.Layer).Select(
            layer => Words($"layer {layer.Key}", Margin, layer.Max(middle => middle.Value.Y) + 4, 11, "#888888", "start"));

    private XElement Box(Component component, (double X, double Y) middle)
    {
        string fill = component.Kind switch
        {
            ComponentKind.Head => "#eef3fa",
            ComponentKind.Mlp => "#f6f0e4",
            _ => "#efefef",
        };
        XElement box = new(
            s_svg + "rect", Numbers(("x", middle.X - (BoxWidth / 2)), ("y", middle.Y - (BoxHeight / 2)), ("rx", 5)),
            Numbers(("width", BoxWidth), ("height", BoxHeight)), Fill(fill), Stroke("#444444", "1"));
        bool isHead = component.Kind == ComponentKind.Head;
        IEnumerable<XElement> ports = _circuit.Edges.Select(edge => edge.Target).Where(port => port.Component == component && isHead)
            .Distinct().Select(port => Words($"{port}"[^1..], PlaceOf(port).X, middle.Y + 13, 8, "#666666", "middle"));
        return new XElement(
            s_svg + "g", new XElement(s_svg + "title", $"{component}"), box,
            Words($"{component}", middle.X, middle.Y + (isHead ? 2 : 4), 12, "#000000", "middle"), ports);
    }

    private XElement DrawnEdge(Edge edge)
    {
        (double X, double Y)[] curve = Curve(edge);
        string points = string.Join(' ', curve.Skip(1).Select(point => $"{Text(point.X)} {Text(point.Y)}"));
        return new XElement(
            s_svg + "path", new XAttribute("class", "edge"), new XAttribute("d", $"M{Text(curve[0].X)} {Text(curve[0].Y)}C{points}"),
            Stroke(_looks.ColourOf(edge), _looks.WidthOf(edge)), new XElement(s_svg + "title", $"{edge} {_looks.TextOf(edge)}".TrimEnd()));
    }

    private XElement Score(Edge edge, int rank)
    {
        // Not all at the same height, so that neighbours' numbers stand apart.
        (double X, double Y)[] curve = Curve(edge);
        double t = 0.5 + (0.14 * ((rank % 3) - 1)), u = 1 - t;
        double[] weights = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
        XElement text = Words(
            _looks.TextOf(edge), curve.Zip(weights).Sum(point => point.First.X * point.Second),
            curve.Zip(weights).Sum(point => point.First.Y * point.Second) + 3, 10, _looks.ColourOf(edge), "middle");
        text.Add(new XAttribute("class", "score"));
        return text;
    }

    /// <summary>
    /// A curve from the source's upper side to the target's port. One over several rows goes round what stands between, away from the
    /// middle, and so those that would be one line are several.
    /// </summary>
    private (double X, double Y)[] Curve(Edge edge)
    {
        (double X, double Y) middle = _middles[edge.Source], end = PlaceOf(edge.Target);
        double aim = Math.Clamp((end.X - middle.X) / 8, -BoxWidth / 3.0, BoxWidth / 3.0);
        (double X, double Y) start = (middle.X + aim, middle.Y - (BoxHeight / 2.0));
        double rise = start.Y - end.Y, rows = Math.Round((rise + BoxHeight) / RowHeight) - 1;
        double side = start.X + end.X >= 2 * _center ? 1 : -1, bend = side * Math.Min(14 * rows, 80);
        return [start, (start.X + bend, start.Y - (rise * 0.4)), (end.X + bend, end.Y + (rise * 0.4)), end];
    }

    /// <summary>Where edges enter a port: at the lower side of its component.</summary>
    private (double X, double Y) PlaceOf(Port port)
    {
        (double x, double y) = _middles[port.Component];
        double offset = port.Input == PortInput.All ? 0 : (port.Input - PortInput.Key) * BoxWidth / 3.4;
        return (x + offset, y + (BoxHeight / 2.0));
    }

    private static XElement Words(string text, double x, double y, int size, string colour, string anchor) => new(
        s_svg + "text", Numbers(("x", x), ("y", y), ("font-size", size)), Fill(colour), new XAttribute("text-anchor", anchor), text);

    private static IEnumerable<XAttribute> Numbers(params (string Name, double Value)[] numbers) =>
        numbers.Select(number => new XAttribute(number.Name, Text(number.Value)));

    private static XAttribute Fill(string colour) => new("fill", colour);

    private static IEnumerable<XAttribute> Stroke(string colour, string width) => [new("stroke", colour), new("stroke-width", width)];

    private static string Text(double number) => number.ToString("0.#", CultureInfo.InvariantCulture);
}
