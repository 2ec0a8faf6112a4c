using System.Xml.Linq;
using FsCheck;
using FsCheck.Fluent;

namespace Interventions.Features.Tests.Neurons;

/// <summary>Trees of paths: what they predict, how they are merged, drawn, kept, searched and compared.</summary>
public sealed class NeuronGraphTests
{
    [Fact]
    public void The_longest_path_that_a_text_ends_with_is_predicted()
    {
        NeuronGraph graph = Graph(Path(3, "b", "a"), Path(1, "b"), Path(5, "b", "a", "*", "c"));
        Assert.Equal([0, 1], graph.Predict(["x", "b"]));
        Assert.Equal([0, 3], graph.Predict(["a", "b"]));
        Assert.Equal([0, 0, 0, 5], graph.Predict(["c", "anything", "a", "b"]));
        Assert.Equal([0, 0, 0, 3], graph.Predict(["d", "anything", "a", "b"]));
    }

    [Fact]
    public void A_step_of_its_own_is_preferred_and_there_is_no_way_back()
    {
        NeuronGraph graph = Graph(Path(2, "b", "a", "c"), Path(4, "b", "*", "d"));
        Assert.Equal(2, graph.Predict(["c", "a", "b"])[2]);
        Assert.Equal(4, graph.Predict(["d", "x", "b"])[2]);
        Assert.Equal(0, graph.Predict(["d", "a", "b"])[2]); // 'a' is followed, where 'd' does not stand behind it
    }

    [Fact]
    public void Behind_any_token_stands_what_stands_behind_others()
    {
        NeuronTrie trie = NeuronTrie.Of([Path(2, "b", "a", "c"), Path(4, "b", "*", "d"), Path(1, "b", "e"), Path(3, "b", "e", "f")]);
        trie.Merge();
        // 'a' is gone, since no path ends on it; 'e' needs itself.
        Assert.Equal(
            ["'d' * 'b' → 4", "'f' 'e' 'b' → 3", "'f' * 'b' → 3", "'c' * 'b' → 2", "'e' 'b' → 1"], trie.Paths().Select(path => $"{path}"));
        NeuronGraph graph = new(new Neuron("s", 0), 4, trie.Paths());
        Assert.Equal(4, graph.Predict(["d", "a", "b"])[2]);
        Assert.Equal(graph.Paths, new NeuronGraph(graph.Neuron, 4, graph.Paths).Paths, (one, other) => $"{one}" == $"{other}");
    }

    [Fact]
    public void Of_equal_paths_the_largest_activation_counts()
    {
        NeuronPath path = Assert.Single(Graph(Path(2, "b", "a"), Path(3, "b", "a"), Path(1, "b", "a")).Paths);
        Assert.Equal(3, path.Activation);
    }

    /// <summary>Without any token, a tree is a set of texts, of which the longest that fits counts.</summary>
    [Fact]
    public void Predictions_of_literal_paths_are_those_of_the_longest_that_fits() => Prop.ForAll(
        Arb.From(Gen.Zip(Gen.ArrayOf(Gen.ArrayOf(Gen.Elements("a", "b", "c"))), Gen.ArrayOf(Gen.Elements("a", "b", "c")))),
        drawn =>
        {
            NeuronPath[] paths = [.. drawn.Item1.Where(steps => steps.Length > 0)
                .DistinctBy(steps => string.Concat(steps)).Select((steps, i) => Path(i + 1, steps))];
            string[] text = drawn.Item2;
            double[] expected = [.. text.Select((_, last) => paths
                .Where(path => path.Steps.Length <= last + 1 && path.Steps.Index().All(step => step.Item.Token == text[last - step.Index]))
                .OrderByDescending(path => path.Steps.Length).FirstOrDefault()?.Activation ?? 0)];
            return Graph(paths).Predict(text).SequenceEqual(expected);
        }).Check(Config.QuickThrowOnFailure);

    [Theory]
    [InlineData(" Paris", "paris")]
    [InlineData("paris", "paris")]
    [InlineData(" NASA", "NASA")]
    [InlineData(" A", "a")]
    [InlineData(" 42", " 42")]
    [InlineData(",", ",")]
    [InlineData(" ", " ")]
    [InlineData("#12", "#12")]
    public void Keys_are_words_without_spaces_and_capitals(string text, string key) => Assert.Equal(key, NeuronGraph.KeyOf(text));

    [Fact]
    public void A_graph_is_found_again_in_its_file()
    {
        NeuronGraph graph = Drawn();
        using TemporaryFolder folder = new();
        graph.Save(folder["graph.json"]);
        NeuronGraph again = NeuronGraph.Load(folder["graph.json"]);
        Assert.Equal(graph.ToJson(), again.ToJson());
        Assert.Equal($"{graph}", $"{again}");
        Assert.Equal(graph.HeldOut, again.HeldOut);
        Assert.Equal(graph.Predict(["a", "b"]), again.Predict(["a", "b"]));
        Assert.Contains("at paths[0]", Assert.Throws<InterventionException>(
            () => NeuronGraph.FromJson(graph.ToJson().Replace("\"token\":\"b\",", ""))).Message);
        Assert.Contains("'maximum' is missing", Assert.Throws<InterventionException>(
            () => NeuronGraph.FromJson(graph.ToJson().Replace("\"maximum\":5,", ""))).Message);
    }

    [Fact]
    public void Pictures_have_a_box_a_token_and_depth()
    {
        NeuronGraph graph = Drawn();
        // b; a one in front; c and "q" three in front.
        string dot = graph.ToDot(), mermaid = graph.ToMermaid();
        XElement svg = XElement.Parse(graph.ToSvg());
        XNamespace space = "http://www.w3.org/2000/svg";
        Assert.Equal(4, dot.Split("[label=").Length - 1);
        Assert.Equal(3, dot.Split("->").Length - 1);
        Assert.Contains("label=\"\\\"q\\\"\"", dot);
        Assert.Contains("penwidth=3", dot);
        Assert.Equal(3, mermaid.Split("-->").Length - 1);
        Assert.Contains("#34;q#34;", mermaid);
        Assert.Equal(4, svg.Descendants(space + "g").Count());
        Assert.Equal(3, svg.Descendants(space + "path").Count());
        // Texts are read from left to right.
        Assert.True(X("c") < X("a") && X("a") < X("b"));
        Assert.All(graph.ToString().Split('\n'), line => Assert.True(line.Length <= 80, line));

        int X(string token) => (int)svg.Descendants(space + "text").Single(text => text.Value == token).Attribute("x")!;
    }

    [Fact]
    public void Neurons_are_found_by_tokens()
    {
        NeuronGraph first = Graph(0, Path(3, "b", "a")), second = Graph(1, Path(5, "b"), Path(1, "c", "a"));
        NeuronGraph third = Graph(2, Path(1, "d", "b"));
        NeuronGraphs all = new([first, second, third]);
        Assert.Equal([second, first], all.Search(activating: [" B"]));
        Assert.Equal([second], all.Search(activating: ["b", "c"]));
        Assert.Equal([first], all.Search(activating: ["b"], context: ["a"]).Except([second]));
        Assert.Equal([third], all.Search(context: ["b"]));
        Assert.Empty(all.Search(activating: ["a"]));
        Assert.Throws<ArgumentException>(() => all.Search());
        Assert.Same(second, all[new Neuron("s", 1)]);
        Assert.All($"{all}".Split('\n'), line => Assert.True(line.Length <= 80, line));
    }

    [Fact]
    public void Graphs_are_alike_by_the_tokens_that_they_share()
    {
        NeuronGraph first = Graph(0, Path(3, "b", "a")), second = Graph(1, Path(5, "b"), Path(1, "c", "a"), Path(1, "d"));
        NeuronGraph third = Graph(2, Path(1, "a"));
        NeuronGraphComparison comparison = NeuronGraphComparison.Of(first, second);
        Assert.Equal(0.5, comparison.Similarity);          // b and a→, of b, c, d and a→
        Assert.Equal(["b", "a →"], comparison.Shared.ToArray());
        Assert.Equal(["c", "d"], comparison.OnlySecond.ToArray());
        Assert.Equal(1, NeuronGraphComparison.Of(first, first).Similarity);
        Assert.Equal(0, NeuronGraphComparison.Of(first, third).Similarity); // 'a' has another part
        Assert.Equal([second], new NeuronGraphs([first, second, third]).Similar(first).Select(one => one.Second));
        Assert.All($"{comparison}".Split('\n'), line => Assert.True(line.Length <= 80, line));
    }

    [Fact]
    public void A_graph_that_knows_no_more_than_single_tokens_says_so()
    {
        NeuronGraph graph = Drawn();
        Assert.Contains("recall 0.50, F1 0.67; each token alone: 0.33\n", $"{graph}", StringComparison.Ordinal);
        Assert.DoesNotContain("no more than", $"{graph}", StringComparison.Ordinal);
        Assert.Contains(
            "what stands in front of a token tells no more than the token does\n", $"{graph.With(graph.Baseline!, graph.HeldOut!)}",
            StringComparison.Ordinal);
    }

    private static NeuronGraph Drawn() => new(new Neuron("blocks.1.mlp.post", 7), 5, [
        Path(3, "b", "a"), Path(1, "b"), Path(5, "b", "a", "*", "c"), Path(2, "b", "a", "*", "\"q\"")])
    {
        Texts = 12,
        HeldOut = new PredictionScores(40, new(1, 0.5), new(0.9, 1), double.NaN),
        Baseline = new PredictionScores(40, new(0.25, 0.5), new(0.9, 1), 0.3),
    };

    private static NeuronGraph Graph(params NeuronPath[] paths) => Graph(0, paths);

    private static NeuronGraph Graph(int neuron, params NeuronPath[] paths) =>
        new(new Neuron("s", neuron), paths.Select(path => path.Activation).DefaultIfEmpty(1).Max(), paths);

    private static NeuronPath Path(double activation, params string[] steps) =>
        new([.. steps.Select(step => new NeuronStep(step == "*" ? null : step, 0.9))], activation);
}
