using System.Globalization;
using System.Xml.Linq;

namespace Interventions.Features;

/// <summary>Points of steering as a picture: success upwards, against a cost or a size.</summary>
/// <param name="front">The points.</param>
/// <param name="title">What the horizontal axis counts.</param>
/// <param name="across">A point's place along it.</param>
/// <param name="isFront">Whether each method's front is joined; otherwise its points are, in their order along the axis.</param>
internal sealed class ParetoDrawing(ParetoFront front, string title, Func<SteeringPoint, double> across, bool isFront)
{
    private const double Left = 60, Top = 20, PlotWidth = 560, PlotHeight = 340, LegendWidth = 240;

    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    /// <summary>Colours that people who see few colours tell apart (Okabe and Ito 2008).</summary>
    private static readonly string[] s_colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

    private readonly string[] _methods = [.. front.Points.Select(point => point.Method).Distinct()];
    private readonly double[] _ticks = TicksOf(front.Points.Select(across));

    public string Draw() => new XElement(
        s_svg + "svg", Numbers(("width", Left + PlotWidth + LegendWidth), ("height", Top + PlotHeight + 60)),
        new XAttribute("viewBox", $"0 0 {Text(Left + PlotWidth + LegendWidth)} {Text(Top + PlotHeight + 60)}"),
        new XAttribute("font-family", "sans-serif"),
        new XElement(s_svg + "title", $"success against {title}"),
        new XElement(s_svg + "rect", new XAttribute("width", "100%"), new XAttribute("height", "100%"), Fill("#ffffff")),
        Axes(), _methods.SelectMany(Method), Legend()).ToString();

    private IEnumerable<XElement> Axes()
    {
        foreach (double tick in _ticks)
        {
            yield return Line(X(tick), Top, X(tick), Top + PlotHeight, "#e4e4e4");
            yield return Words(tick.ToString("0.####", CultureInfo.InvariantCulture), X(tick), Top + PlotHeight + 18, "middle");
        }
        for (int fifth = 0; fifth <= 5; fifth++)
        {
            yield return Line(Left, Y(fifth / 5.0), Left + PlotWidth, Y(fifth / 5.0), "#e4e4e4");
            yield return Words((fifth / 5.0).ToString("0.0", CultureInfo.InvariantCulture), Left - 8, Y(fifth / 5.0) + 4, "end");
        }
        yield return Line(Left, Top + PlotHeight, Left + PlotWidth, Top + PlotHeight, "#444444");
        yield return Line(Left, Top, Left, Top + PlotHeight, "#444444");
        yield return Words(title, Left + (PlotWidth / 2), Top + PlotHeight + 42, "middle");
        XElement success = Words("success", 0, 0, "middle");
        success.Add(new XAttribute("transform", $"translate(18 {Text(Top + (PlotHeight / 2))}) rotate(-90)"));
        yield return success;
    }

    private IEnumerable<XElement> Method(string method)
    {
        string colour = ColourOf(method);
        SteeringPoint[] own = [.. front.Points.Where(point => point.Method == method).OrderBy(across)];
        HashSet<SteeringPoint> best = [.. front.OfMethod(method).NonDominated];
        SteeringPoint[] joined = isFront ? [.. own.Where(best.Contains)] : own;
        string line = string.Join(' ', joined.Select(point => $"{Text(X(across(point)))},{Text(Y(point.Success.Rate))}"));
        // Layers at one strength are no line.
        if (joined.Length > 1 && (isFront || own.Select(point => point.Layer).Distinct().Count() == 1))
            yield return new XElement(
                s_svg + "polyline", new XAttribute("points", line), Fill("none"), new XAttribute("stroke", colour),
                new XAttribute("stroke-opacity", "0.6"));
        foreach (SteeringPoint point in own)
        {
            (double x, double y) = (X(across(point)), Y(point.Success.Rate));
            if (isFront && front.NonDominated.Contains(point))
                yield return Line(x, Y(point.Success.Low), x, Y(point.Success.High), colour);
            if (point.IsReference)
                yield return Circle(x, y, 8, "none", colour, []);
            yield return Circle(
                x, y, 4, isFront && !best.Contains(point) ? "#ffffff" : colour, colour, [new XElement(s_svg + "title", $"{point}")]);
        }
    }

    private IEnumerable<XElement> Legend()
    {
        double x = Left + PlotWidth + 24;
        foreach ((int i, string method) in _methods.Index())
        {
            yield return Circle(x, Top + 10 + (i * 20), 4, ColourOf(method), ColourOf(method), []);
            yield return Words(method.Length > 34 ? method[..33] + "…" : method, x + 12, Top + 14 + (i * 20), "start");
        }
        if (!front.Points.Any(point => point.IsReference))
            yield break;
        double y = Top + 10 + (_methods.Length * 20);
        yield return Circle(x, y, 8, "none", "#444444", []);
        yield return Words("reference strength", x + 12, y + 4, "start");
    }

    private string ColourOf(string method) => s_colours[Array.IndexOf(_methods, method) % s_colours.Length];

    private double X(double value) => Left + (PlotWidth * (value - _ticks[0]) / (_ticks[^1] - _ticks[0]));

    private static double Y(double rate) => Top + (PlotHeight * (1 - rate));

    /// <summary>Round numbers at equal distances, 1, 2 or 5 times a power of ten, around all values.</summary>
    private static double[] TicksOf(IEnumerable<double> values)
    {
        double low = values.Min(), high = values.Max();
        double wide = high > low ? high - low : Math.Max(Math.Abs(high), 1);
        double power = Math.Pow(10, Math.Floor(Math.Log10(wide / 4))), step = power * new double[] { 1, 2, 5, 10 }.First(one =>
            wide / (power * one) <= 6);
        long first = (long)Math.Floor(low / step), last = Math.Max((long)Math.Ceiling(high / step), first + 1);
        return [.. Enumerable.Range(0, (int)(last - first + 1)).Select(i => (first + i) * step)];
    }

    private static XElement Circle(double x, double y, double radius, string fill, string stroke, XElement[] content) => new(
        s_svg + "circle", Numbers(("cx", x), ("cy", y), ("r", radius)), Fill(fill), new XAttribute("stroke", stroke),
        new XAttribute("stroke-width", "1.5"), content);

    private static XElement Line(double x1, double y1, double x2, double y2, string colour) => new(
        s_svg + "line", Numbers(("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)), new XAttribute("stroke", colour));

    private static XElement Words(string text, double x, double y, string anchor) => new(
        s_svg + "text", Numbers(("x", x), ("y", y), ("font-size", 12)), Fill("#222222"), new XAttribute("text-anchor", anchor), text);

    private static IEnumerable<XAttribute> Numbers(params (string Name, double Value)[] numbers) =>
        numbers.Select(number => new XAttribute(number.Name, Text(number.Value)));

    private static XAttribute Fill(string colour) => new("fill", colour);

    private static string Text(double number) => number.ToString("0.#", CultureInfo.InvariantCulture);
}
