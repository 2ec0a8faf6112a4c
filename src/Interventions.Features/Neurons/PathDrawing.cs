using System.Globalization;
using System.Xml.Linq;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>A token of a graph's picture: all steps with it that are so far in front of where the neuron fires.</summary>
/// <param name="Depth">How many tokens it is in front of that.</param>
/// <param name="Token">The token's key.</param>
/// <param name="Number">Its place among all boxes.</param>
internal sealed record PathBox(int Depth, string Token, int Number)
{
    /// <summary>How deep its colour is, from 0 to 1: by the activation of what fires, by the importance of what stands in front.</summary>
    public required double Strength { get; init; }

    /// <summary>Whether a path ends here.</summary>
    public required bool MayEnd { get; init; }

    /// <summary>Its name.</summary>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"t{Number}");

    /// <summary>Its colour: red where the neuron fires, else blue, over white.</summary>
    public string Fill
    {
        get
        {
            (int red, int green, int blue) = Depth == 0 ? (214, 69, 65) : (67, 130, 200);
            return $"#{Mixed(red):x2}{Mixed(green):x2}{Mixed(blue):x2}";
        }
    }

    private int Mixed(int colour) => (int)Math.Round(255 - ((255 - colour) * Math.Clamp(Strength, 0, 1)));
}

/// <summary>
/// A graph as boxes and arrows: a box for each token and depth, an arrow from one that is a part of a path to the next one. Tokens that may
/// be any are left out.
/// </summary>
internal sealed class PathDrawing
{
    private const int Column = 170, Row = 34, BoxWidth = 120, BoxHeight = 24, Margin = 20, Heading = 30;

    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    private readonly NeuronGraph _graph;

    public PathDrawing(NeuronGraph graph)
    {
        _graph = graph;
        // Steps of one path, each with the activation of the path.
        (int Depth, string Token, double Strength, bool MayEnd)[][] paths =
        [
            .. graph.Paths.Select(path => path.Steps.Index().Where(step => step.Item.Token is not null).Select(step => (
                step.Index, step.Item.Token!, step.Index == 0 ? path.Activation / graph.Maximum : step.Item.Importance,
                step.Index == path.Steps.Length - 1)).ToArray()),
        ];
        Boxes =
        [
            .. paths.SelectMany(path => path).GroupBy(step => (step.Depth, step.Token))
                .OrderBy(box => box.Key.Depth).ThenByDescending(box => box.Max(step => step.Strength))
                .ThenBy(box => box.Key.Token, StringComparer.Ordinal)
                .Select((box, i) => new PathBox(box.Key.Depth, box.Key.Token, i)
                {
                    Strength = box.Max(step => step.Strength),
                    MayEnd = box.Any(step => step.MayEnd),
                }),
        ];
        Dictionary<(int, string), PathBox> boxes = Boxes.ToDictionary(box => (box.Depth, box.Token));
        Arrows =
        [
            .. paths.SelectMany(path => path.Zip(path.Skip(1), (near, far) =>
                (From: boxes[(far.Depth, far.Token)], To: boxes[(near.Depth, near.Token)])))
                .Distinct().OrderBy(arrow => arrow.From.Number).ThenBy(arrow => arrow.To.Number),
        ];
    }

    /// <summary>The boxes, those where the neuron fires first.</summary>
    public IReadOnlyList<PathBox> Boxes { get; }

    /// <summary>The arrows, from a token to one behind it.</summary>
    public IReadOnlyList<(PathBox From, PathBox To)> Arrows { get; }

    /// <summary>The picture.</summary>
    public string Draw()
    {
        int deepest = Boxes.Select(box => box.Depth).DefaultIfEmpty(0).Max();
        Dictionary<PathBox, (int X, int Y)> places = Boxes.GroupBy(box => box.Depth)
            .SelectMany(column => column.Select((box, i) =>
                (Box: box, Place: (Margin + ((deepest - box.Depth) * Column), Margin + Heading + (i * Row)))))
            .ToDictionary(one => one.Box, one => one.Place);
        int width = (2 * Margin) + (deepest * Column) + BoxWidth;
        int height = places.Values.Select(place => place.Y).DefaultIfEmpty(Margin + Heading).Max() + BoxHeight + Margin;
        return new XElement(
            s_svg + "svg", Size("width", Math.Max(width, 420)), Size("height", height), new XAttribute("font-family", "sans-serif"),
            new XElement(s_svg + "title", $"{_graph.Neuron}"),
            new XElement(
                s_svg + "rect", new XAttribute("width", "100%"), new XAttribute("height", "100%"), new XAttribute("fill", "#ffffff")),
            Words($"{_graph.Neuron}", Margin, Margin + 8, 14, "start"),
            Arrows.Select(arrow => Drawn(places[arrow.From], places[arrow.To])), Boxes.Select(box => Drawn(box, places[box]))).ToString();
    }

    private static XElement Drawn((int X, int Y) from, (int X, int Y) to)
    {
        (int x, int y, int endX, int endY) = (from.X + BoxWidth, from.Y + (BoxHeight / 2), to.X, to.Y + (BoxHeight / 2));
        int bend = (endX - x) / 2;
        return new XElement(
            s_svg + "path", new XAttribute("fill", "none"), new XAttribute("stroke", "#555555"),
            new XAttribute("d", string.Create(
                CultureInfo.InvariantCulture, $"M{x} {y}C{x + bend} {y} {endX - bend} {endY} {endX} {endY}")));
    }

    private XElement Drawn(PathBox box, (int X, int Y) place)
    {
        string number = box.Depth == 0
            ? string.Create(CultureInfo.InvariantCulture, $"activation {box.Strength * _graph.Maximum:0.###}")
            : string.Create(CultureInfo.InvariantCulture, $"importance {box.Strength:0.##}");
        return new XElement(
            s_svg + "g", new XElement(s_svg + "title", $"{NeuronExample.OneLine(box.Token)}: {number}"),
            new XElement(
                s_svg + "rect", Size("x", place.X), Size("y", place.Y), Size("width", BoxWidth), Size("height", BoxHeight), Size("rx", 5),
                new XAttribute("fill", box.Fill), new XAttribute("stroke", "#444444"), Size("stroke-width", box.MayEnd ? 3 : 1)),
            Words(Shown(box.Token), place.X + (BoxWidth / 2), place.Y + 16, 12, "middle"));
    }

    /// <summary>A token that fits into its box; its spaces are seen.</summary>
    private static string Shown(string token) =>
        NeuronExample.OneLine(TextTable.Shorten(NeuronExample.OneLine(token), 16)).Replace(' ', '␣');

    private static XElement Words(string text, int x, int y, int size, string anchor) => new(
        s_svg + "text", Size("x", x), Size("y", y), Size("font-size", size), new XAttribute("text-anchor", anchor), text);

    private static XAttribute Size(string name, int number) => new(name, number);
}
