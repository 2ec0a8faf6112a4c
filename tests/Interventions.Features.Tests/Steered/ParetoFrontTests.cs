using System.Xml.Linq;
using FsCheck;
using FsCheck.Fluent;

namespace Interventions.Features.Tests.Steered;

/// <summary>Fronts, rates and words.</summary>
public sealed class ParetoFrontTests
{
    private static readonly Gen<SteeringPoint> s_point =
        from loss in Gen.Choose(0, 6)
        from hits in Gen.Choose(0, 5)
        from method in Gen.Elements("a", "b")
        from strength in Gen.Choose(0, 3)
        select new SteeringPoint(method, null, strength, strength * 1.5, loss, new SuccessRate(hits, 5)) { IsReference = strength == 1 };

    [Fact]
    public void No_point_beats_one_of_the_front_and_one_of_it_beats_every_other() => Prop.ForAll(
        Arb.From(Gen.Choose(1, 12).SelectMany(count => Gen.ListOf(s_point, count))), points =>
        {
            ParetoFront front = ParetoFront.Of(points);
            bool Beats(SteeringPoint one, SteeringPoint other) =>
                (one.Loss < other.Loss && one.Success.Rate >= other.Success.Rate)
                || (one.Loss <= other.Loss && one.Success.Rate > other.Success.Rate);
            return front.NonDominated.Length > 0
                && front.NonDominated.All(best => !points.Any(point => Beats(point, best)))
                && points.All(point => front.NonDominated.Contains(point) || front.NonDominated.Any(best => Beats(best, point)))
                && front.NonDominated.Select(point => point.Loss).SequenceEqual(front.NonDominated.Select(point => point.Loss).Order());
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_front_is_drawn_and_printed()
    {
        ParetoFront front = ParetoFront.Of(
            Point("a", 1, 3.2, 1), Point("a", 2, 3.9, 3) with { IsReference = true }, Point("a", 4, 5, 2), Point("b & c", 1, 3.1, 4));
        Assert.Equal([4], front.NonDominated.Select(point => point.Success.Hits));
        Assert.Equal([1, 3], front.OfMethod("a").NonDominated.Select(point => point.Success.Hits));
        Assert.Equal("""
            method  layer  strength  norm   loss  success, 95 %
            b & c               1    2.00  3.100  0.80 [0.38, 0.96]
            1 of 4 points are on the front

            """.ReplaceLineEndings("\n"), front.ToString());

        XElement svg = XElement.Parse(front.ToSvg());
        XNamespace name = svg.Name.Namespace;
        Assert.Equal("http://www.w3.org/2000/svg", name.NamespaceName);
        XElement[] circles = [.. svg.Elements(name + "circle")];
        Assert.Equal(4, circles.Count(circle => circle.Element(name + "title") is not null));
        // One circled point and its place in the legend; one point that its own method beats.
        Assert.Equal(2, circles.Count(circle => (string?)circle.Attribute("r") == "8"));
        Assert.Single(circles, circle => (string?)circle.Attribute("fill") == "#ffffff");
        Assert.Single(svg.Elements(name + "polyline"));
        Assert.All(
            circles.Where(circle => circle.Element(name + "title") is not null),
            circle => Assert.InRange((double)circle.Attribute("cx")!, 60, 620));
        Assert.Contains("norm of what is added", front.ToSvgByNorm(), StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => ParetoFront.Of(Point("a", 1, 3, 1) with { Norm = null }).ToSvgByNorm());
        Assert.Throws<ArgumentException>(() => ParetoFront.Of(Point("a", 1, double.NaN, 1)));
        Assert.Throws<ArgumentException>(() => ParetoFront.Of(Array.Empty<SteeringPoint>()));

        static SteeringPoint Point(string method, double c, double loss, int hits) =>
            new(method, null, c, 2 * c, loss, new SuccessRate(hits, 5));
    }

    [Fact]
    public void An_interval_holds_the_rate_and_lies_between_0_and_1() => Prop.ForAll(
        Arb.From(from count in Gen.Choose(1, 200) from hits in Gen.Choose(0, count) select new SuccessRate(hits, count)),
        rate => rate.Low >= -1e-12 && rate.Low <= rate.Rate + 1e-12 && rate.Rate <= rate.High + 1e-12 && rate.High <= 1 + 1e-12
            && rate.High - rate.Low > 0).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("The Rehearsal—dinner!", true)]
    [InlineData("a rehearsal and a dinner", false)]
    [InlineData("Café3 it is", true)]
    [InlineData("cafés", false)]
    [InlineData("", false)]
    public void Words_and_phrases_are_found_whole(string text, bool isIn) =>
        Assert.Equal(isIn, new WordList("rehearsal dinner", "CAFÉ3").IsIn(text));

    [Fact]
    public void A_list_without_words_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new WordList());
        Assert.Contains(
            "'--' has no letter", Assert.Throws<ArgumentException>(() => new WordList("a", "--")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SuccessRate.Of([]));
    }
}
