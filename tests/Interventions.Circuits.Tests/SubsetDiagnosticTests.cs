using Interventions.Models.Decoder;

namespace Interventions.Circuits.Tests;

/// <summary>Estimates of single nodes from joint effects, against full enumeration and numbers by hand.</summary>
public sealed class SubsetDiagnosticTests
{
    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    [Fact]
    public void All_subsets_of_an_additive_metric_give_exact_effects()
    {
        double[] effects = [0.5, -2, 0, 1.25];
        bool[][] subsets = [.. Enumerable.Range(0, 16).Select(bits => Enumerable.Range(0, 4).Select(i => (bits >> i & 1) == 1).ToArray())];
        SubsetEstimates estimates = new(
            subsets, [.. subsets.Select(subset => effects.Where((_, node) => subset[node]).Sum())]);
        Assert.Equal(16, estimates.Samples);
        for (int node = 0; node < effects.Length; node++)
            Assert.Equal(Math.Abs(effects[node]), estimates.Effect(node), 1e-12);
        Assert.True(estimates.LargestUpperBound(0.05) > 2);
        Assert.InRange(estimates.LargestProbability(100), 0, 1e-6);
    }

    /// <summary>With 1, 2, 3 and without 5, 9: means 2 and 7, variances 1 and 8, so se² = 1/3 + 4.</summary>
    [Fact]
    public void Welch_by_hand()
    {
        SubsetEstimates estimates = new([[true], [true], [true], [false], [false]], [1, 2, 3, 5, 9]);
        double squared = (1.0 / 3) + 4, freedom = squared * squared / ((1.0 / 9 / 2) + 16);
        Assert.Equal(5, estimates.Effect(0), 1e-12);
        Assert.Equal(Math.Sqrt(squared), estimates.StandardError(0), 1e-12);
        Assert.Equal(freedom, estimates.DegreesOfFreedom(0), 1e-12);
        // The bound is where the probability is α.
        double bound = estimates.UpperBound(0, 0.05);
        Assert.Equal(0.05, estimates.Probability(0, bound), 1e-9);
        Assert.Equal(0.5, estimates.Probability(0, 5), 1e-12);
        Assert.Equal(bound, estimates.LargestUpperBound(0.05));
    }

    /// <summary>From tables of the distribution; of 1 and 2 degrees in closed form.</summary>
    [Theory]
    [InlineData(0.05, 1, 6.313751514675043)]
    [InlineData(0.05, 2, 2.919985580353725)]
    [InlineData(0.05, 10, 1.812461122811676)]
    [InlineData(0.025, 5, 2.570581835636314)]
    [InlineData(0.01, 30, 2.457261542408213)]
    [InlineData(0.05, 1e9, 1.644854)]
    public void Students_distribution_by_table(double probability, double freedom, double value)
    {
        Assert.Equal(value, StudentT.Exceeded(probability, freedom), 2e-6);
        Assert.Equal(-value, StudentT.Exceeded(1 - probability, freedom), 2e-6);
        Assert.Equal(probability, StudentT.Above(value, freedom), 5e-7);
        Assert.Equal(0.5 - (Math.Atan(value) / Math.PI), StudentT.Above(value, 1), 1e-12);
        Assert.Equal((1 - (value / Math.Sqrt(2 + (value * value)))) / 2, StudentT.Above(value, 2), 1e-12);
    }

    [Fact]
    public void Too_few_samples_are_refused()
    {
        Assert.Contains(
            "Node 1 is in 1 samples and not in 3", Assert.Throws<ArgumentException>(() =>
                new SubsetEstimates([[true, true], [true, false], [false, false], [false, false]], [1, 2, 3, 4])).Message);
        Assert.Throws<ArgumentException>(() => new SubsetEstimates([[true]], []));
        Assert.Throws<ArgumentException>(() => new SubsetEstimates([[true], [true, false]], [1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SubsetOptions { Samples = 3 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new SubsetOptions { Probability = 1 });
    }

    /// <summary>Where effects add up, the estimates are near those of patching one node, and the bound lies above all of them.</summary>
    [Fact]
    public void The_bound_holds_where_effects_add_up()
    {
        using DecoderModel model = SmallDecoders.Model(SmallDecoders.Config("toy") with { Layers = 1 });
        NodeAttributions scores = NodeAttribution.Of(model, s_prompts, Support.Column, nodes: [NodeKind.Z]);
        NodeScores exact = ActivationPatching.Of(
            model, s_prompts, Support.Column, new(NodeKind.Z) { Unit = PatchUnit.Position }, PatchDirection.Noising);
        SubsetDiagnostic found = SubsetDiagnostic.Of(model, s_prompts, Support.Column, scores, 2, new() { Samples = 400, Seed = 3 });
        // A place that a shorter prompt lacks changes nothing there.
        double[] effects = [.. Enumerable.Range(0, exact.Count).Select(place => Mean(exact, place))];
        int[] left = [.. Enumerable.Range(0, exact.Count).OrderByDescending(place => scores[0].Magnitudes[place]).Skip(2).Order()];
        Assert.Equal(left.Select(place => scores[0].ScoreOf(place)), found.Nodes);
        for (int node = 0; node < left.Length; node++)
            Assert.InRange(
                Math.Abs(effects[left[node]]), found.Estimates.Effect(node) - (5 * found.Estimates.StandardError(node)),
                found.Estimates.Effect(node) + (5 * found.Estimates.StandardError(node)));
        Assert.True(found.Estimates.LargestUpperBound(0.001) >= left.Max(place => Math.Abs(effects[place])));
        Assert.Contains("400 random subsets", $"{found}", StringComparison.Ordinal);
    }

    /// <summary>Where all nodes but one are verified, a subset is that node or nothing: its estimate is the node patched alone.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void One_node_that_is_left_is_patched_alone(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        foreach (NodeKind kind in (NodeKind[])
            [NodeKind.Embed, NodeKind.AttnOut, NodeKind.Neuron, NodeKind.Z, NodeKind.Query, NodeKind.Key, NodeKind.ValueGroup])
        {
            NodeScores exact = ActivationPatching.Of(
                model, s_prompts, Support.Column, new(kind) { Unit = PatchUnit.Position }, PatchDirection.Noising);
            int one = exact.Ranked().Skip(3).First(place => Mean(exact, place) != 0);
            double[] ranks = [.. Enumerable.Range(0, exact.Count).Select(place => place == one ? 0.0 : 1)];
            NodeScores ranked = new("ranks", "Column", exact.Axes, [ranks], new([0], [0])) { Kind = kind };
            SubsetDiagnostic found = SubsetDiagnostic.Of(
                model, s_prompts, Support.Column, [ranked], exact.Count - 1, new() { Samples = 8 });
            Assert.Equal(ranked.ScoreOf(one), Assert.Single(found.Nodes));
            Assert.Equal(Math.Abs(Mean(exact, one)), found.Estimates.Effect(0), 1e-9);
            Assert.Equal(0, found.Estimates.StandardError(0), 1e-9);
        }
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void How_it_is_run_changes_nothing(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        NodeAttributions scores = NodeAttribution.Of(
            model, s_prompts, Support.Column, AttributionFixes.All,
            [NodeKind.Z, NodeKind.Query, NodeKind.Key, NodeKind.Value, NodeKind.MlpOut, NodeKind.Neuron, NodeKind.Embed]);
        SubsetOptions subsets = new() { Samples = 24, Probability = 0.4, Seed = 1 };
        SubsetDiagnostic planned = SubsetDiagnostic.Of(model, s_prompts, Support.Column, [.. scores.Take(3)], 5, subsets);
        SubsetDiagnostic naive = SubsetDiagnostic.Of(
            model, s_prompts, Support.Column, [.. scores.Take(3)], 5, subsets, new() { Run = new() { Naive = true } });
        for (int node = 0; node < planned.Nodes.Length; node++)
            Assert.Equal(naive.Estimates.Effect(node), planned.Estimates.Effect(node), 1e-9);
        Assert.Contains(Enumerable.Range(0, planned.Nodes.Length), node => planned.Estimates.Effect(node) > 1e-3);
    }

    [Fact]
    public void What_is_no_node_by_position_is_refused()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        NodeScores heads = ActivationPatching.Of(model, s_prompts, Support.Column, NodeKind.Z);
        NodeScores named = ActivationPatching.Of(
            model, s_prompts, Support.Column, new(NodeKind.Z) { Unit = PatchUnit.Position, At = ["end"] });
        foreach (NodeScores scores in (NodeScores[])[heads, named])
            Assert.Contains(
                "position by position", Assert.Throws<InterventionException>(() =>
                    SubsetDiagnostic.Of(model, s_prompts, Support.Column, [scores], 1)).Message);
        NodeAttributions all = NodeAttribution.Of(model, s_prompts, Support.Column, nodes: [NodeKind.AttnOut]);
        Assert.Contains(
            "none is left", Assert.Throws<InterventionException>(() =>
                SubsetDiagnostic.Of(model, s_prompts, Support.Column, all, 1000)).Message);
    }

    private static double Mean(NodeScores scores, int place) => Enumerable.Range(0, scores.PromptCount)
        .Select(prompt => scores.OfPrompt(prompt)[place]).Where(change => !double.IsNaN(change)).Sum() / scores.PromptCount;
}
