using FsCheck;
using FsCheck.Fluent;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Tests.Sites;

/// <summary>Points of several placeholders as texts, and what their coordinates select.</summary>
public sealed class ListedPointsTests
{
    [Theory]
    [InlineData("23.3", "23|3")]
    [InlineData(" 23 . end ", "23|end")]
    [InlineData("23, 0.5", "23|0.5")]
    [InlineData("-1.S1+1", "-1|S1+1")]
    [InlineData("3, a.b", "3|a.b")]
    public void Dots_part_coordinates_or_commas_do(string point, string coordinates) =>
        Assert.Equal(coordinates, string.Join('|', ListedPoints.Coordinates(point)));

    [Fact]
    public void What_is_printed_is_parsed_to_the_same() => Prop.ForAll(
        Arb.From(Gen.Choose(2, 4).SelectMany(count => Gen.ArrayOf(Gen.Elements("0", "-3", "11", "0.25", "end", "S1+1", "1e-05"), count))),
        coordinates =>
        {
            string text = ListedPoints.Text(coordinates);
            Assert.Equal(coordinates, ListedPoints.Coordinates(text));
            Assert.Null(ListedPoints.Problem(text, coordinates));
            SweepCoordinate point = SweepCoordinate.OfPoint([.. coordinates.Select(SweepCoordinate.Parse)]);
            SweepAxis axis = SweepAxis.OfPoints(string.Join(", ", coordinates.Select((_, i) => $"p{i}")), point.ToString());
            Assert.Equal(point, axis.Coordinates[0]);
            Assert.Equal(point.Parts, axis.Coordinates[0].Parts);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("23")]
    [InlineData("23.3.1")]
    [InlineData("23.")]
    [InlineData("")]
    public void A_point_has_a_coordinate_for_each_placeholder(string point)
    {
        Assert.Contains("it has one coordinate for each, as in '3.4'", ListedPoints.Problem(point, ["layer", "head"]));
        Assert.Throws<InterventionException>(() => SweepAxis.OfPoints("layer, head", point));
    }

    [Theory]
    [InlineData("layer", "11", "11", "")]
    [InlineData("layer", "-1", "11", "")]
    [InlineData("layer", "12", "", "layer 12 of '{p}' is out of range: Gpt2Small has 12 layers (0 to 11)")]
    [InlineData("layer", "2", "", "layer 2 is not among those that '{p}' goes through in a site path")]
    [InlineData("layer", "0.5", "", "'0.5' is no number of a layer")]
    [InlineData("head", "end", "", "'end' is no number of a head")]
    [InlineData("pos", "S1+1", "S1+1", "")]
    [InlineData("pos", "S3", "", "IoiPrompts has no position 'S3'")]
    [InlineData("pos", "named", "", "'named' is several positions")]
    [InlineData("open", "4", "4", "")]
    [InlineData("open", "0", "", "pos 0 is not among those")]
    public void A_coordinate_selects_what_the_placeholders_uses_allow(string axis, string coordinate, string place, string problem)
    {
        PlaceholderRange range = axis switch
        {
            "open" => new PlaceholderRange("p", "pos", EquatableArray.Of(new SelectionItem(null, 1, -1))),
            "pos" => new PlaceholderRange("p", "pos", null),
            _ => new PlaceholderRange("p", axis, Enumerable.Range(5, 7).Select(i => new SelectionItem(null, i, i)).ToEquatableArray()),
        };

        (SelectionItem? found, string? wrong) = ListedPoints.Place(coordinate, range, Vocabularies.Gpt2Small, Vocabularies.Ioi);

        Assert.Equal(place, found is null ? "" : SweepCoordinate.OfPlace(found).ToString());
        Assert.StartsWith(problem, wrong ?? "", StringComparison.Ordinal);
        Assert.Equal(problem.Length == 0, wrong is null);
    }
}
