using Interventions.Models.Decoder;

namespace Interventions.Circuits.Tests;

/// <summary>What may be a slip is said with the result, and how far a mean may be off.</summary>
public sealed class WarningTests
{
    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(9, 6, 4, 6);

    [Fact]
    public void Attribution_to_nodes_names_a_metric_without_a_slope()
    {
        using DecoderModel model = SmallDecoders.Model("toy");
        NodeAttributions scores = NodeAttribution.Of(model, s_prompts, Golden.KullbackLeibler);
        Assert.Contains("the metric has no slope", Assert.Single(scores.Warnings), StringComparison.Ordinal);
        Assert.Contains("no slope", $"{scores}", StringComparison.Ordinal);
        Assert.Empty(NodeAttribution.Of(model, s_prompts, Support.Column).Warnings);
    }

    [Fact]
    public void A_path_on_which_nothing_flows_is_named()
    {
        using DecoderModel model = SmallDecoders.Model("toy");
        Component sender = Component.OfHead(0, 1);
        Assert.Contains(Sent("end", "0").Warnings, Reaches);
        Assert.DoesNotContain(Sent("end", "end").Warnings, Reaches);

        NodeScores Sent(string from, string to) => PathEffects.Of(
            model, s_prompts, Support.Column, [Port.Parse("a1.h0.q")], [sender], new() { SendersAt = from, ReceiversAt = to });

        static bool Reaches(string warning) => warning.Contains("reaches nothing that it reads", StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_whose_metric_falls_is_named()
    {
        AcdcResult fallen = Result(16, 2), risen = Result(0.1, 2);
        Assert.Contains("HigherIsBetter", Assert.Single(fallen.Warnings), StringComparison.Ordinal);
        Assert.Contains("fell from 16 to 2", $"{fallen}", StringComparison.Ordinal);
        Assert.Empty(risen.Warnings);

        static AcdcResult Result(double initial, double last)
        {
            CircuitGraph graph = new(1, 1);
            return new(graph, 1, AcdcOrder.HeadsFirst, initial, [new AcdcStep(graph.Edges.First(), last, IsRemoved: true, last)]);
        }
    }

    [Fact]
    public void Standard_errors_are_those_by_hand()
    {
        // Deviations −2, −1, 3 of the mean 3: a variance of 7.
        Assert.Equal(Math.Sqrt(7.0 / 3), Spread.StandardError([1, 2, 6]), 1e-12);
        Assert.Equal(double.NaN, Spread.StandardError([4.0]));
        Assert.Equal(["2", "", "1"], Spread.Format([2, double.NaN, 1]));
    }

    [Fact]
    public void Curves_print_their_points()
    {
        Assert.Equal(
            "area under the curve 0.875\nfalse positives  true positives\n          0.000           0.000\n          0.000           0.750\n"
            + "          1.000           1.000\n",
            $"{Roc.Of([new(0, 0.75)])}");
        Assert.Equal(
            "CPR 0.750, CMD 0.250\nedges  faithfulness\n  0 %         0.500\n100 %         1.000\n",
            $"{new FaithfulnessCurve([0, 1], [0.5, 1])}");
        Assert.Contains("no circuit to judge", Assert.Throws<ArgumentException>(() =>
            Roc.OfEdges([], Circuit.None(new(1, 1)))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a3.h0.query", "no port: a3.h1.q")]
    [InlineData("embed", "no port")]
    [InlineData("m1.q", "no port")]
    public void A_text_that_is_no_port_is_told_of_ports(string text, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => Port.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Components_of_a_knockout_have_commas_between() => Assert.Contains(
        "have commas between them", Assert.Throws<FormatException>(() => Knockout.Parse("a1.h1 a2.h1")).Message, StringComparison.Ordinal);
}
