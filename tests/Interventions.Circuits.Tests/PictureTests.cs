using System.Globalization;
using System.Xml.Linq;

namespace Interventions.Circuits.Tests;

/// <summary>Pictures of circuits with scores.</summary>
public sealed class PictureTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    /// <summary>The number of layers and heads, whether there are feed-forward blocks, and of how many edges the circuit is made.</summary>
    public static TheoryData<int, int, bool, int> Sizes => new()
    {
        { 1, 1, true, 0 }, { 1, 1, true, 8 }, { 2, 2, false, 14 }, { 4, 4, true, 30 }, { 12, 12, true, 100 }, { 12, 12, true, 200 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_edge_is_a_curve_with_its_score(int layers, int heads, bool hasMlps, int count)
    {
        (Circuit circuit, EdgeScores scores) = Random(layers, heads, hasMlps, count);
        XElement picture = XDocument.Parse(circuit.ToSvg(scores)).Root!;
        Dictionary<Edge, XElement> curves = picture.Elements(s_svg + "path").Where(path => path.Attribute("class")?.Value == "edge")
            .ToDictionary(path => Edge.Parse(path.Element(s_svg + "title")!.Value.Split(' ')[0]));
        Assert.Equal(circuit.Edges.ToHashSet(), curves.Keys.ToHashSet());
        double largest = circuit.Edges.Select(edge => Math.Abs(scores[edge])).DefaultIfEmpty(0).Max();
        Assert.All(curves, curve =>
        {
            double score = scores[curve.Key];
            Assert.Equal(score, Number(curve.Value.Element(s_svg + "title")!.Value.Split(' ')[1]), largest * 1e-3);
            Assert.Equal(score <= 0 ? EdgeLooks.Falls : EdgeLooks.Rises, curve.Value.Attribute("stroke")!.Value);
            Assert.Equal(0.8 + (5.2 * Math.Abs(score) / largest), Number(curve.Value.Attribute("stroke-width")!.Value), 0.01);
        });
        Assert.Equal(
            circuit.Components.Select(component => $"{component}"),
            picture.Elements(s_svg + "g").Select(box => box.Element(s_svg + "title")!.Value).OrderBy(name => Place(circuit, name)));
        // The largest score is written beside its edge.
        string[] written =
            [.. picture.Elements(s_svg + "text").Where(text => text.Attribute("class") is not null).Select(text => text.Value)];
        Assert.True(written.Length >= Math.Min(count, 8), $"{written.Length} scores are written");
        if (count > 0)
            Assert.Equal(largest, Math.Abs(Number(written[0])), largest * 1e-3);
    }

    /// <summary>From below in the order of computation; no box lies on another one, or outside.</summary>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void Components_stand_in_the_order_of_layers(int layers, int heads, bool hasMlps, int count)
    {
        (Circuit circuit, _) = Random(layers, heads, hasMlps, count);
        CircuitPlaces places = new(circuit);
        Component[] components = [.. circuit.Components];
        for (int i = 0; i < components.Length; i++)
        {
            Box box = places.Boxes[components[i]];
            Assert.InRange(box.Left, 0, places.Width - box.Width);
            Assert.InRange(box.Top, 0, places.Height - Box.Height);
            foreach (Component later in components[(i + 1)..])
            {
                Box other = places.Boxes[later];
                bool isSameRow = (components[i].Layer, components[i].Kind) == (later.Layer, later.Kind);
                Assert.True(isSameRow ? other.Y == box.Y && other.Left > box.Left + box.Width : other.Bottom < box.Top, $"{later}");
            }
        }
        Assert.All(circuit.Edges, edge =>
        {
            Curve curve = places.CurveOf(edge);
            Assert.Equal((places.Boxes[edge.Source].Top, places.Boxes[edge.Target.Component].Bottom), (curve.Start.Y, curve.End.Y));
        });
    }

    [Fact]
    public void It_stands_alone()
    {
        (Circuit circuit, EdgeScores scores) = Random(4, 4, true, 30);
        foreach (string text in (string[])[circuit.ToSvg(), circuit.ToSvg(scores)])
        {
            XElement picture = XDocument.Parse(text).Root!;
            Assert.All(picture.DescendantsAndSelf(), element =>
            {
                Assert.Equal(s_svg, element.Name.Namespace);
                Assert.Contains(element.Name.LocalName, (string[])["svg", "g", "title", "style", "rect", "path", "text"]);
                Assert.All(element.Attributes(), attribute => Assert.DoesNotContain("href", attribute.Name.LocalName));
            });
            Assert.DoesNotContain("url(", text);
            Assert.DoesNotContain("@import", text);
            Assert.Equal(1, text.Split("http").Length - 1); // the namespace
        }
        Assert.DoesNotContain(EdgeLooks.Falls, circuit.ToSvg());
        Assert.All(circuit.Edges, edge => Assert.Contains($"<title>{edge}</title>".Replace("->", "-&gt;"), circuit.ToSvg()));
    }

    /// <summary>A line between two components of one column goes round the one between them.</summary>
    [Fact]
    public void An_edge_goes_round_what_stands_between()
    {
        CircuitGraph graph = new(3, 1, hasMlps: false);
        string[] edges = ["embed->a0.h0.v", "a0.h0->a1.h0.v", "a0.h0->a2.h0.v", "a1.h0->a2.h0.q", "a2.h0->logits"];
        Circuit circuit = new(graph, edges.Select(Edge.Parse));
        CircuitPlaces places = new(circuit);
        Assert.False(places.CurveOf(Edge.Parse("a0.h0->a2.h0.v")).Meets(places.Boxes[Component.OfHead(1, 0)]));
    }

    [Fact]
    public void Texts_have_scores_too()
    {
        CircuitGraph graph = new(1, 1);
        EdgeScores scores = new(graph, [[0.5, 0, -2, 1, 0, 0, 0.25, 0]]);
        Circuit circuit = new(
            graph, ((string[])["embed->a0.h0.q", "embed->a0.h0.v", "embed->m0", "a0.h0->logits"]).Select(Edge.Parse));
        Assert.Contains(
            """
                "embed" -> "a0.h0" [label="q +0.500,v -2.000", color="#2166ac", penwidth=6];
                "embed" -> "m0" [label="+1.000", color="#c0392b", penwidth=3.4];
                "a0.h0" -> "logits" [label="+0.250", color="#c0392b", penwidth=1.45];
            """, circuit.ToDot(scores));
        Assert.Contains(
            """
                embed -->|"q +0.500,v -2.000"| a0_h0
                embed -->|"+1.000"| m0
                a0_h0 -->|"+0.250"| logits
                linkStyle 0 stroke:#2166ac,stroke-width:6px
                linkStyle 1 stroke:#c0392b,stroke-width:3.4px
                linkStyle 2 stroke:#c0392b,stroke-width:1.45px
            """, circuit.ToMermaid(scores));
    }

    [Fact]
    public void Scores_of_another_model_are_refused()
    {
        (Circuit circuit, _) = Random(2, 2, false, 5);
        (_, EdgeScores other) = Random(2, 2, true, 5);
        foreach (Func<EdgeScores?, string> draw in (Func<EdgeScores?, string>[])[circuit.ToSvg, circuit.ToDot, circuit.ToMermaid])
            Assert.Contains("The scores are of 2 layers", Assert.Throws<ArgumentException>(() => draw(other)).Message);
    }

    /// <summary>Edges of which few are large, as in models.</summary>
    private static (Circuit Circuit, EdgeScores Scores) Random(int layers, int heads, bool hasMlps, int count)
    {
        Random random = new(1);
        CircuitGraph graph = new(layers, heads, hasMlps);
        EdgeScores scores = new(graph, [[.. graph.Edges.Select(_ => (random.NextDouble() - 0.5) * Math.Pow(random.NextDouble(), 4))]]);
        return (scores.Greedy(count), scores);
    }

    private static int Place(Circuit circuit, string name) => circuit.Components.ToList().FindIndex(component => $"{component}" == name);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
